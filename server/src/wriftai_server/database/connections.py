"""Connections to PostgreSQL: how they are opened, what is used of them, and what their errors are called."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol
from urllib.parse import urlsplit

import asyncpg  # type: ignore[import-untyped]  # the library has no types: `Connection` names what is used of it

from wriftai_server.database.driver import DatabaseUnavailable, Row, UniqueViolation

PATIENCE_SECONDS = 10
STATEMENT_SECONDS = 60

_SERVER_SETTINGS = {
    "application_name": "wriftai-server",
    "jit": "off",  # Its work does not pay for statements that read few rows.
    # Few rows are joined, each by its key. Where it does not know how few, the server would read all users.
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "lock_timeout": f"{PATIENCE_SECONDS}s",
}
_ABOUT_TLS = (
    " Its sslmode is disable, allow, prefer, require, verify-ca or verify-full: from require on the server needs "
    "TLS, and from verify-ca on its certificate is held against sslrootcert, or ~/.postgresql/root.crt."
)
FAILURES = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # The server ended the connection just when a statement was sent.
    asyncpg.PostgresConnectionError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.TransactionRollbackError,  # A deadlock, for one.
    asyncpg.ForeignKeyViolationError,  # What a row names was removed meanwhile: who asks again is told so.
    asyncpg.InsufficientResourcesError,  # The disk is full, there are too many connections.
    asyncpg.OperatorInterventionError,
    asyncpg.PostgresSystemError,
    asyncpg.LockNotAvailableError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.InvalidCachedStatementError,
    asyncpg.SyntaxOrAccessError,  # A table is gone, as a file of SQLite may be.
)


class UnusableServer(Exception):
    """The address of the database leads to none that can be used."""


class Connection(Protocol):
    """What is used of a connection of asyncpg."""

    async def fetch(self, query: str, *values: Any, timeout: float | None = None) -> list[Row]: ...  # noqa: D102, ASYNC109
    async def fetchrow(self, query: str, *values: Any, timeout: float | None = None) -> Row | None: ...  # noqa: D102, ASYNC109
    async def fetchmany(self, query: str, values: list[list[Any]]) -> list[Row]: ...  # noqa: D102
    async def execute(self, query: str, *values: Any, timeout: float | None = None) -> str: ...  # noqa: D102, ASYNC109
    async def copy_records_to_table(  # noqa: D102
        self, table_name: str, *, records: Iterable[Row], columns: Iterable[str]
    ) -> str: ...
    async def add_listener(self, channel: str, callback: Callable[..., None]) -> None: ...  # noqa: D102
    def add_termination_listener(self, callback: Callable[..., None]) -> None: ...  # noqa: D102
    def get_server_pid(self) -> int: ...  # noqa: D102
    def get_server_version(self) -> Any: ...  # noqa: D102
    def get_settings(self) -> Any: ...  # noqa: D102
    def is_closed(self) -> bool: ...  # noqa: D102
    def is_in_transaction(self) -> bool: ...  # noqa: D102
    async def close(self) -> None: ...  # noqa: D102
    def terminate(self) -> None: ...  # noqa: D102


async def connect(address: str, *, seconds: float = STATEMENT_SECONDS) -> Connection:
    """Open a connection the way that the hub uses it.

    Args:
        address: As asyncpg reads it.
        seconds: How long a statement may take, and how long a transaction may wait for its next.

    Raises:
        Exception: What asyncpg raises, or the operating system.
    """
    connection: Connection = await asyncpg.connect(
        address,
        timeout=PATIENCE_SECONDS,
        command_timeout=seconds,
        # What was prepared stays so: the hub has a few hundred statements, and no others.
        statement_cache_size=1000,
        max_cached_statement_lifetime=0,
        server_settings={**_SERVER_SETTINGS, "idle_in_transaction_session_timeout": f"{seconds:.0f}s"},
    )
    return connection


_UNREADABLE = "What --database says"


def shown(address: str) -> str:
    """Write the address of a database so that everyone may read it: without password and options."""
    try:
        parts = urlsplit(address)
        where = parts.netloc.rpartition("@")[2]
        user = parts.username
    except ValueError:
        return _UNREADABLE
    if not parts.netloc and not parts.query:
        return _UNREADABLE
    return f"{parts.scheme}://{f'{user}@' if user else ''}{where}{parts.path}"


class _ErrorsNamed:
    """Gives errors of asyncpg the names that a driver promises."""

    def __enter__(self) -> None: ...

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        match error:
            case None | UniqueViolation() | DatabaseUnavailable():
                return
            case asyncpg.UniqueViolationError():
                raise UniqueViolation(str(error)) from error
            case asyncpg.DataError() if isinstance(error.__cause__, UnicodeEncodeError):
                raise error.__cause__ from None  # No database can hold it, and it is called alike on all.
            case _ if isinstance(error, FAILURES):
                reason = str(error) or type(error).__name__
                raise DatabaseUnavailable(f"The database cannot take a statement: {reason}.") from error


ERRORS_NAMED = _ErrorsNamed()


@contextmanager
def refusals(address: str) -> Iterator[None]:
    """Say what is to be done about errors of a server.

    Raises:
        UnusableServer: There was one.
    """
    # Of what asyncpg says only that of the server is repeated: the rest may hold parts of the address.
    name = shown(address)
    tls = _ABOUT_TLS if "sslmode=" in address else ""
    try:
        yield
    except asyncpg.InvalidAuthorizationSpecificationError as error:
        raise UnusableServer(
            f"{name} lets nobody in with this user and password: correct them in the address, or the password in "
            "PGPASSWORD or ~/.pgpass."
        ) from error
    except asyncpg.InvalidCatalogNameError as error:
        raise UnusableServer(f"{name} does not exist: create the database with `createdb`.") from error
    except asyncpg.PostgresError as error:
        raise UnusableServer(f"{name} cannot be used: {error}.") from error
    except (ValueError, OverflowError) as error:  # The latter of a port that is none.
        raise UnusableServer(
            f"{name} is no address of a PostgreSQL database: write postgresql://user:password@host:port/name, or "
            f"leave it out for a file in the folder.{tls}"
        ) from error
    except (OSError, TimeoutError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
        raise UnusableServer(
            f"{name} cannot be reached ({_reason(error)}): start the server, or correct the address.{tls}"
        ) from error


def _reason(error: Exception) -> str:
    return (
        "no answer"
        if isinstance(error, TimeoutError)
        else str(getattr(error, "strerror", None) or "no connection")
    )
