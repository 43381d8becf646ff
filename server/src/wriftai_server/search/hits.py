"""Hits: the documents of one set that a search finds, in the order of their tiers and ranks."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

from tantivy import FieldType, Occur, Order, Query, Schema, Searcher

from wriftai_server.search.damage import damage_named
from wriftai_server.search.documents import (
    FIELDS,
    LEVELS,
    LONGEST_HEAD,
    Halves,
    Set,
    halves_of,
    level_mark,
    number_from,
)
from wriftai_server.search.parts import both
from wriftai_server.search.question import Question
from wriftai_server.search.tiers import MANY_WORDS, Tiers

_SPARE = 8
# So many documents are put into their tiers one by one.
_FEW = 50
# Where so many have been found there mostly are more than few that come next.
_MANY = 10
# Of what is expected to be rarer than this, the best seldom are enough, and are not looked through first.
_RARE = 1


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


class _Few(NamedTuple):
    """All that is in some tiers, where it is not much.

    Attributes:
        group: The tiers; the last holds the others.
        hits: In the last one.
    """

    group: range
    hits: list[Hit]


class Hits:
    """Finds what is in the tiers of a search.

    Args:
        lists: Of the index.
        which: The set.
        asked: What for.
        mark: What all that is found must have, too; None is nothing.
        from_the_best: Whether tiers are asked for from the first on, each for as many as are left to find.
        known: Numbers of what is left out then, as it was found elsewhere.

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
        from_the_best: bool,
        known: Iterable[int] = (),
    ) -> None:
        self._lists = lists
        self._which: Set = which
        self._asked = asked
        self._needed = None if mark is None else self._term(mark)
        self._documents = max(1, lists.documents)
        self._share = 1.0 if mark is None else lists.frequency(FIELDS[which].marks, mark) / self._documents
        self._from_the_best = from_the_best
        self._tiers = self._within(None)
        self.last_resort = self._tiers.last_resort
        self._seen = set(known)
        self._few: _Few | None = None
        # Tiers of which there seldom are enough among the best.
        self._off_level = {self._tiers.mistyped_anyhow}
        if len(asked.beginning) > LONGEST_HEAD:
            self._off_level.update(self._tiers.begun)
        self._level = lists.level(which)
        self._best: Tiers | None = None

    def is_any_better(self) -> bool:
        """Tell whether anything is in the tiers before those of last resort."""
        # Each of the two holds those before it.
        for tier in (self._tiers.begun[-1], self.last_resort - 1):
            part = self._tiers.part(tier)
            if part is not None and self._ranked(part, tier, None, backward=False, limit=1):
                return True
        return False

    def count(self) -> int:
        """Tell how many tiers there are."""
        return self._tiers.count()

    def has(self, tier: int) -> bool:
        """Tell whether there is a tier of that number."""
        return self._tiers.has(tier)

    def find(self, tier: int, after: Hit | None, *, backward: bool, limit: int) -> list[Hit]:
        """Find documents of a tier, best first, or the other way round."""
        if not self._from_the_best:
            if not self._tiers.adds(tier):
                return []
            without = self._tiers.before(tier)
            return self._in_order(tier, after, backward=backward, limit=limit, without=without)
        # What is in earlier tiers is known, and leaving it out here costs less than by the query.
        most = limit + len(self._seen)
        if self._few is None or tier not in self._few.group:
            group = self._sparse_from(tier)
            self._few = None if group is None else self._few_of(group, most)
        if not self._tiers.adds(tier):
            return []
        if self._few is not None:
            found = self._among(self._few, tier)
        else:
            found = self._in_order(tier, None, backward=False, limit=most)
        found = [hit for hit in found if hit.number not in self._seen][:limit]
        self._seen.update(hit.number for hit in found)
        return found

    def _sparse_from(self, tier: int) -> range | None:
        """Give the tiers from one on that may hold few documents, though the lists of their words are long."""
        tiers, count = self._tiers, len(self._asked.words)
        # Names with all but one of three words often fill a page: what else there is need not be known.
        told = tiers.told[1:] if count == MANY_WORDS else tiers.told
        if tier == tiers.begun.start:
            return tiers.begun if len(self._asked.beginning) > LONGEST_HEAD else None
        group = tiers.named if tier == tiers.named.start else told
        if tier != group.start:
            return None
        return group if count >= MANY_WORDS or self._expected(group) < _FEW else None

    def _expected(self, group: range) -> float:
        return self._share * self._tiers.expected(group, self._documents)

    def _few_of(self, group: range, most: int) -> _Few | None:
        """Find all that is in tiers of which the last holds the others; None when that is much."""
        last, tiers = group[-1], self._tiers
        part = tiers.part(last)
        if part is None:
            return _Few(group, [])
        is_rare = last in self._off_level or self._expected(group) < _RARE
        best = 0 if is_rare else len(self._on_level(last, None, most))
        is_of_told = group.start >= tiers.told.start
        if best < most:
            self._off_level.update(range(tiers.named.start, tiers.nearly.stop if is_of_told else group.stop))
        # As the level has one document in two hundred, there are more than few.
        if best or (is_of_told and len(self._seen) >= _MANY):
            return None
        hits = self._ranked(part, last, None, backward=False, limit=_FEW)
        return _Few(group, hits) if len(hits) < _FEW else None

    def _among(self, few: _Few, tier: int) -> list[Hit]:
        """Find those few that are in a tier."""
        new = [hit for hit in few.hits if hit.number not in self._seen]
        sign = self._tiers.sign(tier)
        if not new or sign is None:
            return []
        if tier == few.group[-1]:
            return new
        lows = [halves_of(hit.number).low for hit in new]
        ids = [(Occur.Should, Query.term_query(self._lists.schema, "low", low, "basic")) for low in lows]
        return self._ranked(both(Query.boolean_query(ids), sign), tier, None, backward=False, limit=_FEW)

    def _in_order(
        self, tier: int, after: Hit | None, *, backward: bool, limit: int, without: Sequence[Query] = ()
    ) -> list[Hit]:
        part = self._tiers.part(tier)
        if part is None:
            return []
        if not backward and tier not in self._off_level:
            # Among the best there often are enough.
            best = self._on_level(tier, after, limit, without)
            if len(best) >= limit:
                return best
        return self._ranked(_but(part, without), tier, after, backward=backward, limit=limit)

    def _on_level(self, tier: int, after: Hit | None, limit: int, without: Sequence[Query] = ()) -> list[Hit]:
        if self._level is None or (after is not None and after.rank <= LEVELS[self._level]):
            return []
        if self._best is None:
            self._best = self._within(self._term(level_mark(self._level)))
        part = self._best.part(tier)
        if part is None:
            return []
        return self._ranked(_but(part, without), tier, after, backward=False, limit=limit)

    def _ranked(self, query: Query, tier: int, after: Hit | None, *, backward: bool, limit: int) -> list[Hit]:
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

    def _within(self, within: Query | None) -> Tiers:
        lists = self._lists
        return Tiers(lists.schema, self._which, self._asked, frequency=lists.frequency, within=within)

    def _term(self, mark: str) -> Query:
        return Query.term_query(self._lists.schema, FIELDS[self._which].marks, mark, "basic")


def order_of(hit: Hit) -> tuple[int, int]:
    """Give the key that puts documents of a tier into their order."""
    return (-hit.rank, hit.number)


def _but(query: Query, excluded: Sequence[Query]) -> Query:
    clauses = [(Occur.MustNot, each) for each in excluded]
    return Query.boolean_query([(Occur.Must, query), *clauses]) if clauses else query
