"""First hits: the best documents of one set that a search finds, at the least cost."""

from collections.abc import Iterable
from typing import NamedTuple

from tantivy import Occur, Query

from wriftai_server.search.documents import FIELDS, Set, halves_of
from wriftai_server.search.hits import Hit, Hits, Lists
from wriftai_server.search.parts import both
from wriftai_server.search.question import Question
from wriftai_server.search.tiers import MANY_WORDS

# So many documents are put into their tiers one by one.
_FEW = 50
# Where so many have been found there mostly are more than few that come next.
_MANY = 10
# Of what is expected to be rarer than this, the best seldom are enough, and are not looked through first.
_RARE = 1


class _Few(NamedTuple):
    """All that is in some tiers, where it is not much.

    Attributes:
        group: The tiers; the last holds the others.
        hits: In the last one.
    """

    group: range
    hits: list[Hit]


class FirstHits(Hits):
    """Finds the same from the first tier on, each tier asked for as many as are left to find.

    Args:
        lists: Of the index.
        which: The set.
        asked: What for.
        mark: What all that is found must have, too; None is nothing.
        known: Numbers of what is left out, as it was found elsewhere.
    """

    def __init__(
        self, lists: Lists, which: Set, asked: Question, mark: str | None, *, known: Iterable[int]
    ) -> None:
        super().__init__(lists, which, asked, mark)
        self._documents = max(1, lists.documents)
        self._share = 1.0 if mark is None else lists.frequency(FIELDS[which].marks, mark) / self._documents
        self._seen = set(known)
        self._few: _Few | None = None

    def find(self, tier: int, *, limit: int) -> list[Hit]:
        """Find the best documents of a tier."""
        # What is in earlier tiers is known, and leaving it out here costs less than by the query.
        most = limit + len(self._seen)
        if self._few is None or tier not in self._few.group:
            group = self._sparse_from(tier)
            self._few = None if group is None else self._few_of(group, most)
        if not self._tiers.adds(tier):
            return []
        found = self._in_order(tier, limit=most) if self._few is None else self._among(self._few, tier)
        found = [hit for hit in found if hit.number not in self._seen][:limit]
        self._seen.update(hit.number for hit in found)
        return found

    def _sparse_from(self, tier: int) -> range | None:
        """Give the tiers from one on that may hold few documents, though the lists of their words are long."""
        tiers, count = self._tiers, len(self._asked.words)
        # Names with all but one of three words often fill a page: what else there is need not be known.
        told = tiers.told[1:] if count == MANY_WORDS else tiers.told
        if tier == tiers.begun.start:
            return tiers.begun if self._asked.is_long else None
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
        best = 0 if is_rare else len(self._on_level(last, most))
        is_of_told = group.start >= tiers.told.start
        if best < most:
            self._off_level.update(range(tiers.named.start, tiers.nearly.stop if is_of_told else group.stop))
        # As the level has one document in two hundred, there are more than few.
        if best or (is_of_told and len(self._seen) >= _MANY):
            return None
        hits = self._ranked(part, last, limit=_FEW)
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
        return self._ranked(both(Query.boolean_query(ids), sign), tier, limit=_FEW)
