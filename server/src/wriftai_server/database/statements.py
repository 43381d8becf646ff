"""SQL that is built once with SQLAlchemy Core and compiled once for each database."""

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import GenerativeSelect, Insert, Integer, Select, bindparam, literal_column, select, tuple_
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.sql import ClauseElement, ColumnElement

Query = Select[*tuple[Any, ...]]
S = TypeVar("S", bound=GenerativeSelect)


class Compiled(NamedTuple):
    """A statement in the words of one database.

    Attributes:
        sql: With placeholders.
        constants: Values of the placeholders that the statement itself fixes, by name.
        order: Names of the placeholders, from the first on.
    """

    sql: str
    constants: dict[str, Any]
    order: tuple[str, ...]


class Statement:
    """A statement whose placeholders are filled in by name when it runs.

    Args:
        expression: Built with SQLAlchemy Core.
    """

    def __init__(self, expression: ClauseElement) -> None:
        # The ids that a database gives new rows are not asked for.
        self._expression = expression.inline() if isinstance(expression, Insert) else expression
        self._compiled: dict[str, Compiled] = {}

    def compiled(self, dialect: Dialect) -> Compiled:
        """Give the statement for a database; the work is done the first time."""
        known = self._compiled.get(dialect.name)
        if known is None:
            compiled = self._expression.compile(dialect=dialect)
            constants = {name: value for name, value in (compiled.params or {}).items() if value is not None}
            order = tuple(getattr(compiled, "positiontup", None) or ())
            known = self._compiled[dialect.name] = Compiled(str(compiled), constants, order)
        return known


def keyset(query: Query, columns: Sequence[ColumnElement[Any]], *, descending: bool, after: bool) -> Query:
    """Order a query by columns and cut a page out of it, wherever the page is, at the same cost.

    The page has `:limit` rows. With `after` it starts behind the row whose columns are `:key_0`, `:key_1`, …

    Args:
        query: What to page through.
        columns: Together unique; an index in this order makes a page cheap.
        descending: Largest first.
        after: Whether there is a row to start behind.
    """
    return ordered(
        query.where(*behind(columns, descending=descending, after=after)), columns, descending=descending
    )


def behind(
    columns: Sequence[ColumnElement[Any]], *, descending: bool, after: bool
) -> tuple[ColumnElement[bool], ...]:
    """Give the condition of `keyset`; there is none when the page is the first."""
    if not after:
        return ()
    row = tuple_(*columns)
    key = tuple_(*(bindparam(f"key_{n}", type_=column.type) for n, column in enumerate(columns)))
    return (row < key if descending else row > key,)


def ordered(query: S, columns: Sequence[ColumnElement[Any] | str], *, descending: bool) -> S:
    """Give a query the order and the length of a page.

    Args:
        query: May be a union, of which columns are named.
        columns: To order by.
        descending: Largest first.
    """
    order = [column.desc() if descending else column.asc() for column in map(_column, columns)]
    return query.order_by(*order).limit(bindparam("limit", type_=Integer()))


def cut_one_by_one(
    queries: Sequence[Query], columns: Sequence[ColumnElement[Any]], *, descending: bool, after: bool
) -> list[Query]:
    """Cut a page out of each of some queries that are to be merged: PostgreSQL would sort all of their rows else.

    Args:
        queries: Of the columns.
        columns: As those of `keyset`.
        descending: Largest first.
        after: Whether there is a row to start behind.
    """
    pages = [keyset(query, columns, descending=descending, after=after) for query in queries]
    return [select(page.subquery()) for page in pages]


def _column(column: ColumnElement[Any] | str) -> ColumnElement[Any]:
    return literal_column(f'"{column}"') if isinstance(column, str) else column
