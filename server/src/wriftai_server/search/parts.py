"""Parts: what queries of the index are put together from, the same part never made twice."""

from collections.abc import Callable, Hashable, Iterable

from tantivy import Occur, Query, Schema

from wriftai_server.search.documents import FIELDS, Set

# A part that matches nothing is None, and so is what needs it.
Part = Query | None


class Parts:
    """Makes the parts of a query; what is made alike is one object, so that `is` tells what matches the same.

    Args:
        schema: Of the index.
        frequency: Tells how many documents have a term in a field.
        within: Leaves out what does not match this. It stands beside each word, as a few documents are sought in
            the lists of all words faster than those lists are put together.

    Attributes:
        frequency: As it was given.
    """

    def __init__(self, schema: Schema, frequency: Callable[[str, str], int], within: Query | None) -> None:
        self._schema = schema
        self.frequency = frequency
        self._within = within
        self._terms: dict[tuple[str, str], Part] = {}
        self._made: dict[Hashable, Query] = {}
        self._combinations: dict[tuple[Occur, int], list[Query]] = {}

    def term(self, field: str, text: str) -> Part:
        """Match what has a term."""
        key = (field, text)
        if key not in self._terms:
            is_there = self.frequency(field, text)
            self._terms[key] = (
                self._here(Query.term_query(self._schema, field, text, "basic")) if is_there else None
            )
        return self._terms[key]

    def beginning(self, field: str, text: str) -> Part:
        """Match what has a term that begins so."""
        return self._typo(field, text, distance=0, prefix=True)

    def typo(self, field: str, text: str, *, goes_on: bool) -> Part:
        """Match what has a term but for one letter, missing, wrong, too much or swapped.

        Args:
            field: Of the term.
            text: Of the term.
            goes_on: Whether the term may.
        """
        return self._typo(field, text, distance=1, prefix=goes_on)

    def every(self, parts: Iterable[Part]) -> Part:
        """Match what matches all of some parts."""
        needed = list(parts)
        if any(part is None for part in needed):
            return None
        return self._combined(Occur.Must, [part for part in needed if part is not None])

    def either(self, parts: Iterable[Part]) -> Part:
        """Match what matches one of some parts."""
        return self._combined(Occur.Should, [part for part in parts if part is not None])

    def some(self, parts: Iterable[Part], count: int) -> Part:
        """Match what matches at least so many of some parts."""
        options = [part for part in parts if part is not None]
        if count == 1:
            return self.either(options)
        if len(options) < count:
            return None
        return Query.boolean_query([(Occur.Should, part) for part in options], minimum_number_should_match=count)

    def _typo(self, field: str, text: str, *, distance: int, prefix: bool) -> Query:
        return self._once(
            ("typo", field, text, distance, prefix),
            lambda: self._here(
                Query.fuzzy_term_query(self._schema, field, text, distance=distance, prefix=prefix)
            ),
        )

    def _combined(self, how: Occur, parts: list[Query]) -> Part:
        if len(parts) == 1:
            return parts[0]
        # A list that is put together from lists that are put together costs twice as much.
        flat = [each for part in parts for each in self._combinations.get((how, id(part)), [part])]
        parts = list({id(part): part for part in flat}.values())
        if len(parts) < 2:
            return parts[0] if parts else None
        # What has been made lives as long as this does, so that no two parts are taken for one.
        made = self._once((how, *map(id, parts)), lambda: Query.boolean_query([(how, part) for part in parts]))
        self._combinations[how, id(made)] = parts
        return made

    def _here(self, query: Query) -> Query:
        return query if self._within is None else both(self._within, query)

    def _once(self, key: Hashable, make: Callable[[], Query]) -> Query:
        made = self._made.get(key)
        if made is None:
            made = self._made[key] = make()
        return made


def marked(schema: Schema, which: Set, mark: str) -> Query:
    """Match what has a mark in a set."""
    return Query.term_query(schema, FIELDS[which].marks, mark, "basic")


def both(one: Query, other: Query) -> Query:
    """Match what matches one query and another."""
    return Query.boolean_query([(Occur.Must, one), (Occur.Must, other)])
