"""Hits: documents of one collection, tier by tier and by rank, from anywhere on and in both directions."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from tantivy import FieldType, Occur, Order, Query, Schema, Searcher

from wriftai_server.search.clauses import both, tagged
from wriftai_server.search.documents import (
    RANK_CUTOFFS,
    Collection,
    Halves,
    cutoff_tag,
    number_from,
)
from wriftai_server.search.errors import IndexCorrupt, library_errors_as
from wriftai_server.search.query import ParsedQuery
from wriftai_server.search.tiers import Tiers

_SPARE = 8


class Hit(NamedTuple):
    """A document that was found; also the place in an answer from which to go on.

    Attributes:
        tier: Index of the first tier that it is in; lower is better.
        rank: Its rank in the tier; higher is better.
        number: Its id, as a number.
    """

    tier: int
    rank: int
    number: int


class IndexReader(Protocol):
    """What a search reads of an index.

    Attributes:
        schema: Names the fields of the index.
        searcher: Runs queries.
        document_count: How many documents there are, of all collections.
    """

    schema: Schema
    searcher: Searcher
    document_count: int

    def document_frequency(self, field: str, term: str) -> int:
        """Tell how many documents have a term in a field."""
        ...

    def top_cutoff(self, collection: Collection) -> int | None:
        """Give the index of the cutoff whose documents are searched first; None where that would gain nothing."""
        ...


class TierSearch:
    """Searches the tiers of a query in one collection.

    Args:
        reader: The index, as it was at a moment.
        collection: Where to search.
        query: What to search for.
        tag: Leaves out documents without it; None leaves out nothing.
        after: The hit behind which to go on; None is the beginning, or the end if the search goes backward.
        backward: Whether to go from the last tier to the first, and from the lowest rank to the highest.

    Attributes:
        fallback: The first of the tiers that are searched only where those before have nothing.
    """

    def __init__(
        self,
        reader: IndexReader,
        collection: Collection,
        query: ParsedQuery,
        tag: str | None,
        *,
        after: Hit | None = None,
        backward: bool = False,
    ) -> None:
        self._reader = reader
        self._collection: Collection = collection
        self._query = query
        self._filter = None if tag is None else tagged(reader.schema, collection, tag)
        self._after = after
        self._backward = backward
        self._tiers = self._tiers_within(None)
        self.fallback = self._tiers.fallback
        # Tiers of which there seldom are enough documents of top rank.
        self._rare_at_top = set(self._tiers.prefix if query.is_long else ())
        self._cutoff = reader.top_cutoff(collection)
        self._top_tiers: Tiers | None = None

    def has_any_before_fallback(self) -> bool:
        """Tell whether any document is in the tiers before those of the fallback."""
        # Each of the two contains those before it.
        for tier in (self._tiers.prefix[-1], self.fallback - 1):
            clause = self._tiers.clause(tier)
            if clause is not None and self._ranked(clause, tier, limit=1):
                return True
        return False

    def count(self) -> int:
        """Tell how many tiers there are."""
        return self._tiers.count()

    def has(self, tier: int) -> bool:
        """Tell whether there is a tier of that index."""
        return self._tiers.has(tier)

    def find(self, tier: int, *, limit: int) -> list[Hit]:
        """Find documents of a tier by rank, the highest first, or the lowest if the search goes backward."""
        if not self._tiers.may_add(tier):
            return []
        return self._search_tier(tier, limit=limit, excluded=self._tiers.earlier(tier))

    def _search_tier(self, tier: int, *, limit: int, excluded: Sequence[Query] = ()) -> list[Hit]:
        clause = self._tiers.clause(tier)
        if clause is None:
            return []
        if not self._backward and tier not in self._rare_at_top:
            # Of top rank there often are enough.
            best = self._search_top(tier, limit, excluded)
            if len(best) >= limit:
                return best
        return self._ranked(_without(clause, excluded), tier, limit=limit)

    def _search_top(self, tier: int, limit: int, excluded: Sequence[Query] = ()) -> list[Hit]:
        after = self._start(tier)
        if self._cutoff is None or (after is not None and after.rank <= RANK_CUTOFFS[self._cutoff]):
            return []
        if self._top_tiers is None:
            self._top_tiers = self._tiers_within(
                tagged(self._reader.schema, self._collection, cutoff_tag(self._cutoff))
            )
        clause = self._top_tiers.clause(tier)
        if clause is None:
            return []
        return self._ranked(_without(clause, excluded), tier, limit=limit)

    def _ranked(self, clause: Query, tier: int, *, limit: int) -> list[Hit]:
        after, backward = self._start(tier), self._backward
        if self._filter is not None:
            clause = both(clause, self._filter)
        if after is not None:
            bounds = (after.rank, None) if backward else (None, after.rank)
            clause = both(clause, Query.range_query(self._reader.schema, "rank", FieldType.Unsigned, *bounds))
        most = limit + _SPARE
        found = self._collect(clause, tier, most, Order.Asc if backward else Order.Desc)
        if len(found) == most and found[0].rank != found[-1].rank:
            # There may be more of the last rank.
            found = [hit for hit in found if hit.rank != found[-1].rank]
        found.sort(key=order_of, reverse=backward)
        if after is not None:
            key = order_of(after)
            found = [hit for hit in found if (order_of(hit) < key if backward else order_of(hit) > key)]
        return found[:limit]

    def _collect(self, clause: Query, tier: int, most: int, order: Order) -> list[Hit]:
        searcher = self._reader.searcher
        with library_errors_as(IndexCorrupt):
            hits = searcher.search(clause, most, count=False, order_by_field="rank", order=order).hits
            addresses = [address for _, address in hits]
            halves = [searcher.fast_field_values(field, addresses) for field in Halves._fields]
        return [
            Hit(tier, rank, number_from(int(mixed or 0), int(low or 0)))
            for (rank, _), mixed, low in zip(hits, *halves, strict=True)
        ]

    def _start(self, tier: int) -> Hit | None:
        """Give the hit behind which to go on in a tier; None is its beginning."""
        return self._after if self._after is not None and self._after.tier == tier else None

    def _tiers_within(self, within: Query | None) -> Tiers:
        reader = self._reader
        return Tiers(
            reader.schema,
            self._collection,
            self._query,
            document_frequency=reader.document_frequency,
            within=within,
        )


def order_of(hit: Hit) -> tuple[int, int]:
    """Give the key that sorts the hits of a tier: by rank, the highest first, then by id."""
    return (-hit.rank, hit.number)


def _without(clause: Query, excluded: Sequence[Query]) -> Query:
    clauses = [(Occur.MustNot, each) for each in excluded]
    return Query.boolean_query([(Occur.Must, clause), *clauses]) if clauses else clause
