"""The index: documents on disk, found by words in the order of their tiers and ranks."""

import json
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import tantivy
from tantivy import FieldType, Filter, Occur, Order, Query, TextAnalyzerBuilder, Tokenizer

from wriftai_server.database.feed import Note
from wriftai_server.search.documents import (
    LEVELS,
    Set,
    id_from,
    key_from,
    level_mark,
    owner_mark,
    owner_name_mark,
)
from wriftai_server.search.tiers import Search, Tier, Tiers
from wriftai_server.search.words import LONGEST_WORD

# Change it with whatever changes what is in a document, or how: an index of another version is built anew.
VERSION = f"3, tantivy {metadata.version('tantivy')}"

SETS: tuple[Set, ...] = ("public", "private", "users")
_STATE = "state"
_encode = msgspec.json.Encoder().encode
_SPARE = 8
_MOST_REMEMBERED = 50_000
_LEAST_LOOKED_THROUGH = 2_000
_SHARE_LOOKED_THROUGH = 200


class State(NamedTuple):
    """How far an index has got.

    Attributes:
        note: The last of the feed that it knows of, or knew of when it began to read all rows.
        reading: Which rows it is reading, `users` or `models`; empty when it has read them all.
        after: The last of those that it has read.
    """

    note: Note
    reading: str = ""
    after: str = ""


class Hit(NamedTuple):
    """A document that was found.

    Attributes:
        tier: How well it fits; lower is better.
        rank: Its place in the tier; higher is better.
        id: UUID.
    """

    tier: int
    rank: int
    id: str


class Writing:
    """Changes an index; nothing is seen of it before it is committed.

    Args:
        index: To change.
        schema: Of the index.
        megabytes: Memory to use, for each thread.
        threads: How many.
    """

    def __init__(self, index: tantivy.Index, *, megabytes: int, threads: int) -> None:
        self._schema = index.schema
        self._writer = index.writer(megabytes * 1_000_000 * threads, threads)

    def add(self, document: dict[str, Any]) -> None:
        """Add a document that is not there."""
        self._writer.add_json(_encode(document).decode())

    def remove(self, document_id: str) -> None:
        """Remove a document if it is there."""
        self._writer.delete_documents_by_query(_is(self._schema, document_id))

    def commit(self, state: State) -> None:
        """Let all changes, and how far the index has got, take effect together."""
        self._writer.delete_documents_by_term("about", _STATE)
        self._writer.add_json(json.dumps({"about": _STATE, "value": json.dumps(state)}))
        self._writer.commit()

    def close(self) -> None:
        """End it, when what it does beside is done; what is not committed is lost."""
        self._writer.wait_merging_threads()


class Index:
    """An index that is open.

    Args:
        folder: Of an index of this version; an empty one becomes one.

    Attributes:
        view: The index as it was when it was last looked at; whoever looks for something stays with one view.

    Raises:
        ValueError: It is damaged.
    """

    def __init__(self, folder: Path) -> None:
        self._index = tantivy.Index(_schema(), str(folder))
        self._index.config_reader("manual")
        words = TextAnalyzerBuilder(Tokenizer.simple()).filter(Filter.remove_long(LONGEST_WORD))
        self._index.register_tokenizer("words", words.filter(Filter.lowercase()).build())
        self.reload()

    def reload(self) -> None:
        """See what was committed."""
        self._index.reload()
        self.view = View(self._index)

    def writing(self, *, megabytes: int = 15, threads: int = 1) -> Writing:
        """Begin to change it; one at a time may.

        Raises:
            ValueError: Someone else does.
        """
        return Writing(self._index, megabytes=megabytes, threads=threads)


class View:
    """An index as it was at a moment.

    Args:
        index: To look at.

    Attributes:
        state: How far it had got; None when it was empty.
    """

    def __init__(self, index: tantivy.Index) -> None:
        self._schema = index.schema
        self._searcher = index.searcher()
        self._held: dict[tuple[str, str], bool] = {}
        self._levels = {which: self._level(which) for which in SETS}
        self.state = self._read_state()

    def holds_user(self, user_id: str, username: str) -> bool:
        """Tell whether the user is known by that name."""
        query = _both(_is(self._schema, user_id), self._mark("users", owner_name_mark(username)))
        return bool(self._searcher.search(query, 1, count=False).hits)

    def find(
        self, search: Search, *, users: bool, viewer: str | None, after: Hit | None, backward: bool, limit: int
    ) -> list[Hit]:
        """Find documents, best first, or the other way round.

        Args:
            search: What for.
            users: Whether users are searched, and not models.
            viewer: Id of who may find private models of theirs, too.
            after: Where to go on from.
            backward: Whether to walk from the worst to the best.
            limit: How many at most.
        """
        sets: list[tuple[Set, Query | None]] = [("users" if users else "public", None)]
        if not users and viewer is not None:
            sets.append(("private", self._mark("private", owner_mark(viewer))))
        tiers: list[tuple[Set, Query | None, list[Tier | None]]] = [
            (which, needed, Tiers(self._schema, which, search, holds=self._holds).all()) for which, needed in sets
        ]
        order = range(len(tiers[0][2]))
        found: list[Hit] = []
        for tier in reversed(order) if backward else order:
            if after is not None and (tier > after.tier if backward else tier < after.tier):
                continue
            start = after if after is not None and tier == after.tier else None
            here: list[Hit] = []
            for which, needed, queries in tiers:
                if (fit := queries[tier]) is not None:
                    query = _but(fit.inside if needed is None else _both(fit.inside, needed), fit.outside)
                    here += self._in_order(which, query, tier, start, backward=backward, limit=limit - len(found))
            here.sort(key=_order, reverse=backward)
            found += here[: limit - len(found)]
            if len(found) >= limit:
                break
        return found

    def _in_order(
        self, which: Set, query: Query, tier: int, after: Hit | None, *, backward: bool, limit: int
    ) -> list[Hit]:
        if after is not None:
            bounds = (after.rank, None) if backward else (None, after.rank)
            query = _both(query, Query.range_query(self._schema, "rank", FieldType.Unsigned, *bounds))
        level = self._levels[which]
        if level is not None and not backward and (after is None or after.rank > LEVELS[level]):
            # Among the best there often are enough.
            best = self._ranked(_both(self._mark(which, level_mark(level)), query), tier, after, False, limit)
            if len(best) >= limit:
                return best
        return self._ranked(query, tier, after, backward, limit)

    def _ranked(
        self,
        query: Query,
        tier: int,
        after: Hit | None,
        backward: bool,
        limit: int,
    ) -> list[Hit]:
        most = limit + _SPARE
        order = Order.Asc if backward else Order.Desc
        hits = self._searcher.search(query, most, count=False, order_by_field="rank", order=order).hits
        places = [place for _, place in hits]
        highs, lows = (self._searcher.fast_field_values(field, places) for field in ("high", "low"))
        found = [
            Hit(tier, rank, id_from(int(high or 0), int(low or 0)))
            for (rank, _), high, low in zip(hits, highs, lows, strict=True)
        ]
        if len(found) == most and found[0].rank != found[-1].rank:
            # There may be more of the last rank.
            found = [hit for hit in found if hit.rank != found[-1].rank]
        found.sort(key=_order, reverse=backward)
        if after is not None:
            key = _order(after)
            found = [hit for hit in found if (_order(hit) < key if backward else _order(hit) > key)]
        return found[:limit]

    def _holds(self, field: str, term: str) -> bool:
        known = self._held.get((field, term))
        if known is None:
            if len(self._held) > _MOST_REMEMBERED:
                self._held.clear()
            known = self._held[field, term] = self._searcher.doc_freq(field, term) > 0
        return known

    def _level(self, which: Set) -> int | None:
        """Find the highest level on which there are enough documents to look through those first."""
        documents = self._searcher.num_docs
        enough = max(_LEAST_LOOKED_THROUGH, documents // _SHARE_LOOKED_THROUGH)
        for level in reversed(range(len(LEVELS))):
            count = self._searcher.doc_freq(f"{which}_marks", level_mark(level))
            if count >= enough:
                return level if count < documents // 3 else None
        return None

    def _read_state(self) -> State | None:
        query = Query.term_query(self._schema, "about", _STATE, "basic")
        for _, place in self._searcher.search(query, 1, count=False).hits:
            note, reading, after = json.loads(self._searcher.doc(place)["value"][0])
            return State(Note(*note), reading, after)
        return None

    def _mark(self, which: Set, mark: str) -> Query:
        return Query.term_query(self._schema, f"{which}_marks", mark, "basic")


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("about", tokenizer_name="raw", index_option="basic")
    builder.add_text_field("value", tokenizer_name="raw", index_option="basic", stored=True)
    builder.add_unsigned_field("low", indexed=True, fast=True)
    for number in ("high", "rank", "head", "neck"):
        builder.add_unsigned_field(number, fast=True)
    for which in SETS:
        for field in ("parts", "joins", "marks"):
            builder.add_text_field(f"{which}_{field}", tokenizer_name="whitespace", index_option="basic")
        builder.add_text_field(f"{which}_text", tokenizer_name="words", index_option="basic")
    return builder.build()


def _is(schema: tantivy.Schema, document_id: str) -> Query:
    key = key_from(document_id)
    same = Query.range_query(schema, "high", FieldType.Unsigned, key.high, key.high)
    return _both(Query.term_query(schema, "low", key.low, "basic"), same)


def _order(hit: Hit) -> tuple[int, str]:
    return (-hit.rank, hit.id)


def _both(one: Query, other: Query) -> Query:
    return Query.boolean_query([(Occur.Must, one), (Occur.Must, other)])


def _but(query: Query, excluded: Iterable[Query]) -> Query:
    clauses = [(Occur.MustNot, each) for each in excluded]
    return Query.boolean_query([(Occur.Must, query), *clauses]) if clauses else query
