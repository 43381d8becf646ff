"""Tiers: how well a document matches a query, from the best on.

Whether a document is in a tier depends on it and on the query alone, never on what else there is. Tiers are
searched in order until a page is full, so that a common word costs no more than a rare one. A document counts in
the first tier whose clause it matches. They come in groups:

1. `prefix`: names that begin with the query; those with all words whole come first.
2. `in_name`: names with all words. Those with the compounds of the query come first, where it has any, then those
   with all words whole, then with the last as a prefix, then in other forms.
3. `in_text`: all words in name or text. Of two or three words those with all but one in the name come first, of
   three or more then those with one in the name; then words as they stand, then in other forms.
4. `partial`: subwords of a word apart, or a prefix of a word in a text.
5. Typos: first in names, then in texts.
6. Words missing, down to one of two; those with one of the others in the name come first.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from math import prod
from operator import attrgetter
from typing import NamedTuple

from tantivy import Query, Schema

from wriftai_server.search.analysis import MOST_WORDS, STOP_WORDS
from wriftai_server.search.clauses import Clause, Clauses
from wriftai_server.search.documents import FIELDS, LONGEST_NAME_PREFIX, Collection, owner_name_tag
from wriftai_server.search.matching import TermMatcher
from wriftai_server.search.query import ParsedQuery

MANY_WORDS = 3
# Of more words than these, none may have a typo: in names, and in texts.
_MOST_WORDS_FUZZY = 5
_MOST_WORDS_FUZZY_ANYWHERE = 4
# How many words may be missing, by how many there are.
_MISSING_WORDS = ((), (), (1,), (1, 2), (1, 2), (1, 3))
_NAME_MATCHES = tuple(map(attrgetter, ("exact_in_name", "in_name", "stem_in_name")))


class _Tier(NamedTuple):
    """A tier.

    Attributes:
        clause: Matches its documents, and some or all of those of earlier tiers.
        covers_from: Index of the earliest tier whose matches this one also contains, with all tiers in between.
        discriminator: Cheapest clause that tells this tier apart, among documents already known to be in the last
            tier of its group.
    """

    clause: Clause
    covers_from: int
    discriminator: Clause


class Tiers:
    """Builds the tiers of a query in one collection, each when it is asked for.

    Args:
        schema: Names the fields of the index.
        collection: Where to search.
        query: What to search for.
        document_frequency: Tells how many documents have a term in a field.
        within: Restricts all tiers to what it matches; None restricts nothing.

    Attributes:
        prefix: The group of names that begin with the query; its last tier contains the other.
        in_name: The group of names with all words; its last tier contains the others.
        in_text: The group with all words in name or text; its last tier contains the others, and `in_name`.
        partial: The tier of subwords and of prefixes in texts; an empty range where the query can have none.
        nested: Consecutive tiers in which the last contains each other: from `in_name` to typos in names.
        fallback: The first of the tiers that are searched only where those before it have nothing: typos in
            texts, words missing and, of three words and more, also `partial` and typos in names.
    """

    def __init__(
        self,
        schema: Schema,
        collection: Collection,
        query: ParsedQuery,
        *,
        document_frequency: Callable[[str, str], int],
        within: Query | None = None,
    ) -> None:
        self._clauses = Clauses(schema, document_frequency, within)
        self._fields = FIELDS[collection]
        self._query = query
        content = [word for word in query.words if word.text not in STOP_WORDS] or query.words[:MOST_WORDS]
        self._matchers = [
            TermMatcher(
                self._clauses, self._fields, word, is_last=word is query.words[-1], is_alone=len(content) == 1
            )
            for word in query.words
        ]
        self._content = [each for each in self._matchers if each.word in content]
        self._built: list[_Tier] = []
        self._coming = self._all()
        self.prefix = range(2)
        self.in_name = range(self.prefix.stop, self.prefix.stop + bool(query.compounds) + len(_NAME_MATCHES))
        count = len(content)
        self.in_text = range(self.in_name.stop, self.in_name.stop + (1 < count <= MANY_WORDS) + (count > 2) + 2)
        self.partial = range(self.in_text.stop, self.in_text.stop + self._allows_partial())
        self.nested = range(self.in_name.start, self.partial.stop + self._allows_typos())
        self.fallback = self.in_text.stop if count >= MANY_WORDS else self.nested.stop

    def has(self, tier: int) -> bool:
        """Tell whether there is a tier of that index, the first being 0."""
        self._built.extend(islice(self._coming, max(0, tier + 1 - len(self._built))))
        return tier < len(self._built)

    def clause(self, tier: int) -> Clause:
        """Give the clause that matches a tier, and some or all of those before it; None where nothing does."""
        return self._built[tier].clause if self.has(tier) else None

    def discriminator(self, tier: int) -> Clause:
        """Give the clause that tells a tier apart among documents of the last one of its group."""
        return self._built[tier].discriminator if self.has(tier) else None

    def may_add(self, tier: int) -> bool:
        """Tell whether a tier may contain what the one before it does not."""
        return tier == 0 or self.clause(tier) is not self.clause(tier - 1)

    def earlier(self, tier: int) -> list[Query]:
        """Give the fewest clauses that match all that is in the tiers before one."""
        if tier >= self.fallback:
            return []  # Those before it have nothing.
        clauses: list[Clause] = []
        while tier > 0 and self.has(tier - 1):
            clause, tier, _ = self._built[tier - 1]
            clauses.append(clause)
        return [clause for clause in clauses if clause is not None]

    def estimated_count(self, group: range, document_count: int) -> float:
        """Estimate how many documents have all words, as if words were independent; there mostly are more.

        Args:
            group: The tiers that are to be searched; from `in_text` on, words of texts count, too.
            document_count: How many documents there are.
        """
        if not self._content:
            return 0
        field = self._fields.text if group.start >= self.in_text.start else self._fields.name_words
        return document_count * prod(word.estimated_frequency(field) / document_count for word in self._content)

    def count(self) -> int:
        """Tell how many tiers there are: the same number in every collection."""
        self._built.extend(self._coming)
        return len(self._built)

    def _all(self) -> Iterator[_Tier]:
        prefix = self._prefix_clause()
        whole_words = self._clauses.all_of(word.exact_in_name for word in self._matchers)
        yield self._tier([prefix, whole_words], 0, discriminator=whole_words)
        yield self._tier([prefix], 0)
        yield from self._nested()
        yield self._tier([self._fuzzy_anywhere()], self.nested.start)
        yield from self._with_words_missing()

    def _tier(self, needed: Iterable[Clause], covers_from: int, *, discriminator: Clause = None) -> _Tier:
        clause = self._clauses.all_of(needed)
        return _Tier(clause, covers_from, clause if discriminator is None else discriminator)

    def _nested(self) -> Iterator[_Tier]:
        """Give consecutive tiers of which the last contains the others."""
        words, covers_from = self._content, self.nested.start
        # The group `in_name`.
        if compounds := self._query.compounds:
            tied = (self._clauses.term(self._fields.name_words, compound) for compound in compounds)
            yield self._tier([*(word.in_name for word in words), *tied], covers_from)
        # Names with compounds may have the last word as a prefix, and so need not be in the tier that comes next.
        first_covers_from = self.in_name.start + bool(compounds)
        for match, earliest in zip(_NAME_MATCHES, (first_covers_from, covers_from, covers_from), strict=True):
            yield self._tier(map(match, words), earliest)
        # The group `in_text`.
        in_text = self._clauses.all_of(word.in_text for word in words)
        if 1 < len(words) <= MANY_WORDS:
            # Spelled out, this costs less than half as much; of more words it costs more than it sorts out.
            yield self._tier([self._clauses.any_of(map(self._in_name_but_for, words))], self.in_text.start)
        if len(words) > 2:
            some_in_name = self._clauses.any_of(word.stem_in_name for word in words)
            yield self._tier([in_text, some_in_name], covers_from, discriminator=some_in_name)
        # This does not contain documents with one word in the name and others in other forms in the text.
        yield self._tier((word.exact_in_text for word in words), self.in_text.stop - 2)
        yield self._tier([in_text], covers_from)
        # The rest, one by one.
        if self.partial:
            yield self._tier((word.partial for word in words), covers_from)
        if self._allows_typos():
            yield self._tier((word.fuzzy for word in words), covers_from)

    def _in_name_but_for(self, other: TermMatcher) -> Clause:
        in_name = (word.stem_in_name for word in self._content if word is not other)
        return self._clauses.all_of([*in_name, other.stem_in_text])

    def _allows_partial(self) -> bool:
        return any(word.is_last or word.has_subwords for word in self._content)

    def _allows_typos(self) -> bool:
        return len(self._content) <= _MOST_WORDS_FUZZY and any(word.allows_typos for word in self._content)

    def _with_words_missing(self) -> Iterator[_Tier]:
        """Give tiers with words missing, but not all selective ones; first those with one in the name."""
        words, count, covers_from = self._content, len(self._content), self.nested.stop
        selective = [word for word in words if word.is_selective] or words
        for missing in _MISSING_WORDS[min(count, len(_MISSING_WORDS) - 1)]:
            enough = self._clauses.at_least((word.in_text for word in words), count - missing)
            yield self._tier([enough, self._clauses.any_of(word.stem_in_name for word in selective)], covers_from)
            yield self._tier([enough, *self._any_of_selective(selective)], covers_from)

    def _any_of_selective(self, selective: list[TermMatcher]) -> list[Clause]:
        """Match documents with a selective word; nothing more where all are, as one is there."""
        return [] if selective == self._content else [self._clauses.any_of(word.in_text for word in selective)]

    def _fuzzy_anywhere(self) -> Clause:
        if len(self._content) > _MOST_WORDS_FUZZY_ANYWHERE:
            return None
        return self._clauses.all_of(word.fuzzy_anywhere for word in self._content)

    def _prefix_clause(self) -> Clause:
        """Match names that begin with the query, whatever stands between its letters and digits.

        Of a query beyond the prefixes that the index holds, match names that begin with as much of it and have
        all its words.
        """
        prefix, owner = self._query.prefix, self._query.owner
        needed: list[Clause] = (
            [] if owner is None else [self._clauses.term(self._fields.keywords, owner_name_tag(owner))]
        )
        if prefix:
            needed.append(self._clauses.term(self._fields.name_prefix, prefix[:LONGEST_NAME_PREFIX]))
        if self._query.is_long:
            needed.append(self._clauses.all_of(word.in_name for word in self._matchers))
        return self._clauses.all_of(needed) if needed else None
