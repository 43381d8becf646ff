"""First pages: the same hits as of any search that begins with the best, at the least cost."""

from collections.abc import Iterable
from typing import NamedTuple

from tantivy import Occur, Query

from wriftai_server.search.clauses import both
from wriftai_server.search.documents import FIELDS, Collection, halves_of
from wriftai_server.search.hits import Hit, IndexReader, TierSearch
from wriftai_server.search.query import ParsedQuery
from wriftai_server.search.tiers import MANY_WORDS

# Fewer documents than this are put into their tiers one by one.
_FEW = 50
# Where so many have been found, there mostly are more than few in the next tiers.
_MANY = 10
# Of fewer documents than this, by estimate, those of top rank seldom are enough, and are not searched first.
_RARE = 1


class _SmallGroup(NamedTuple):
    """All documents of a group of tiers, where they are few.

    Attributes:
        group: The tiers; the last contains the others.
        hits: What that one has.
    """

    group: range
    hits: list[Hit]


class FirstPageSearch(TierSearch):
    """Searches tiers from the first on, in order, each for as many documents as are left to find.

    Args:
        reader: The index, as it was at a moment.
        collection: Where to search.
        query: What to search for.
        tag: Leaves out documents without it; None leaves out nothing.
        exclude: Numbers of documents to leave out, as SQL has found them.
    """

    def __init__(
        self,
        reader: IndexReader,
        collection: Collection,
        query: ParsedQuery,
        tag: str | None,
        *,
        exclude: Iterable[int],
    ) -> None:
        super().__init__(reader, collection, query, tag)
        self._document_count = max(1, reader.document_count)
        self._share = (
            1.0
            if tag is None
            else reader.document_frequency(FIELDS[collection].keywords, tag) / self._document_count
        )
        self._seen = set(exclude)
        self._small: _SmallGroup | None = None

    def find(self, tier: int, *, limit: int) -> list[Hit]:
        """Find the documents of a tier that none before it had, by rank."""
        # What is in earlier tiers is known, and leaving it out here costs less than in the query.
        most = limit + len(self._seen)
        if self._small is None or tier not in self._small.group:
            group = self._sparse_group(tier)
            self._small = None if group is None else self._small_group(group, most)
        if not self._tiers.may_add(tier):
            return []
        found = self._search_tier(tier, limit=most) if self._small is None else self._in_tier(self._small, tier)
        found = [hit for hit in found if hit.number not in self._seen][:limit]
        self._seen.update(hit.number for hit in found)
        return found

    def _sparse_group(self, tier: int) -> range | None:
        """Give the group that begins with a tier, if it may have few documents although its terms have many."""
        tiers, count = self._tiers, len(self._query.words)
        # Names with all but one of three words often fill a page: what else there is need not be known.
        in_text = tiers.in_text[1:] if count == MANY_WORDS else tiers.in_text
        if tier == tiers.prefix.start:
            return tiers.prefix if self._query.is_long else None
        group = tiers.in_name if tier == tiers.in_name.start else in_text
        if tier != group.start:
            return None
        return group if count >= MANY_WORDS or self._estimated_count(group) < _FEW else None

    def _estimated_count(self, group: range) -> float:
        return self._share * self._tiers.estimated_count(group, self._document_count)

    def _small_group(self, group: range, most: int) -> _SmallGroup | None:
        """Find all documents of a group whose last tier contains the others; None where they are many."""
        last, tiers = group[-1], self._tiers
        clause = tiers.clause(last)
        if clause is None:
            return _SmallGroup(group, [])
        is_rare = last in self._rare_at_top or self._estimated_count(group) < _RARE
        best = 0 if is_rare else len(self._search_top(last, most))
        is_in_text = group.start >= tiers.in_text.start
        if best < most:
            self._rare_at_top.update(range(tiers.in_name.start, tiers.partial.stop if is_in_text else group.stop))
        # The cutoff has one document in two hundred above it, so that there are more than few.
        if best or (is_in_text and len(self._seen) >= _MANY):
            return None
        hits = self._ranked(clause, last, limit=_FEW)
        return _SmallGroup(group, hits) if len(hits) < _FEW else None

    def _in_tier(self, small: _SmallGroup, tier: int) -> list[Hit]:
        """Find those documents of a group that are in one tier of it."""
        new = [hit for hit in small.hits if hit.number not in self._seen]
        discriminator = self._tiers.discriminator(tier)
        if not new or discriminator is None:
            return []
        if tier == small.group[-1]:
            return new
        lows = [halves_of(hit.number).low for hit in new]
        ids = [(Occur.Should, Query.term_query(self._reader.schema, "low", low, "basic")) for low in lows]
        return self._ranked(both(Query.boolean_query(ids), discriminator), tier, limit=_FEW)
