"""The index: documents on disk, found by words in the order of their tiers and ranks."""

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import tantivy
from tantivy import FieldType, Filter, Query, TextAnalyzerBuilder, Tokenizer

from wriftai_server.database.feed import Note
from wriftai_server.search.damage import Unwritten, damage_named
from wriftai_server.search.documents import (
    FIELDS,
    LEVELS,
    LONGEST_HEAD,
    SETS,
    Set,
    halves_of,
    level_mark,
    number_of,
    owner_mark,
    username_mark,
)
from wriftai_server.search.firsts import FirstHits
from wriftai_server.search.hits import Hit, Hits, order_of
from wriftai_server.search.parts import both, marked
from wriftai_server.search.question import Question
from wriftai_server.search.words import LONGEST_WORD

# Change it with whatever changes what is in a document, or how: an index of another version is built anew.
VERSION = f"11, tantivy {metadata.version('tantivy')}"

_STATE = "state"
_encode = msgspec.json.Encoder().encode
_LEAST_MEGABYTES = 15
_MOST_REMEMBERED = 50_000
_LEAST_LOOKED_THROUGH = 2_000
# More than a word of a name may have, as those are among the words of texts.
_LONGEST_WORD_BYTES = 4 * LONGEST_WORD + 1
_SHARE_LOOKED_THROUGH = 200


class State(NamedTuple):
    """How far an index has got.

    Attributes:
        note: The last of the feed that it knows of, or knew of when it began to read all rows.
        reading: Number of the part of all rows that it is reading; None when it has read them all.
        after: The last of those that it has read.
    """

    note: Note
    reading: int | None = None
    after: str = ""


class Writing:
    """Changes an index; nothing is seen of it before it is committed.

    Args:
        index: To change.
        megabytes: Memory to use.

    Raises:
        Unwritten: There is no room, or someone else changes it; so may all raise that write.
    """

    def __init__(self, index: tantivy.Index, *, megabytes: int) -> None:
        self._index = index
        self._schema = index.schema
        with damage_named(Unwritten):
            # One thread, beside those that merge: more make more segments, which a search has to look into.
            self._writer = index.writer(megabytes * 1_000_000, 1)

    def write(self, removed: Iterable[str], added: Iterable[dict[str, Any]]) -> None:
        """Remove the documents with some ids, if they are there, and add some that are not, or no longer."""
        queries = [_seems(self._schema, each) for each in removed]
        documents = [_document(each) for each in added]
        with damage_named(Unwritten):
            for query in queries:
                self._writer.delete_documents_by_query(query)
            for document in documents:
                self._writer.add_document(document)

    def commit(self, state: State) -> None:
        """Let all changes, and how far the index has got, take effect together."""
        stated = _document({"about": _STATE, "value": _encode(state).decode()})
        with damage_named(Unwritten):
            self._writer.delete_documents_by_term("about", _STATE)
            self._writer.add_document(stated)
            self._writer.commit()

    def close(self) -> None:
        """End it, when what it does beside is done; what is not committed is lost."""
        with damage_named(Unwritten):
            self._writer.wait_merging_threads()

    def abandon(self) -> None:
        """End it when it has failed, and remove what it has left: on a full disk others need the room."""
        with contextlib.suppress(Unwritten):
            self.close()
        with contextlib.suppress(Unwritten), damage_named(Unwritten):
            self._index.writer(_LEAST_MEGABYTES * 1_000_000, 1).garbage_collect_files()


def _document(fields: dict[str, Any]) -> tantivy.Document:
    document = tantivy.Document()
    for field, value in fields.items():
        if isinstance(value, str):
            document.add_text(field, value)
        else:
            document.add_unsigned(field, value)
    return document


class Index:
    """An index that is open.

    Args:
        folder: Of an index of this version; an empty one becomes one.

    Attributes:
        view: The index as it was when it was last looked at; whoever looks for something stays with one view.

    Raises:
        Broken: It is damaged; so may all raise that look into it.
    """

    def __init__(self, folder: Path) -> None:
        with damage_named():
            self._index = tantivy.Index(_schema(), str(folder))
        self._index.config_reader("manual")
        words = TextAnalyzerBuilder(Tokenizer.simple()).filter(Filter.remove_long(_LONGEST_WORD_BYTES))
        self._index.register_tokenizer("words", words.filter(Filter.lowercase()).build())
        head = TextAnalyzerBuilder(Tokenizer.ngram(1, LONGEST_HEAD, prefix_only=True))
        self._index.register_tokenizer("head", head.build())
        self.reload()

    def reload(self) -> None:
        """See what was committed."""
        with damage_named():
            self._index.reload()
            self.view = View(self._index)

    def writing(self, *, megabytes: int = _LEAST_MEGABYTES) -> Writing:
        """Begin to change it; one at a time may.

        Raises:
            Unwritten: Someone else does, or there is no room.
        """
        return Writing(self._index, megabytes=megabytes)


class View:
    """An index as it was at a moment.

    Args:
        index: To look at.

    Attributes:
        schema: Of the index.
        searcher: Of the index.
        documents: How many it has.
        state: How far it had got; None when it was empty.
    """

    def __init__(self, index: tantivy.Index) -> None:
        self.schema = index.schema
        self.searcher = index.searcher()
        self.documents = self.searcher.num_docs
        self._frequencies: dict[tuple[str, str], int] = {}
        self._levels = {which: self._find_level(which) for which in SETS}
        self.state = self._read_state()

    def holds_user(self, user_id: str, username: str) -> bool:
        """Tell whether the user is known by that name, as it is written."""
        query = both(_is(self.schema, user_id), marked(self.schema, "users", username_mark(username)))
        with damage_named():
            return bool(self.searcher.search(query, 1, count=False).hits)

    def find(
        self,
        asked: Question,
        *,
        users: bool,
        viewer: str | None,
        after: Hit | None,
        backward: bool,
        limit: int,
        is_found: bool = False,
        known: Sequence[int] = (),
    ) -> list[Hit]:
        """Find documents, best first, or the other way round.

        Tiers of last resort count only where those before have nothing.

        Args:
            asked: What for.
            users: Whether users are searched, and not models.
            viewer: Id of who may find private models of theirs, too.
            after: Where to go on from.
            backward: Whether to walk from the worst to the best.
            limit: How many at most.
            is_found: Whether there is something before the tiers.
            known: Numbers of what is there, which are left out of a first page.
        """
        sets: list[tuple[Set, str | None]] = [("users" if users else "public", None)]
        if not users and viewer is not None and self.frequency(FIELDS["private"].marks, owner_mark(viewer)):
            sets.append(("private", owner_mark(viewer)))
        hits: list[Hits]
        if after is None and not backward:
            hits = [FirstHits(self, which, asked, mark, known=known) for which, mark in sets]
        else:
            hits = [Hits(self, which, asked, mark, after=after, backward=backward) for which, mark in sets]
        found: list[Hit] = []
        if after is not None:
            is_found = is_found or after.tier < hits[0].last_resort
        elif backward:
            is_found = is_found or any(each.is_any_better() for each in hits)
        for tier in _tiers(hits[0], after, backward=backward, is_found=is_found):
            if (found or is_found) and tier >= hits[0].last_resort:
                break
            left = limit - len(found)
            here = [hit for each in hits for hit in each.find(tier, limit=left)]
            here.sort(key=order_of, reverse=backward)
            found += here[:left]
            if len(found) >= limit:
                break
        return found

    def frequency(self, field: str, term: str) -> int:
        """Tell how many documents have a term in a field."""
        known = self._frequencies.get((field, term))
        if known is None:
            if len(self._frequencies) > _MOST_REMEMBERED:
                self._frequencies.clear()
            with damage_named():
                known = self._frequencies[field, term] = self.searcher.doc_freq(field, term)
        return known

    def level(self, which: Set) -> int | None:
        """Give the level whose documents are looked through first; None when there is none."""
        return self._levels[which]

    def _find_level(self, which: Set) -> int | None:
        """Find the highest level on which there are enough documents to look through those first."""
        enough = max(_LEAST_LOOKED_THROUGH, self.documents // _SHARE_LOOKED_THROUGH)
        for level in reversed(range(len(LEVELS))):
            count = self.searcher.doc_freq(FIELDS[which].marks, level_mark(level))
            if count >= enough:
                return level if count < self.documents // 3 else None
        return None

    def _read_state(self) -> State | None:
        query = Query.term_query(self.schema, "about", _STATE, "basic")
        for _, place in self.searcher.search(query, 1, count=False).hits:
            return msgspec.json.decode(self.searcher.doc(place).get_first("value") or b"", type=State)
        return None


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("about", tokenizer_name="raw", index_option="basic")
    builder.add_text_field("value", tokenizer_name="raw", index_option="basic", stored=True)
    builder.add_unsigned_field("low", indexed=True, fast=True)
    for number in ("mixed", "rank"):
        builder.add_unsigned_field(number, fast=True)
    for fields in FIELDS.values():
        for field, tokenizer in zip(fields, ("head", "whitespace", "whitespace", "words"), strict=True):
            builder.add_text_field(field, tokenizer_name=tokenizer, index_option="basic")
    return builder.build()


def _is(schema: tantivy.Schema, document_id: str) -> Query:
    mixed, _ = halves_of(number_of(document_id))
    same = Query.range_query(schema, "mixed", FieldType.Unsigned, mixed, mixed)
    return both(_seems(schema, document_id), same)


def _seems(schema: tantivy.Schema, document_id: str) -> Query:
    """Match by the lower half of an id, which is chance: to look at the other takes a hundred times as long."""
    _, low = halves_of(number_of(document_id))
    return Query.term_query(schema, "low", low, "basic")


def _tiers(hits: Hits, after: Hit | None, *, backward: bool, is_found: bool) -> Iterator[int]:
    """Give the tiers to look into, in turn; an answer of last resort is one tier alone."""
    if after is not None and after.tier >= hits.last_resort:
        yield after.tier
        return
    if backward:
        count, resort = hits.count(), hits.last_resort
        if after is None and not is_found:
            yield from range(resort, count)
        else:
            last = resort - 1 if after is None else after.tier
            yield from range(min(last, count - 1), -1, -1)
        return
    tier = 0 if after is None else after.tier
    while hits.has(tier):
        yield tier
        tier += 1
