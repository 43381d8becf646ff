"""Ways: how a document may have a word of a query."""

from collections.abc import Iterator
from functools import cached_property

from wriftai_server.search.documents import LONGEST_GRAM, Fields
from wriftai_server.search.parts import Part, Parts
from wriftai_server.search.words import COMMON, Word

_SHORTEST_TYPO = 4
_SHORTEST_HALF = 3
_SHORTEST_TELLING = 3
_SHORTEST_TELLING_NUMBER = 5
_SHORTEST_TOLD_BEGINNING = 4


class Ways:
    """The ways in which documents may have a word, each made when it is first asked for.

    Args:
        parts: Makes them.
        fields: Of the documents.
        word: Of the query.
        is_last: Whether it may go on.
        is_alone: Whether no other words are sought beside it.

    Attributes:
        word: As it was given.
        is_last: As it was given.
        tells_something: Whether it does by itself; short numbers and words do not.
        may_be_mistyped: Whether some letter of it may be wrong; it is too short, or a number, otherwise.
    """

    def __init__(self, parts: Parts, fields: Fields, word: Word, *, is_last: bool, is_alone: bool) -> None:
        self._parts = parts
        self._fields = fields
        self.word = word
        self.is_last = is_last
        # With other words beside it, a beginning may be shorter.
        self._shortest_told = _SHORTEST_TOLD_BEGINNING - (not is_alone)
        is_number = word.text.isdigit()
        self.tells_something = len(word.text) >= (_SHORTEST_TELLING_NUMBER if is_number else _SHORTEST_TELLING)
        self.may_be_mistyped = any(map(_has_typos, word.atoms))

    @property
    def falls_apart(self) -> bool:
        """Whether it falls into several words between letters and digits."""
        return len(self.word.atoms) > 1

    @cached_property
    def whole(self) -> Part:
        """Match names of which the word is a part, or two parts that stand side by side."""
        return self._parts.term(self._fields.names, self.word.text)

    @cached_property
    def named(self) -> Part:
        """Match the same; the last word may be the beginning of a part."""
        return self._name_begun() if self.is_last else self.whole

    @cached_property
    def loosely_named(self) -> Part:
        """Match names with a form of the word."""
        return self._parts.either([self.named, *self._other_forms(self._fields.names)])

    @cached_property
    def in_text(self) -> Part:
        """Match texts and names with a form of the word."""
        return self._parts.either([self._written_in_text, *self._other_forms(self._fields.text)])

    @cached_property
    def written(self) -> Part:
        """Match names with a form of the word, and texts with the word as it is."""
        forms = self._other_forms(self._fields.names)
        return self._parts.either([self._written_in_text, *forms, self._begun_if_last])

    @cached_property
    def told(self) -> Part:
        """Match names and texts with a form of the word."""
        return self._parts.either([self.in_text, self._begun_if_last])

    @cached_property
    def nearly_told(self) -> Part:
        """Match what has the word or all that it falls into; of the last one, a beginning in a text is enough."""
        found, atoms = [self.told], self.word.atoms
        if self.falls_apart:
            found.append(self._parts.every(self._parts.term(self._fields.names, atom) for atom in atoms))
            if len(atoms[0]) > 1 and atoms[0] not in COMMON:
                found.append(self._parts.every(self._parts.term(self._fields.text, atom) for atom in atoms))
        if self.is_last and len(self.word.text) >= self._shortest_told:
            found.append(self._parts.beginning(self._fields.text, self.word.text))
        return self._parts.either(found)

    @cached_property
    def mistyped(self) -> Part:
        """Match what has the word, or names with it but for one letter: missing, wrong, too much or swapped."""
        if not self.may_be_mistyped:
            return self.nearly_told
        names = self._fields.names
        if not self.falls_apart:
            return self._parts.either([self.nearly_told, self._typo(names)])
        atoms = (
            self._parts.typo(names, atom, goes_on=False) if _has_typos(atom) else self._parts.term(names, atom)
            for atom in self.word.atoms
        )
        return self._parts.either([self.nearly_told, self._parts.every(atoms)])

    @cached_property
    def mistyped_anyhow(self) -> Part:
        """Match the same; texts with it but for one letter, or in two words; names with it but for one digit."""
        if _has_typos(self.word.text):
            return self._parts.either([self.nearly_told, self._typo(self._fields.text), *self._in_two_words()])
        if self.falls_apart and len(self.word.text) >= _SHORTEST_TYPO:
            return self._parts.either([self.mistyped, self._typo(self._fields.names)])
        return self.mistyped

    def expected(self, field: str) -> int:
        """Tell how many documents have the word in a field, or begin with it in a name if it is the last."""
        count = self._parts.frequency(field, self.word.text)
        if not self.is_last:
            return count
        return max(count, self._parts.frequency(self._fields.marks, self.word.text[:LONGEST_GRAM]))

    @cached_property
    def _written_in_text(self) -> Part:
        return self._parts.term(self._fields.text, self.word.text)

    @cached_property
    def _begun_if_last(self) -> Part:
        """Match names of which the last word begins a part, and is none."""
        return None if self.named is self.whole else self.named

    def _other_forms(self, field: str) -> list[Part]:
        return [self._parts.term(field, form) for form in self.word.forms[1:]]

    def _in_two_words(self) -> Iterator[Part]:
        """Match texts with two words that are this one when they are put together."""
        text, field = self.word.text, self._fields.text
        for place in range(_SHORTEST_HALF, len(text) - _SHORTEST_HALF + 1):
            yield self._parts.every(
                [self._parts.term(field, text[:place]), self._parts.term(field, text[place:])]
            )

    def _name_begun(self) -> Part:
        """Match names with a part that begins so, or two side by side that are this; a long one may go on."""
        text, fields = self.word.text, self._fields
        if len(text) > LONGEST_GRAM:
            return self._parts.beginning(fields.names, text)
        # What is there whole is there begun, so that here no part goes on.
        is_whole = self._parts.frequency(fields.marks, text) == self._parts.frequency(fields.names, text)
        return self.whole if is_whole else self._parts.term(fields.marks, text)

    def _typo(self, field: str) -> Part:
        text = self.word.text
        return self._parts.typo(field, text, goes_on=self.is_last and len(text) > _SHORTEST_TYPO)


def _has_typos(atom: str) -> bool:
    return len(atom) >= _SHORTEST_TYPO and atom.isalpha()
