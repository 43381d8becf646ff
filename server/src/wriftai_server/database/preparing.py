"""Prepare a database of PostgreSQL for a hub: see whether it will do, and bring it to the current schema."""

from wriftai_server.database import feed
from wriftai_server.database.connections import Connection, UnusableServer, connect, refusals, shown
from wriftai_server.database.migrate import statements
from wriftai_server.database.postgres import PostgresTransaction

_OLDEST = 14
_MIGRATING = 0x777269667461  # The number of a lock that whoever migrates holds.
# An index over a hundred million rows takes its time, and so do others who wait for it.
_MIGRATION_SECONDS = 86_400.0
# Restored from a dump to a server that has not come as far: transactions to come would seem to be long past.
_IS_OF_ANOTHER_SERVER = (
    "SELECT 1 FROM feed WHERE transaction_id >= pg_snapshot_xmax(pg_current_snapshot())::text::bigint LIMIT 1"
)


async def prepare(address: str) -> None:
    """Bring a database to the current schema and its server; processes that do it at once wait for one another.

    Raises:
        UnusableServer: There is no such database, or it will not do.
        SchemaTooNew: A newer release has used it.
    """
    with refusals(address):
        connection = await connect(address)
        try:
            _check(connection, shown(address))
            if statements(shown(address), await schema_of(connection)):
                await _migrate(connection, shown(address))
            if await connection.fetchrow(_IS_OF_ANOTHER_SERVER):
                await _begin_feed_anew(connection)
        finally:
            await connection.close()


def _check(connection: Connection, name: str) -> None:
    version, encoding = connection.get_server_version(), connection.get_settings().server_encoding
    if version.major < _OLDEST:
        raise UnusableServer(
            f"{name} is on PostgreSQL {version.major}: the hub needs {_OLDEST} or newer, so upgrade the server."
        )
    if encoding != "UTF8":
        raise UnusableServer(
            f"{name} holds text in {encoding}: create the database with the encoding UTF8, as in "
            "`createdb --encoding=UTF8 --template=template0`."
        )


async def schema_of(connection: Connection) -> str | None:
    """Tell which schema a database has; None when it has none."""
    if await connection.fetchrow("SELECT 1 WHERE to_regclass('alembic_version') IS NULL"):
        return None
    row = await connection.fetchrow("SELECT version_num FROM alembic_version")
    return None if row is None else str(row[0])


async def _migrate(connection: Connection, name: str) -> None:
    await connection.execute("BEGIN")
    await connection.execute("SET LOCAL lock_timeout = 0")
    await connection.fetchrow("SELECT pg_advisory_xact_lock($1)", _MIGRATING, timeout=_MIGRATION_SECONDS)
    # Another process may have done it meanwhile.
    if missing := statements(name, await schema_of(connection)):
        await connection.execute(missing, timeout=_MIGRATION_SECONDS)
    await connection.execute("COMMIT")


async def _begin_feed_anew(connection: Connection) -> None:
    await connection.execute("BEGIN")
    await connection.fetchrow("SELECT pg_advisory_xact_lock($1)", _MIGRATING)
    if await connection.fetchrow(_IS_OF_ANOTHER_SERVER):
        await feed.begin_anew(PostgresTransaction(connection))
    await connection.execute("COMMIT")
