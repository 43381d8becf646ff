"""Tiers: how well a document fits a query, from the best on.

Whether a document is in a tier depends on it and on the query alone, never on what else there is. Tiers are tried
in order until a page is full, so that a common word costs no more than a rare one. A tier holds what the ones
before it do not.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from tantivy import FieldType, Occur, Query, Schema

from wriftai_server.search.documents import LONGEST_GRAM, LONGEST_HEAD, Set, head_range, owner_name_mark
from wriftai_server.search.words import COMMON, Word, query_words

_SHORTEST_TYPO = 4
_SHORTEST_TOLD_BEGINNING = 4
_MOST_TYPO_WORDS = 5
_MOST_TYPO_WORDS_OF_TEXT = 2
# How many words may be missing, by how many there are: who types two means both.
_MOST_MISSING = (0, 0, 0, 1, 2, 3)


class Search(NamedTuple):
    """What is searched for.

    Attributes:
        words: Of the query; the last may be a beginning.
        owner: Username in front of a slash; None when there is no slash.
        beginning: What names begin with, letters and digits alone; that of the part behind the slash.
    """

    words: tuple[Word, ...]
    owner: str | None
    beginning: str


def search_for(q: str) -> Search:
    """Take a query apart."""
    owner, slash, name = q.strip().partition("/")
    words = tuple(query_words(q))
    if not slash:
        return Search(words, None, "".join(word.text for word in query_words(q)))
    return Search(words, owner, "".join(word.text for word in query_words(name)))


class Tier(NamedTuple):
    """What is in a tier, and what of that is not, as it is in an earlier one."""

    inside: Query
    outside: list[Query]


# A part of a query that matches nothing is None, and so is what needs it.
Part = Query | None


class Tiers:
    """Builds the tiers of a query in one set of documents.

    Args:
        schema: Of the index.
        which: The set.
        search: What is searched for.
        holds: Tells whether any document has a term in a field; without, the same is found, but slower.
    """

    def __init__(self, schema: Schema, which: Set, search: Search, *, holds: Callable[[str, str], bool]) -> None:
        self._schema = schema
        self._parts, self._joins, self._marks, self._text = (
            f"{which}_{field}" for field in ("parts", "joins", "marks", "text")
        )
        self._search = search
        self._holds = holds
        told = [word for word in search.words if word.text not in COMMON]
        self._told_words = told or list(search.words)
        self._last = search.words[-1] if search.words else None

    def all(self) -> list[Tier | None]:
        """Give the tiers, best first; None is one that nothing is in."""
        begun = self._begun()
        whole = self._each(self._whole)
        tiers = [_tier(_all([begun, whole])), _tier(begun, whole)]
        nested: Part = None
        for inside in self._nested():
            tiers.append(_tier(inside, begun, nested))
            nested = _any([nested, inside])
        outside = [begun, nested]
        for inside in (*self._missing(), self._mistyped_text()):
            tiers.append(_tier(inside, *outside))
            outside.append(inside)
        return tiers

    def _nested(self) -> Iterator[Part]:
        """Give tiers of which each holds the ones before it."""
        words, count = self._told_words, len(self._told_words)
        for how in (self._whole, self._named, self._loosely_named):
            yield _all(map(how, words))
        every = _all(map(self._told, words))
        for named in range(count - 1, 0, -1):
            yield _all([every, _some(map(self._loosely_named, words), named)])
        yield _all(map(self._written, words))
        yield every
        if self._last in words:
            yield _all(map(self._told_or_begun, words))
        if count <= _MOST_TYPO_WORDS and any(map(_may_be_mistyped, words)):
            yield _all(map(self._mistyped, words))

    def _missing(self) -> Iterator[Part]:
        """Give tiers in which words are missing; those with a word in the name come first."""
        words, count = self._told_words, len(self._told_words)
        for missing in range(1, _MOST_MISSING[min(count, len(_MOST_MISSING) - 1)] + 1):
            some = _some(map(self._told, words), count - missing)
            yield _all([some, _any(map(self._loosely_named, words))])
            yield some

    def _mistyped_text(self) -> Part:
        words = self._told_words
        if len(words) > _MOST_TYPO_WORDS_OF_TEXT:
            return None
        return _all(
            _any([self._mistyped(word), self._typo(self._text, word.text) if _has_typos(word.text) else None])
            for word in words
        )

    def _each(self, how: Callable[[Word], Part]) -> Part:
        return _all(map(how, self._search.words))

    def _begun(self) -> Part:
        """Match names that begin with the query, whatever stands between its letters and digits."""
        beginning, owner = self._search.beginning, self._search.owner
        needed: list[Part] = [] if owner is None else [self._term(self._marks, owner_name_mark(owner))]
        if beginning:
            needed.append(self._term(self._marks, f"^{beginning[:LONGEST_GRAM]}"))
        for field, start in (("head", 0), ("neck", LONGEST_HEAD)):
            if len(beginning) > max(start, LONGEST_GRAM):
                heads = head_range(beginning[start : start + LONGEST_HEAD])
                if heads is None:
                    return None
                needed.append(Query.range_query(self._schema, field, FieldType.Unsigned, *heads))
        if len(beginning) > 2 * LONGEST_HEAD:
            needed.append(self._each(self._named))
        return _all(needed) if needed else None

    def _whole(self, word: Word) -> Part:
        return _any([self._term(self._parts, word.text), self._term(self._joins, word.text)])

    def _named(self, word: Word) -> Part:
        """Match names of which a word is a part; the last one may be the beginning of a part."""
        return _any([self._whole(word), self._part_begun(word.text)]) if word is self._last else self._whole(word)

    def _loosely_named(self, word: Word) -> Part:
        """Match names with another form of the word, or with all that it falls into."""
        found = [self._named(word), *(self._term(self._parts, form) for form in word.forms[1:])]
        if len(word.atoms) > 1:
            *first, last = word.atoms
            ended = self._part_begun(last) if word is self._last else self._term(self._parts, last)
            found.append(_all([*(self._term(self._parts, atom) for atom in first), ended]))
        return _any(found)

    def _told(self, word: Word) -> Part:
        """Match names and texts with a form of the word."""
        found = [self._loosely_named(word), *(self._term(self._text, form) for form in word.forms)]
        if len(word.atoms) > 1 and len(word.atoms[0]) > 1:
            found.append(_all(self._term(self._text, atom) for atom in word.atoms))
        return _any(found)

    def _written(self, word: Word) -> Part:
        """Match names, and texts with the word as it is."""
        return _any([self._loosely_named(word), self._term(self._text, word.text)])

    def _told_or_begun(self, word: Word) -> Part:
        # With other words beside it, a beginning may be shorter.
        shortest = _SHORTEST_TOLD_BEGINNING - (len(self._told_words) > 1)
        if word is not self._last or len(word.text) < shortest:
            return self._told(word)
        return _any([self._told(word), self._beginning(self._text, word.text)])

    def _mistyped(self, word: Word) -> Part:
        """Match what has the word, or names with it but for one letter: missing, wrong, too much or swapped."""
        right = self._told_or_begun(word)
        if not _may_be_mistyped(word):
            return right
        if len(word.atoms) > 1:
            atoms = [
                self._typo(self._parts, atom) if _has_typos(atom) else self._term(self._parts, atom)
                for atom in word.atoms
            ]
            return _any([right, _all(atoms)])
        return _any([right, self._typo(self._parts, word.text, begun=word is self._last)])

    def _typo(self, field: str, text: str, *, begun: bool = False) -> Query:
        longer = begun and len(text) > _SHORTEST_TYPO
        return Query.fuzzy_term_query(self._schema, field, text, prefix=longer)

    def _part_begun(self, text: str) -> Part:
        if len(text) <= LONGEST_GRAM:
            return self._term(self._marks, text)
        return self._beginning(self._parts, text)

    def _beginning(self, field: str, text: str) -> Query:
        return Query.fuzzy_term_query(self._schema, field, text, distance=0, prefix=True)

    def _term(self, field: str, text: str) -> Part:
        return Query.term_query(self._schema, field, text, "basic") if self._holds(field, text) else None


def _tier(inside: Part, *outside: Part) -> Tier | None:
    return None if inside is None else Tier(inside, [each for each in outside if each is not None])


def _may_be_mistyped(word: Word) -> bool:
    return any(map(_has_typos, word.atoms))


def _has_typos(atom: str) -> bool:
    return len(atom) >= _SHORTEST_TYPO and atom.isalpha()


def _all(parts: Iterable[Part]) -> Part:
    needed = list(parts)
    if any(part is None for part in needed):
        return None
    return _combined(Occur.Must, [part for part in needed if part is not None])


def _any(parts: Iterable[Part]) -> Part:
    return _combined(Occur.Should, [part for part in parts if part is not None])


def _some(parts: Iterable[Part], count: int) -> Part:
    options = [part for part in parts if part is not None]
    if len(options) < count:
        return None
    return Query.boolean_query([(Occur.Should, part) for part in options], minimum_number_should_match=count)


def _combined(how: Occur, parts: list[Query]) -> Part:
    if len(parts) < 2:
        return parts[0] if parts else None
    return Query.boolean_query([(how, part) for part in parts])
