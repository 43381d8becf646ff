"""Matching: how a document may have one word of a query, from the word as it stands to a typo."""

from collections.abc import Iterator
from functools import cached_property

from wriftai_server.search.analysis import STOP_WORDS, Word
from wriftai_server.search.clauses import Clause, Clauses
from wriftai_server.search.documents import LONGEST_WORD_PREFIX, Fields

_SHORTEST_FUZZY = 4
_SHORTEST_HALF = 3
_SHORTEST_SELECTIVE = 3
_SHORTEST_SELECTIVE_NUMBER = 5
_SHORTEST_TEXT_PREFIX = 4


class TermMatcher:
    """Clauses that match one word of a query, each made when it is first used.

    Each of these matches all that those before it do: `exact_in_name`, `in_name`, `stem_in_name`, `in_text`,
    `partial`, `fuzzy`, `fuzzy_anywhere`.

    Args:
        clauses: Makes them.
        fields: Those of the collection that is searched.
        word: The word.
        is_last: Whether the query ends with it, so that it may be the prefix of a word.
        is_alone: Whether the query has no other words but stop words.

    Attributes:
        word: The word.
        is_last: Whether it may be a prefix.
        is_selective: Whether it narrows a search down; short words and numbers do not.
        allows_typos: Whether it may have one; short words and numbers may not.
    """

    def __init__(self, clauses: Clauses, fields: Fields, word: Word, *, is_last: bool, is_alone: bool) -> None:
        self._clauses = clauses
        self._fields = fields
        self.word = word
        self.is_last = is_last
        # With other words beside it, a prefix may be shorter.
        self._shortest_text_prefix = _SHORTEST_TEXT_PREFIX - (not is_alone)
        is_number = word.text.isdigit()
        self.is_selective = len(word.text) >= (_SHORTEST_SELECTIVE_NUMBER if is_number else _SHORTEST_SELECTIVE)
        self.allows_typos = any(map(_allows_typos, word.subwords))

    @property
    def has_subwords(self) -> bool:
        """Whether it splits into several between letters and digits."""
        return len(self.word.subwords) > 1

    @cached_property
    def exact_in_name(self) -> Clause:
        """Match names with the word as a token, a subword or a compound."""
        return self._clauses.term(self._fields.name_words, self.word.text)

    @cached_property
    def in_name(self) -> Clause:
        """Match `exact_in_name`; of the last word, also names with a word that begins with it."""
        return self._name_prefix() if self.is_last else self.exact_in_name

    @cached_property
    def stem_in_name(self) -> Clause:
        """Match `in_name`, and names with another form of the word."""
        return self._clauses.any_of([self.in_name, *self._other_forms(self._fields.name_words)])

    @cached_property
    def stem_in_text(self) -> Clause:
        """Match names and texts with a form of the word, which is no prefix here."""
        return self._clauses.any_of([self._word_in_text, *self._other_forms(self._fields.text)])

    @cached_property
    def exact_in_text(self) -> Clause:
        """Match `stem_in_name`, and texts with the word as it stands."""
        forms = self._other_forms(self._fields.name_words)
        return self._clauses.any_of([self._word_in_text, *forms, self._prefix_in_name])

    @cached_property
    def in_text(self) -> Clause:
        """Match `stem_in_name`, and texts with a form of the word."""
        return self._clauses.any_of([self.stem_in_text, self._prefix_in_name])

    @cached_property
    def partial(self) -> Clause:
        """Match `in_text`; names or texts with all subwords; texts in which a word begins with the last one."""
        options, subwords = [self.in_text], self.word.subwords
        if self.has_subwords:
            options.append(
                self._clauses.all_of(self._clauses.term(self._fields.name_words, subword) for subword in subwords)
            )
            if len(subwords[0]) > 1 and subwords[0] not in STOP_WORDS:
                options.append(
                    self._clauses.all_of(self._clauses.term(self._fields.text, subword) for subword in subwords)
                )
        if self.is_last and len(self.word.text) >= self._shortest_text_prefix:
            options.append(self._clauses.prefix(self._fields.text, self.word.text))
        return self._clauses.any_of(options)

    @cached_property
    def fuzzy(self) -> Clause:
        """Match `partial`; names with the word but for one letter."""
        if not self.allows_typos:
            return self.partial
        names = self._fields.name_words
        if not self.has_subwords:
            return self._clauses.any_of([self.partial, self._fuzzy(names)])
        subwords = (
            self._clauses.fuzzy(names, subword, is_prefix=False)
            if _allows_typos(subword)
            else self._clauses.term(names, subword)
            for subword in self.word.subwords
        )
        return self._clauses.any_of([self.partial, self._clauses.all_of(subwords)])

    @cached_property
    def fuzzy_anywhere(self) -> Clause:
        """Match `fuzzy`; texts with the word but for one letter, or split in two; names with one digit wrong."""
        if _allows_typos(self.word.text):
            return self._clauses.any_of([self.partial, self._fuzzy(self._fields.text), *self._split_in_text()])
        if self.has_subwords and len(self.word.text) >= _SHORTEST_FUZZY:
            return self._clauses.any_of([self.fuzzy, self._fuzzy(self._fields.name_words)])
        return self.fuzzy

    def estimated_frequency(self, field: str) -> int:
        """Estimate how many documents have the word in a field; the last may be the prefix of one in a name."""
        count = self._clauses.document_frequency(field, self.word.text)
        if not self.is_last:
            return count
        prefix = self.word.text[:LONGEST_WORD_PREFIX]
        return max(count, self._clauses.document_frequency(self._fields.keywords, prefix))

    @cached_property
    def _word_in_text(self) -> Clause:
        return self._clauses.term(self._fields.text, self.word.text)

    @cached_property
    def _prefix_in_name(self) -> Clause:
        """Match names in which a word begins with the last one and is longer; nothing where there are none."""
        return None if self.in_name is self.exact_in_name else self.in_name

    def _other_forms(self, field: str) -> list[Clause]:
        return [self._clauses.term(field, form) for form in self.word.forms[1:]]

    def _split_in_text(self) -> Iterator[Clause]:
        """Match texts with two words that give this one when they are joined."""
        text, field = self.word.text, self._fields.text
        for position in range(_SHORTEST_HALF, len(text) - _SHORTEST_HALF + 1):
            yield self._clauses.all_of(
                [self._clauses.term(field, text[:position]), self._clauses.term(field, text[position:])]
            )

    def _name_prefix(self) -> Clause:
        """Match names with a word that begins with this one, or a compound that is this one.

        Beyond six letters prefixes are no terms of their own, and all terms that begin so are looked up.
        """
        text, fields = self.word.text, self._fields
        if len(text) > LONGEST_WORD_PREFIX:
            return self._clauses.prefix(fields.name_words, text)
        # A whole word is a prefix of itself. Where as many names have the one as the other, no word is longer.
        frequency = self._clauses.document_frequency
        is_whole = frequency(fields.keywords, text) == frequency(fields.name_words, text)
        return self.exact_in_name if is_whole else self._clauses.term(fields.keywords, text)

    def _fuzzy(self, field: str) -> Clause:
        text = self.word.text
        return self._clauses.fuzzy(field, text, is_prefix=self.is_last and len(text) > _SHORTEST_FUZZY)


def _allows_typos(subword: str) -> bool:
    return len(subword) >= _SHORTEST_FUZZY and subword.isalpha()
