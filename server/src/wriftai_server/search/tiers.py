"""Tiers: how well a document fits a query, from the best on.

Whether a document is in a tier depends on it and on the query alone, never on what else there is. Tiers are tried
in order until a page is full, so that a common word costs no more than a rare one. A tier holds what the ones
before it do not.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from math import prod
from typing import NamedTuple

from tantivy import Query, Schema

from wriftai_server.search.documents import FIELDS, LONGEST_GRAM, LONGEST_HEAD, Set, owner_name_mark
from wriftai_server.search.parts import Part, Parts
from wriftai_server.search.question import Question
from wriftai_server.search.words import COMMON, Word

MANY_WORDS = 3
_SHORTEST_TYPO = 4
_SHORTEST_TOLD_BEGINNING = 4
_MOST_TYPO_WORDS = 5
_MOST_TYPO_WORDS_OF_TEXT = 2
# How many words may be missing, by how many there are, where nothing has more of them.
_MISSING = ((), (), (1,), (1, 2), (1, 2), (1, 3))


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
        mistyped_text: The one of texts with a word that is not right: there seldom are many.
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
        self._frequency = frequency
        self._heads, self._names, self._marks, self._text = FIELDS[which]
        self._asked = asked
        told = [word for word in asked.words if word.text not in COMMON]
        self._told_words = told or list(asked.words)
        self._last = asked.words[-1] if asked.words else None
        self._ways_of_naming = (self._whole, self._named, self._loosely_named)
        self._built: list[_Tier] = []
        self._coming = self._all()
        self.begun = range(2)
        self.named = range(self.begun.stop, self.begun.stop + bool(asked.joins) + len(self._ways_of_naming))
        count = len(self._told_words)
        self.told = range(self.named.stop, self.named.stop + (1 < count <= MANY_WORDS) + (count > 2) + 2)
        self.nearly = range(self.told.stop, self.told.stop + self._allows_nearly())
        self.nested = range(self.named.start, self.nearly.stop + self._allows_typos())
        self.mistyped_text = self.nested.stop
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
        if not self._told_words:
            return 0
        field = self._text if group.start >= self.told.start else self._names
        counts = [self._frequency(field, word.text) for word in self._told_words]
        last = self._told_words[-1]
        if last is self._last:
            counts[-1] = max(counts[-1], self._frequency(self._marks, last.text[:LONGEST_GRAM]))
        return documents * prod(count / documents for count in counts)

    def count(self) -> int:
        """Tell how many tiers there are, for all sets alike."""
        self._built.extend(self._coming)
        return len(self._built)

    def _all(self) -> Iterator[_Tier]:
        begun, whole = self._begun(), self._each(self._whole)
        yield self._tier([begun, whole], 0, sign=whole)
        yield self._tier([begun], 0)
        yield from self._nested()
        yield self._tier([self._mistyped_text()], self.nested.start)
        yield from self._missing()

    def _tier(self, needed: Iterable[Part], first: int, *, sign: Part = None) -> _Tier:
        part = self._parts.every(needed)
        return _Tier(part, first, part if sign is None else sign)

    def _nested(self) -> Iterator[_Tier]:
        """Give tiers of which the last holds all the others."""
        words, first = self._told_words, self.nested.start
        if joins := self._asked.joins:
            tied = (self._parts.term(self._names, join) for join in joins)
            yield self._tier([*map(self._named, words), *tied], first)
        for how in self._ways_of_naming:
            yield self._tier(map(how, words), first)
        every = self._parts.every(map(self._told, words))
        if 1 < len(words) <= MANY_WORDS:
            # Spelled out, this costs less than half as much; of more words it costs more than it sorts out.
            yield self._tier([self._parts.either(map(self._named_but_for, words))], self.told.start)
        if len(words) > 2:
            some_named = self._parts.either(map(self._loosely_named, words))
            yield self._tier([every, some_named], first, sign=some_named)
        # It does not hold what has a word in the name, and others in other forms.
        yield self._tier(map(self._written, words), self.told.stop - 2)
        yield self._tier([every], first)
        if self.nearly:
            yield self._tier(map(self._nearly_told, words), first)
        if self._allows_typos():
            yield self._tier(map(self._mistyped, words), first)

    def _named_but_for(self, left: Word) -> Part:
        named = (self._loosely_named(word) for word in self._told_words if word is not left)
        return self._parts.every([*named, self._in_text(left)])

    def _allows_nearly(self) -> bool:
        return any(word is self._last or len(word.atoms) > 1 for word in self._told_words)

    def _allows_typos(self) -> bool:
        words = self._told_words
        return len(words) <= _MOST_TYPO_WORDS and any(map(_may_be_mistyped, words))

    def _missing(self) -> Iterator[_Tier]:
        """Give tiers in which words are missing; names with a word come first."""
        words, count, first = self._told_words, len(self._told_words), self.nested.stop
        for missing in _MISSING[min(count, len(_MISSING) - 1)]:
            some = self._parts.some(map(self._told, words), count - missing)
            yield self._tier([some, self._parts.either(map(self._loosely_named, words))], first)
            yield self._tier([some], first)

    def _mistyped_text(self) -> Part:
        words = self._told_words
        if len(words) > _MOST_TYPO_WORDS_OF_TEXT:
            return None
        return self._parts.every(map(self._mistyped_in_text, words))

    def _each(self, how: Callable[[Word], Part]) -> Part:
        return self._parts.every(map(how, self._asked.words))

    def _begun(self) -> Part:
        """Match names that begin with the query, whatever stands between its letters and digits."""
        beginning, owner = self._asked.beginning, self._asked.owner
        needed: list[Part] = [] if owner is None else [self._parts.term(self._marks, owner_name_mark(owner))]
        if beginning:
            needed.append(self._parts.term(self._heads, beginning[:LONGEST_HEAD]))
        if len(beginning) > LONGEST_HEAD:
            needed.append(self._each(self._named))
        return self._parts.every(needed) if needed else None

    def _whole(self, word: Word) -> Part:
        """Match names of which a word is a part, or two parts that stand side by side."""
        return self._parts.term(self._names, word.text)

    def _named(self, word: Word) -> Part:
        """Match the same; the last word may be the beginning of a part."""
        return self._name_begun(word.text) if word is self._last else self._whole(word)

    def _loosely_named(self, word: Word) -> Part:
        """Match names with a form of the word."""
        return self._parts.either(
            [self._named(word), *(self._parts.term(self._names, form) for form in word.forms[1:])]
        )

    def _told(self, word: Word) -> Part:
        """Match names and texts with a form of the word."""
        return self._parts.either([self._in_text(word), self._begun_if_last(word)])

    def _in_text(self, word: Word) -> Part:
        """Match texts and names with a form of the word."""
        return self._parts.either(self._parts.term(self._text, form) for form in word.forms)

    def _written(self, word: Word) -> Part:
        """Match names with a form of the word, and texts with the word as it is."""
        forms = (self._parts.term(self._names, form) for form in word.forms[1:])
        return self._parts.either([self._parts.term(self._text, word.text), *forms, self._begun_if_last(word)])

    def _begun_if_last(self, word: Word) -> Part:
        """Match names of which the last word begins a part, and is none."""
        begun = self._name_begun(word.text) if word is self._last else None
        return None if begun is self._whole(word) else begun

    def _nearly_told(self, word: Word) -> Part:
        """Match what has the word or all that it falls into; of the last one, a beginning in a text is enough."""
        found = [self._told(word)]
        if len(word.atoms) > 1:
            found.append(self._parts.every(self._parts.term(self._names, atom) for atom in word.atoms))
            if len(word.atoms[0]) > 1:
                found.append(self._parts.every(self._parts.term(self._text, atom) for atom in word.atoms))
        # With other words beside it, a beginning may be shorter.
        shortest = _SHORTEST_TOLD_BEGINNING - (len(self._told_words) > 1)
        if word is self._last and len(word.text) >= shortest:
            found.append(self._parts.beginning(self._text, word.text))
        return self._parts.either(found)

    def _mistyped(self, word: Word) -> Part:
        """Match what has the word, or names with it but for one letter: missing, wrong, too much or swapped."""
        right = self._nearly_told(word)
        if not _may_be_mistyped(word):
            return right
        if len(word.atoms) == 1:
            return self._parts.either([right, self._typo(self._names, word)])
        atoms = (
            self._parts.typo(self._names, atom, begun=False)
            if _has_typos(atom)
            else self._parts.term(self._names, atom)
            for atom in word.atoms
        )
        return self._parts.either([right, self._parts.every(atoms)])

    def _mistyped_in_text(self, word: Word) -> Part:
        """Match the same, and texts with the word but for one letter."""
        if not _has_typos(word.text):
            return self._mistyped(word)
        return self._parts.either([self._nearly_told(word), self._typo(self._text, word)])

    def _typo(self, field: str, word: Word) -> Part:
        return self._parts.typo(field, word.text, begun=word is self._last and len(word.text) > _SHORTEST_TYPO)

    def _name_begun(self, text: str) -> Part:
        """Match names with a part that begins so, or with two parts side by side that are this, or begin so."""
        if len(text) > LONGEST_GRAM:
            return self._parts.beginning(self._names, text)
        # What is there whole is there begun, so that here no part goes on.
        is_whole = self._frequency(self._marks, text) == self._frequency(self._names, text)
        return self._parts.term(self._names if is_whole else self._marks, text)


def _may_be_mistyped(word: Word) -> bool:
    return any(map(_has_typos, word.atoms))


def _has_typos(atom: str) -> bool:
    return len(atom) >= _SHORTEST_TYPO and atom.isalpha()
