"""All rows of a hub, table by table, and how two databases are seen to hold the same."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import NamedTuple, Protocol

import msgspec
from sqlalchemy import Table

from wriftai_server.database.driver import Row
from wriftai_server.database.migrate import is_current, is_known
from wriftai_server.database.schema import feed, metadata
from wriftai_server.moving.progress import CannotMove

# In an order in which each row comes behind those that it names. The feed is of the database, not of the hub.
TABLES: Sequence[Table] = [table for table in metadata.sorted_tables if table is not feed]
# Those that number their rows, by the column `id`, on every database.
NUMBERED = ("prediction_tallies", "webhook_deliveries")

# A row of these may be megabytes long.
_LONG = frozenset({"versions", "predictions", "prediction_events", "webhook_deliveries", "idempotency_keys"})
_FEW, _MANY = 50, 2000
_DIGEST_BYTES = 16
_encode = msgspec.msgpack.Encoder().encode


class Tally(NamedTuple):
    """What rows are, in whatever order they come.

    Attributes:
        rows: How many there are.
        checksum: Sum of their digests.
    """

    rows: int = 0
    checksum: int = 0

    def joined(self, others: Iterable[Row]) -> "Tally":
        """Give the tally of these rows and others."""
        digests = [blake2b(_encode(tuple(row)), digest_size=_DIGEST_BYTES).digest() for row in others]
        more = sum(int.from_bytes(digest) for digest in digests)
        return Tally(self.rows + len(digests), (self.checksum + more) % 2 ** (8 * _DIGEST_BYTES))


class Source(Protocol):
    """A database as it is at one moment."""

    async def count(self, table: Table) -> int:
        """Count the rows of a table."""
        ...

    def rows(self, table: Table) -> AsyncIterator[Sequence[Row]]:
        """Give the rows of a table, some at a time, in no order, with their columns in that of the schema."""
        ...

    async def numbers(self) -> Mapping[str, int]:
        """Give the highest number that each of the numbered tables has given to a row so far."""
        ...


class Target(Source, Protocol):
    """An empty database that is being filled."""

    async def add(self, table: Table, rows: Sequence[Row]) -> None:
        """Add rows to a table."""
        ...

    async def go_on_behind(self, numbers: Mapping[str, int]) -> None:
        """Let numbered tables number their next rows behind these."""
        ...


def check_current(schema: str, name: object) -> None:
    """Check that a database has the schema of this release.

    Args:
        schema: That it has.
        name: Of the database, for people.

    Raises:
        CannotMove: It has another.
    """
    if not is_known(schema):
        raise CannotMove(f"{name} is of a newer release of the hub: do this with that release.")
    if not is_current(schema):
        raise CannotMove(
            f"{name} is of an older release: start the hub on it once with this one, then try again."
        )


def at_once(table: Table) -> int:
    """Tell how many rows of a table are held in memory at a time."""
    return _FEW if table.name in _LONG else _MANY


def columns(table: Table) -> list[str]:
    """Give the names of a table's columns, in order."""
    return [column.name for column in table.columns]


def selected(table: Table) -> str:
    """Write the query for the rows of a table."""
    names = ", ".join(f'"{name}"' for name in columns(table))
    return f"SELECT {names} FROM {table.name}"  # noqa: S608  all names are of our schema
