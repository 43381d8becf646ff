"""Hits: the documents of one set that a search finds, in the order of their tiers and ranks, from anywhere on."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from tantivy import FieldType, Occur, Order, Query, Schema, Searcher

from wriftai_server.search.damage import damage_named
from wriftai_server.search.documents import (
    LEVELS,
    Halves,
    Set,
    level_mark,
    number_from,
)
from wriftai_server.search.parts import both, marked
from wriftai_server.search.question import Question
from wriftai_server.search.tiers import Tiers

_SPARE = 8


class Hit(NamedTuple):
    """A document that was found.

    Attributes:
        tier: How well it fits; lower is better.
        rank: Its place in the tier; higher is better.
        number: Its id.
    """

    tier: int
    rank: int
    number: int


class Lists(Protocol):
    """What is known of an index.

    Attributes:
        schema: Of the index.
        searcher: Of the index.
        documents: How many it has.
    """

    schema: Schema
    searcher: Searcher
    documents: int

    def frequency(self, field: str, term: str) -> int:
        """Tell how many documents have a term in a field."""
        ...

    def level(self, which: Set) -> int | None:
        """Give the level whose documents are looked through first; None when there is none."""
        ...


class Hits:
    """Finds what is in the tiers of a search.

    Args:
        lists: Of the index.
        which: The set.
        asked: What for.
        mark: What all that is found must have, too; None is nothing.
        after: Where to go on from.
        backward: Whether tiers are asked for from the last on, and give the worst first.

    Attributes:
        last_resort: The first of the tiers that are for when those before have nothing.
    """

    def __init__(
        self,
        lists: Lists,
        which: Set,
        asked: Question,
        mark: str | None,
        *,
        after: Hit | None = None,
        backward: bool = False,
    ) -> None:
        self._lists = lists
        self._which: Set = which
        self._asked = asked
        self._needed = None if mark is None else marked(lists.schema, which, mark)
        self._after = after
        self._backward = backward
        self._tiers = self._within(None)
        self.last_resort = self._tiers.last_resort
        # Tiers of which there seldom are enough among the best.
        self._off_level = set(self._tiers.begun if asked.is_long else ())
        self._level = lists.level(which)
        self._best: Tiers | None = None

    def is_any_better(self) -> bool:
        """Tell whether anything is in the tiers before those of last resort."""
        # Each of the two holds those before it.
        for tier in (self._tiers.begun[-1], self.last_resort - 1):
            part = self._tiers.part(tier)
            if part is not None and self._ranked(part, tier, limit=1):
                return True
        return False

    def count(self) -> int:
        """Tell how many tiers there are."""
        return self._tiers.count()

    def has(self, tier: int) -> bool:
        """Tell whether there is a tier of that number."""
        return self._tiers.has(tier)

    def find(self, tier: int, *, limit: int) -> list[Hit]:
        """Find documents of a tier, best first, or the other way round."""
        if not self._tiers.adds(tier):
            return []
        return self._in_order(tier, limit=limit, without=self._tiers.before(tier))

    def _in_order(self, tier: int, *, limit: int, without: Sequence[Query] = ()) -> list[Hit]:
        part = self._tiers.part(tier)
        if part is None:
            return []
        if not self._backward and tier not in self._off_level:
            # Among the best there often are enough.
            best = self._on_level(tier, limit, without)
            if len(best) >= limit:
                return best
        return self._ranked(_but(part, without), tier, limit=limit)

    def _on_level(self, tier: int, limit: int, without: Sequence[Query] = ()) -> list[Hit]:
        after = self._start(tier)
        if self._level is None or (after is not None and after.rank <= LEVELS[self._level]):
            return []
        if self._best is None:
            self._best = self._within(marked(self._lists.schema, self._which, level_mark(self._level)))
        part = self._best.part(tier)
        if part is None:
            return []
        return self._ranked(_but(part, without), tier, limit=limit)

    def _ranked(self, query: Query, tier: int, *, limit: int) -> list[Hit]:
        after, backward = self._start(tier), self._backward
        if self._needed is not None:
            query = both(query, self._needed)
        if after is not None:
            bounds = (after.rank, None) if backward else (None, after.rank)
            query = both(query, Query.range_query(self._lists.schema, "rank", FieldType.Unsigned, *bounds))
        most = limit + _SPARE
        found = self._search_for(query, tier, most, Order.Asc if backward else Order.Desc)
        if len(found) == most and found[0].rank != found[-1].rank:
            # There may be more of the last rank.
            found = [hit for hit in found if hit.rank != found[-1].rank]
        found.sort(key=order_of, reverse=backward)
        if after is not None:
            place = order_of(after)
            found = [hit for hit in found if (order_of(hit) < place if backward else order_of(hit) > place)]
        return found[:limit]

    def _search_for(self, query: Query, tier: int, most: int, order: Order) -> list[Hit]:
        searcher = self._lists.searcher
        with damage_named():
            hits = searcher.search(query, most, count=False, order_by_field="rank", order=order).hits
            places = [place for _, place in hits]
            halves = [searcher.fast_field_values(field, places) for field in Halves._fields]
        return [
            Hit(tier, rank, number_from(int(mixed or 0), int(low or 0)))
            for (rank, _), mixed, low in zip(hits, *halves, strict=True)
        ]

    def _start(self, tier: int) -> Hit | None:
        """Give where to go on from in a tier."""
        return self._after if self._after is not None and self._after.tier == tier else None

    def _within(self, within: Query | None) -> Tiers:
        lists = self._lists
        return Tiers(lists.schema, self._which, self._asked, frequency=lists.frequency, within=within)


def order_of(hit: Hit) -> tuple[int, int]:
    """Give the key that puts documents of a tier into their order."""
    return (-hit.rank, hit.number)


def _but(query: Query, excluded: Sequence[Query]) -> Query:
    clauses = [(Occur.MustNot, each) for each in excluded]
    return Query.boolean_query([(Occur.Must, query), *clauses]) if clauses else query
