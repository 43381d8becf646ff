"""The history of the schema, and where it has led."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from tests.shortages import no_room
from wriftai_server.database import migrations
from wriftai_server.database.migrate import SchemaTooNew, is_current, is_known, migrate
from wriftai_server.database.schema import metadata

Rows = list[tuple[Any, ...]]


@pytest.fixture
def migrated(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """Give a database that the migrations have made."""
    migrate(tmp_path / "migrated.sqlite3")
    with closing(sqlite3.connect(tmp_path / "migrated.sqlite3")) as connection:
        yield connection


@pytest.fixture
def declared(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """Give a database that is as the tables are declared."""
    engine = create_engine(f"sqlite:///{tmp_path}/declared.sqlite3")
    metadata.create_all(engine)
    engine.dispose()
    with closing(sqlite3.connect(tmp_path / "declared.sqlite3")) as connection:
        yield connection


def pragma(connection: sqlite3.Connection, name: str, argument: str) -> Rows:
    return connection.execute(f"PRAGMA {name}({argument})").fetchall()


def tables(connection: sqlite3.Connection) -> list[str]:
    found = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").fetchall()
    return [name for (name,) in found if name not in ("alembic_version", "sqlite_sequence")]


def indexes(connection: sqlite3.Connection, table: str) -> dict[str, tuple[Any, ...]]:
    """Give the indexes of a table by name: unique or not, for what, over which columns, in which words."""
    found = {}
    for _, name, unique, origin, partial in pragma(connection, "index_list", table):
        (sql,) = connection.execute("SELECT sql FROM sqlite_schema WHERE name = ?", (name,)).fetchone()
        found[name] = (unique, origin, partial, pragma(connection, "index_xinfo", name), sql and plain(sql))
    return found


def references(connection: sqlite3.Connection, table: str) -> Rows:
    """Give what a table refers to, in no order of its own."""
    return sorted(row[1:] for row in pragma(connection, "foreign_key_list", table))


def checks(connection: sqlite3.Connection, table: str) -> list[str]:
    (sql,) = connection.execute("SELECT sql FROM sqlite_schema WHERE name = ?", (table,)).fetchone()
    return sorted(
        re.findall(r"CONSTRAINT \S+ (?:CHECK|UNIQUE|PRIMARY KEY) \(.*\)|PRIMARY KEY AUTOINCREMENT", sql)
    )


def plain(sql: str) -> str:
    return " ".join(sql.split())


def test_the_migrations_make_what_is_declared(migrated: sqlite3.Connection, declared: sqlite3.Connection) -> None:
    assert tables(migrated) == tables(declared) == sorted(metadata.tables)
    for table in tables(declared):
        assert pragma(migrated, "table_xinfo", table) == pragma(declared, "table_xinfo", table)
        assert references(migrated, table) == references(declared, table)
        assert indexes(migrated, table) == indexes(declared, table) != {}
        assert checks(migrated, table) == checks(declared, table) != []


def test_a_database_that_is_current_stays_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "hub.sqlite3"
    migrate(file)
    before = file.read_bytes()
    migrate(file)
    assert file.read_bytes() == before


def test_the_files_of_migrations_are_called_after_them_in_their_order() -> None:
    folder = Path(migrations.__file__).parent
    config = Config()
    config.set_main_option("script_location", str(folder))
    made = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions("base", "heads")]
    assert all(map(is_known, made))
    assert [schema for schema in made if is_current(schema)] == made[:1]
    assert not is_known("9999")


def test_a_newer_schema_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "hub.sqlite3"
    migrate(file)
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = 'from the future'")
    before = file.read_bytes()
    with pytest.raises(
        SchemaTooNew, match=r"hub\.sqlite3 was last used by a newer release .* knows schema \d{4}"
    ):
        migrate(file)
    assert file.read_bytes() == before


def test_a_migration_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    file = tmp_path / "hub.sqlite3"
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("CREATE TABLE versions (mine TEXT)")  # The last of the tables is in the way.
    with pytest.raises(Exception, match="versions already exists"):
        migrate(file)
    with closing(sqlite3.connect(file)) as connection:
        assert tables(connection) == ["versions"]
        assert pragma(connection, "table_info", "versions")[0][1] == "mine"


def test_a_full_disk_is_an_error_of_the_database(tmp_path: Path) -> None:
    with no_room(beyond=10_000), pytest.raises(sqlite3.OperationalError, match=r"full|I/O"):
        migrate(tmp_path / "hub.sqlite3")


@pytest.mark.parametrize("name", ["a b", "what?", "100%", "#1", "a&b=c", "ä", "%2F", "file:x?mode=ro", "'"])
def test_any_folder_will_do(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    migrate(folder / "hub.sqlite3")
    with closing(sqlite3.connect(folder / "hub.sqlite3")) as connection:
        assert tables(connection) == sorted(metadata.tables)
    assert [path.name for path in tmp_path.iterdir()] == [name]
