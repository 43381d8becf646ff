"""Tiers: how well a document fits a query, from the best on.

Whether a document is in a tier depends on it and on the query alone, never on what else there is. Tiers are tried
in order until a page is full, so that a common word costs no more than a rare one. A tier holds what the ones
before it do not.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from math import prod
from operator import attrgetter
from typing import NamedTuple

from tantivy import Query, Schema

from wriftai_server.search.documents import FIELDS, LONGEST_HEAD, Set, owner_name_mark
from wriftai_server.search.parts import Part, Parts
from wriftai_server.search.question import Question
from wriftai_server.search.ways import Ways
from wriftai_server.search.words import COMMON, MOST_WORDS

MANY_WORDS = 3
_MOST_TYPO_WORDS = 5
_MOST_WORDS_MISTYPED_ANYHOW = 4
# How many words may be missing, by how many there are, where nothing has more of them.
_MISSING = ((), (), (1,), (1, 2), (1, 2), (1, 3))
_NAMINGS = tuple(map(attrgetter, ("whole", "named", "loosely_named")))


class _Tier(NamedTuple):
    """A tier.

    Attributes:
        part: What it matches.
        first: It holds what is in the tiers from this one on.
        sign: What tells it from others in the last tier of its kind, which is enough where that is known.
    """

    part: Part
    first: int
    sign: Part


class Tiers:
    """Builds the tiers of a query in one set of documents, each when it is asked for.

    A tier is what matches its part of the query and none of the parts before it.

    Args:
        schema: Of the index.
        which: The set.
        asked: What is searched for.
        frequency: Tells how many documents have a term in a field.
        within: Leaves out what does not match this.

    Attributes:
        begun: Tiers of names that begin with the query; the last holds the other.
        nested: Tiers whose parts all are in the part of the last of them.
        named: Those of them with all words in the name; the last holds the others. Where the query ties words
            together, those come first in which they stand side by side.
        told: Those that come next, with all words in name or text; the last holds these and the named ones.
        nearly: The one of words that fall into others, or begin one of a text; empty where there is none.
        last_resort: The first of the tiers that are for when those before have nothing: with words that are
            missing and, where there are many words, with ones that are not whole or not right.
    """

    def __init__(
        self,
        schema: Schema,
        which: Set,
        asked: Question,
        *,
        frequency: Callable[[str, str], int],
        within: Query | None = None,
    ) -> None:
        self._parts = Parts(schema, frequency, within)
        self._fields = FIELDS[which]
        self._asked = asked
        told = [word for word in asked.words if word.text not in COMMON] or asked.words[:MOST_WORDS]
        self._words = [
            Ways(self._parts, self._fields, word, is_last=word is asked.words[-1], is_alone=len(told) == 1)
            for word in asked.words
        ]
        self._told = [each for each in self._words if each.word in told]
        self._built: list[_Tier] = []
        self._coming = self._all()
        self.begun = range(2)
        self.named = range(self.begun.stop, self.begun.stop + bool(asked.joins) + len(_NAMINGS))
        count = len(told)
        self.told = range(self.named.stop, self.named.stop + (1 < count <= MANY_WORDS) + (count > 2) + 2)
        self.nearly = range(self.told.stop, self.told.stop + self._allows_nearly())
        self.nested = range(self.named.start, self.nearly.stop + self._allows_typos())
        self.last_resort = self.told.stop if count >= MANY_WORDS else self.nested.stop

    def has(self, tier: int) -> bool:
        """Tell whether there is a tier of that number, the first being 0."""
        self._built.extend(islice(self._coming, max(0, tier + 1 - len(self._built))))
        return tier < len(self._built)

    def part(self, tier: int) -> Part:
        """Give what a tier matches, together with what is in tiers before it; None is nothing."""
        return self._built[tier].part if self.has(tier) else None

    def sign(self, tier: int) -> Part:
        """Give what tells a tier from others in the last one of its kind: begun, named or told."""
        return self._built[tier].sign if self.has(tier) else None

    def adds(self, tier: int) -> bool:
        """Tell whether a tier may hold what the one before it does not."""
        return tier == 0 or self.part(tier) is not self.part(tier - 1)

    def before(self, tier: int) -> list[Query]:
        """Give what is in tiers before one, without the parts that others hold."""
        if tier >= self.last_resort:
            return []  # Those before have nothing.
        parts: list[Part] = []
        while tier > 0 and self.has(tier - 1):
            part, tier, _ = self._built[tier - 1]
            parts.append(part)
        return [part for part in parts if part is not None]

    def expected(self, group: range, documents: int) -> float:
        """Estimate how many of some documents have all words, as if words had nothing to do with one another.

        There mostly are more.
        """
        if not self._told:
            return 0
        field = self._fields.text if group.start >= self.told.start else self._fields.names
        return documents * prod(word.expected(field) / documents for word in self._told)

    def count(self) -> int:
        """Tell how many tiers there are, for all sets alike."""
        self._built.extend(self._coming)
        return len(self._built)

    def _all(self) -> Iterator[_Tier]:
        begun, whole = self._begun(), self._parts.every(word.whole for word in self._words)
        yield self._tier([begun, whole], 0, sign=whole)
        yield self._tier([begun], 0)
        yield from self._nested()
        yield self._tier([self._mistyped_anyhow()], self.nested.start)
        yield from self._missing()

    def _tier(self, needed: Iterable[Part], first: int, *, sign: Part = None) -> _Tier:
        part = self._parts.every(needed)
        return _Tier(part, first, part if sign is None else sign)

    def _nested(self) -> Iterator[_Tier]:
        """Give tiers of which the last holds all the others."""
        words, first = self._told, self.nested.start
        if joins := self._asked.joins:
            tied = (self._parts.term(self._fields.names, join) for join in joins)
            yield self._tier([*(word.named for word in words), *tied], first)
        # What is tied may be begun, and so is not in the tier that comes next.
        for naming, holds in zip(_NAMINGS, (self.named.start + bool(joins), first, first), strict=True):
            yield self._tier(map(naming, words), holds)
        every = self._parts.every(word.told for word in words)
        if 1 < len(words) <= MANY_WORDS:
            # Spelled out, this costs less than half as much; of more words it costs more than it sorts out.
            yield self._tier([self._parts.either(map(self._named_but_for, words))], self.told.start)
        if len(words) > 2:
            some_named = self._parts.either(word.loosely_named for word in words)
            yield self._tier([every, some_named], first, sign=some_named)
        # It does not hold what has a word in the name, and others in other forms.
        yield self._tier((word.written for word in words), self.told.stop - 2)
        yield self._tier([every], first)
        if self.nearly:
            yield self._tier((word.nearly_told for word in words), first)
        if self._allows_typos():
            yield self._tier((word.mistyped for word in words), first)

    def _named_but_for(self, left: Ways) -> Part:
        named = (word.loosely_named for word in self._told if word is not left)
        return self._parts.every([*named, left.in_text])

    def _allows_nearly(self) -> bool:
        return any(word.is_last or word.falls_apart for word in self._told)

    def _allows_typos(self) -> bool:
        return len(self._told) <= _MOST_TYPO_WORDS and any(word.may_be_mistyped for word in self._told)

    def _missing(self) -> Iterator[_Tier]:
        """Give tiers in which words are missing, but not all that tell something; names with one come first."""
        words, count, first = self._told, len(self._told), self.nested.stop
        telling = [word for word in words if word.tells_something] or words
        for missing in _MISSING[min(count, len(_MISSING) - 1)]:
            some = self._parts.some((word.told for word in words), count - missing)
            yield self._tier([some, self._parts.either(word.loosely_named for word in telling)], first)
            yield self._tier([some, *self._told_of(telling)], first)

    def _told_of(self, some: list[Ways]) -> list[Part]:
        """Match what has one of some words, where that is not every document that has any."""
        return [] if some == self._told else [self._parts.either(word.told for word in some)]

    def _mistyped_anyhow(self) -> Part:
        if len(self._told) > _MOST_WORDS_MISTYPED_ANYHOW:
            return None
        return self._parts.every(word.mistyped_anyhow for word in self._told)

    def _begun(self) -> Part:
        """Match names that begin with the query, whatever stands between its letters and digits.

        Of a long one, names that begin with as much of it as the index has, and have all its words.
        """
        beginning, owner = self._asked.beginning, self._asked.owner
        needed: list[Part] = (
            [] if owner is None else [self._parts.term(self._fields.marks, owner_name_mark(owner))]
        )
        if beginning:
            needed.append(self._parts.term(self._fields.head, beginning[:LONGEST_HEAD]))
        if self._asked.is_long:
            needed.append(self._parts.every(word.named for word in self._words))
        return self._parts.every(needed) if needed else None
