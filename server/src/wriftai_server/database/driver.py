"""What the rest of the hub knows of a database: transactions that run statements."""

from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from wriftai_server.database.statements import Statement

Row = Sequence[Any]


class UniqueViolation(Exception):
    """A row with the same unique value is there already; a transaction that it comes from is to be left."""


class DatabaseUnavailable(Exception):
    """The database cannot take the statement now: it cannot be reached, is full, or locked by someone else."""


class Reader(Protocol):
    """Runs statements that change nothing, or in a transaction tell what they changed.

    The latter raise what `Transaction.execute` does.
    """

    async def one(self, statement: Statement, **values: Any) -> Row | None:
        """Run a statement and give its first row; None when there is none."""
        ...

    async def all(self, statement: Statement, **values: Any) -> list[Row]:
        """Run a statement and give its rows."""
        ...


class Transaction(Reader, Protocol):
    """Runs statements that take effect together, or not at all."""

    async def execute(self, statement: Statement, **values: Any) -> int:
        """Run a statement and give the number of rows that it changed.

        Raises:
            UniqueViolation: A unique value is taken.
            DatabaseUnavailable: The database cannot write now.
        """
        ...

    async def execute_many(self, statement: Statement, rows: Iterable[Mapping[str, Any]]) -> int:
        """Run a statement once for each row and give the number of rows that they changed.

        Raises:
            UniqueViolation: A unique value is taken.
            DatabaseUnavailable: The database cannot write now.
        """
        ...

    async def lock(self, *names: str) -> None:
        """Make others who lock one of these names wait until this transaction ends.

        For rules that rows alone do not hold, such as a look that decides what is written. To be called once in
        a transaction, before that look: whoever locks some names and then others may wait for someone who waits.

        Raises:
            DatabaseUnavailable: Someone else keeps one of them for too long.
        """
        ...


class Database(Protocol):
    """A database that is open and has the current schema."""

    def reading(self) -> AbstractAsyncContextManager[Reader]:
        """Open a view of the database as it is.

        Each statement sees what was committed before it began, so a later one may see more than an earlier one.

        Raises:
            DatabaseUnavailable: The database cannot be read now.
        """
        ...

    def writing(self) -> AbstractAsyncContextManager[Transaction]:
        """Open a transaction that is committed at its end, and undone when an exception leaves it.

        Raises:
            DatabaseUnavailable: The database stayed locked for too long, or cannot write.
        """
        ...

    def locking(self, *names: str) -> AbstractAsyncContextManager[None]:
        """Make transactions that lock one of these names wait, while something outside of the database changes.

        On SQLite nothing has to be done: those who use one database use one folder, and lock files in it.

        Raises:
            DatabaseUnavailable: Someone else keeps one of them for too long.
        """
        ...

    def scanning(self) -> AbstractAsyncContextManager[Reader]:
        """Open a view for statements that read many rows, out of the way of all others."""
        ...

    async def survey(self) -> None:
        """Look anew at how many rows there are of what, which decides how they are looked up.

        To be called when many were added: until the database does so by itself it may take slow ways to them.

        Raises:
            DatabaseUnavailable: The database cannot do it now.
        """
        ...

    def heard(self) -> AsyncGenerator[frozenset[str] | None, None]:
        """Tell what others changed, for as long as someone asks: topics, or None when that may be anything.

        What they changed when nobody asked is told at the beginning. One at a time may ask.
        """
        ...

    def say(self, *topics: str) -> None:
        """Let other processes hear of topics, soon; to be called after the commit."""
        ...

    async def close(self) -> None:
        """Let go of the database."""
        ...
