"""Clauses: what queries of the index are composed of, the same clause never made twice."""

from collections.abc import Callable, Hashable, Iterable

from tantivy import Occur, Query, Schema

from wriftai_server.search.documents import FIELDS, Collection

# A clause that matches nothing is None, and so is what needs it.
Clause = Query | None


class Clauses:
    """Makes clauses; equal ones are one object, so that `is` tells whether two match the same.

    Args:
        schema: Names the fields of the index.
        document_frequency: Tells how many documents have a term in a field.
        within: Restricts all that is made; None restricts nothing. It stands beside each term, as few documents
            are found in the postings of all terms faster than those are merged.

    Attributes:
        document_frequency: The function that was given.
    """

    def __init__(
        self, schema: Schema, document_frequency: Callable[[str, str], int], within: Query | None
    ) -> None:
        self._schema = schema
        self.document_frequency = document_frequency
        self._within = within
        self._terms: dict[tuple[str, str], Clause] = {}
        self._made: dict[Hashable, Query] = {}
        self._combined: dict[tuple[Occur, int], list[Query]] = {}

    def term(self, field: str, text: str) -> Clause:
        """Match documents with a term in a field."""
        key = (field, text)
        if key not in self._terms:
            is_there = self.document_frequency(field, text)
            self._terms[key] = (
                self._restricted(Query.term_query(self._schema, field, text, "basic")) if is_there else None
            )
        return self._terms[key]

    def prefix(self, field: str, text: str) -> Clause:
        """Match documents with a term that begins with a text."""
        return self._fuzzy(field, text, distance=0, prefix=True)

    def fuzzy(self, field: str, text: str, *, is_prefix: bool) -> Clause:
        """Match documents with a term but for one letter, which is missing, wrong, too much or swapped.

        Args:
            field: Where the term is.
            text: The term but for that letter.
            is_prefix: Whether the term may be longer, so that only its beginning has to match.
        """
        return self._fuzzy(field, text, distance=1, prefix=is_prefix)

    def all_of(self, clauses: Iterable[Clause]) -> Clause:
        """Match documents that all clauses match."""
        needed = list(clauses)
        if any(clause is None for clause in needed):
            return None
        return self._combine(Occur.Must, [clause for clause in needed if clause is not None])

    def any_of(self, clauses: Iterable[Clause]) -> Clause:
        """Match documents that one clause matches, or several."""
        return self._combine(Occur.Should, [clause for clause in clauses if clause is not None])

    def at_least(self, clauses: Iterable[Clause], count: int) -> Clause:
        """Match documents that so many clauses match, or more."""
        options = [clause for clause in clauses if clause is not None]
        if count == 1:
            return self.any_of(options)
        if len(options) < count:
            return None
        return Query.boolean_query(
            [(Occur.Should, clause) for clause in options], minimum_number_should_match=count
        )

    def _fuzzy(self, field: str, text: str, *, distance: int, prefix: bool) -> Query:
        return self._interned(
            ("fuzzy", field, text, distance, prefix),
            lambda: self._restricted(
                Query.fuzzy_term_query(self._schema, field, text, distance=distance, prefix=prefix)
            ),
        )

    def _combine(self, how: Occur, clauses: list[Query]) -> Clause:
        if len(clauses) == 1:
            return clauses[0]
        # To merge postings that are merged themselves costs twice as much.
        flat = [each for clause in clauses for each in self._combined.get((how, id(clause)), [clause])]
        clauses = list({id(clause): clause for clause in flat}.values())
        if len(clauses) < 2:
            return clauses[0] if clauses else None
        # What has been made lives as long as this does, so that no id is that of two clauses.
        made = self._interned(
            (how, *map(id, clauses)), lambda: Query.boolean_query([(how, clause) for clause in clauses])
        )
        self._combined[how, id(made)] = clauses
        return made

    def _restricted(self, query: Query) -> Query:
        return query if self._within is None else both(self._within, query)

    def _interned(self, key: Hashable, make: Callable[[], Query]) -> Query:
        made = self._made.get(key)
        if made is None:
            made = self._made[key] = make()
        return made


def tagged(schema: Schema, collection: Collection, tag: str) -> Query:
    """Match the documents of a collection that have a tag."""
    return Query.term_query(schema, FIELDS[collection].keywords, tag, "basic")


def both(one: Query, other: Query) -> Query:
    """Match documents that two queries match."""
    return Query.boolean_query([(Occur.Must, one), (Occur.Must, other)])
