"""The index: documents on disk, and how they are written, opened and searched."""

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import tantivy
from tantivy import FieldType, Filter, Query, TextAnalyzerBuilder, Tokenizer

from wriftai_server.database.feed import Note
from wriftai_server.search.analysis import LONGEST_WORD
from wriftai_server.search.clauses import both, tagged
from wriftai_server.search.documents import (
    COLLECTIONS,
    FIELDS,
    LONGEST_NAME_PREFIX,
    RANK_CUTOFFS,
    Collection,
    cutoff_tag,
    halves_of,
    number_of,
    owner_tag,
    username_tag,
)
from wriftai_server.search.errors import IndexCorrupt, IndexUnwritable, library_errors_as
from wriftai_server.search.first_page import FirstPageSearch
from wriftai_server.search.hits import Hit, TierSearch, order_of
from wriftai_server.search.query import ParsedQuery

# Change it with whatever changes what is in a document, or how: an index of another version is built anew.
VERSION = f"12, tantivy {metadata.version('tantivy')}"

_STATE = "state"
_encode = msgspec.json.Encoder().encode
_LEAST_MEGABYTES = 15
_MOST_REMEMBERED = 50_000
# What is searched first: at least so many documents, and one in so many of all.
_LEAST_AT_TOP = 2_000
_ONE_IN_AT_TOP = 200
# More than a word of a name may have, as those are terms of texts, too.
_LONGEST_WORD_BYTES = 4 * LONGEST_WORD + 1


class State(NamedTuple):
    """How far an index has got.

    Attributes:
        note: The last note of the feed that it contains; while it reads all rows, the last when it began to.
        reading: Index of the range of rows that it is reading (see `batches`); None when it has read all.
        after: Id of the last row of that range that it has read.
    """

    note: Note
    reading: int | None = None
    after: str = ""


class IndexWriter:
    """Changes an index; nothing of it is seen before it is committed.

    Args:
        index: The index.
        megabytes: Memory to use for documents that are not written yet.

    Raises:
        IndexUnwritable: There is no room, or another writer is open; so may all methods raise that write.
    """

    def __init__(self, index: tantivy.Index, *, megabytes: int) -> None:
        self._index = index
        self._schema = index.schema
        with library_errors_as(IndexUnwritable):
            # One thread, beside those that merge: more make more segments, which a search has to look into.
            self._writer = index.writer(megabytes * 1_000_000, 1)

    def write(self, removed: Iterable[str], added: Iterable[dict[str, Any]]) -> None:
        """Remove documents by id, if they are there, and add others."""
        queries = [_with_low_half(self._schema, each) for each in removed]
        documents = [tantivy.Document.from_dict(each, self._schema) for each in added]
        with library_errors_as(IndexUnwritable):
            for query in queries:
                self._writer.delete_documents_by_query(query)
            for document in documents:
                self._writer.add_document(document)

    def commit(self, state: State) -> None:
        """Let all changes take effect together, and with them how far the index has got."""
        stated = tantivy.Document.from_dict({"about": _STATE, "value": _encode(state).decode()}, self._schema)
        with library_errors_as(IndexUnwritable):
            self._writer.delete_documents_by_term("about", _STATE)
            self._writer.add_document(stated)
            self._writer.commit()

    def close(self) -> None:
        """End it, once segments are merged; what is not committed is lost."""
        with library_errors_as(IndexUnwritable):
            self._writer.wait_merging_threads()

    def abandon(self) -> None:
        """End it after a failure, and remove what it has left: on a full disk others need the room."""
        with contextlib.suppress(IndexUnwritable):
            self.close()
        with contextlib.suppress(IndexUnwritable), library_errors_as(IndexUnwritable):
            self._index.writer(_LEAST_MEGABYTES * 1_000_000, 1).garbage_collect_files()


class Index:
    """An index that is open.

    Args:
        folder: Holds an index of this version; an empty folder becomes one.

    Attributes:
        snapshot: The index as of the last reload. A search uses one snapshot from its beginning to its end.

    Raises:
        IndexCorrupt: It is damaged; so may all methods raise that read it.
    """

    def __init__(self, folder: Path) -> None:
        with library_errors_as(IndexCorrupt):
            self._index = tantivy.Index(_schema(), str(folder))
        self._index.config_reader("manual")
        words = TextAnalyzerBuilder(Tokenizer.simple()).filter(Filter.remove_long(_LONGEST_WORD_BYTES))
        self._index.register_tokenizer("words", words.filter(Filter.lowercase()).build())
        prefixes = TextAnalyzerBuilder(Tokenizer.ngram(1, LONGEST_NAME_PREFIX, prefix_only=True))
        self._index.register_tokenizer("prefixes", prefixes.build())
        self.reload()

    def reload(self) -> None:
        """Take a snapshot of what is committed by now."""
        with library_errors_as(IndexCorrupt):
            self._index.reload()
            self.snapshot = Snapshot(self._index)

    def writer(self, *, megabytes: int = _LEAST_MEGABYTES) -> IndexWriter:
        """Open a writer; there may be one at a time.

        Raises:
            IndexUnwritable: Another is open, or there is no room.
        """
        return IndexWriter(self._index, megabytes=megabytes)


class Snapshot:
    """An index as it was at a moment, as an `IndexReader`.

    Args:
        index: The index.

    Attributes:
        schema: Names the fields of the index.
        searcher: Runs queries.
        document_count: How many documents there are, of all collections.
        state: How far the index had got; None where it was empty.
    """

    def __init__(self, index: tantivy.Index) -> None:
        self.schema = index.schema
        self.searcher = index.searcher()
        self.document_count = self.searcher.num_docs
        self._document_frequencies: dict[tuple[str, str], int] = {}
        self._top_cutoffs = {collection: self._find_top_cutoff(collection) for collection in COLLECTIONS}
        self.state = self._read_state()

    def holds_user(self, user_id: str, username: str) -> bool:
        """Tell whether there is a user of that id and exactly that name, case and all."""
        query = both(_with_id(self.schema, user_id), tagged(self.schema, "users", username_tag(username)))
        with library_errors_as(IndexCorrupt):
            return bool(self.searcher.search(query, 1, count=False).hits)

    def find(
        self,
        query: ParsedQuery,
        *,
        users: bool,
        viewer: str | None,
        after: Hit | None,
        backward: bool,
        limit: int,
        found_earlier: bool = False,
        exclude: Sequence[int] = (),
    ) -> list[Hit]:
        """Find documents by tier and rank, best first.

        Tiers of the fallback are searched only where nothing else is found.

        Args:
            query: What to search for.
            users: Whether to search users, and not models.
            viewer: Id of who searches, whose private models are searched, too; None is anonymous.
            after: The hit behind which to go on; None is the beginning, or the end if the search goes backward.
            backward: Whether to go from the worst to the best.
            limit: How many hits at most.
            found_earlier: Whether SQL has found anything, which comes before the tiers.
            exclude: Numbers of that; left out of a first page.
        """
        scopes: list[tuple[Collection, str | None]] = [("users" if users else "public", None)]
        if not users and viewer is not None:
            tag = owner_tag(viewer)
            if self.document_frequency(FIELDS["private"].keywords, tag):
                scopes.append(("private", tag))
        searches: list[TierSearch]
        if after is None and not backward:
            searches = [
                FirstPageSearch(self, collection, query, tag, exclude=exclude) for collection, tag in scopes
            ]
        else:
            searches = [
                TierSearch(self, collection, query, tag, after=after, backward=backward)
                for collection, tag in scopes
            ]
        found: list[Hit] = []
        if after is not None:
            found_earlier = found_earlier or after.tier < searches[0].fallback
        elif backward:
            found_earlier = found_earlier or any(each.has_any_before_fallback() for each in searches)
        for tier in _tier_order(searches[0], after, backward=backward, found_earlier=found_earlier):
            if (found or found_earlier) and tier >= searches[0].fallback:
                break
            left = limit - len(found)
            here = [hit for each in searches for hit in each.find(tier, limit=left)]
            here.sort(key=order_of, reverse=backward)
            found += here[:left]
            if len(found) >= limit:
                break
        return found

    def document_frequency(self, field: str, term: str) -> int:
        """Tell how many documents have a term in a field."""
        count = self._document_frequencies.get((field, term))
        if count is None:
            if len(self._document_frequencies) > _MOST_REMEMBERED:
                self._document_frequencies.clear()
            with library_errors_as(IndexCorrupt):
                count = self._document_frequencies[field, term] = self.searcher.doc_freq(field, term)
        return count

    def top_cutoff(self, collection: Collection) -> int | None:
        """Give the index of the cutoff whose documents are searched first; None where that would gain nothing."""
        return self._top_cutoffs[collection]

    def _find_top_cutoff(self, collection: Collection) -> int | None:
        """Find the highest cutoff above which there are enough documents to search those first."""
        enough = max(_LEAST_AT_TOP, self.document_count // _ONE_IN_AT_TOP)
        for cutoff in reversed(range(len(RANK_CUTOFFS))):
            count = self.searcher.doc_freq(FIELDS[collection].keywords, cutoff_tag(cutoff))
            if count >= enough:
                return cutoff if count < self.document_count // 3 else None
        return None

    def _read_state(self) -> State | None:
        query = Query.term_query(self.schema, "about", _STATE, "basic")
        for _, address in self.searcher.search(query, 1, count=False).hits:
            return msgspec.json.decode(self.searcher.doc(address).get_first("value") or b"", type=State)
        return None


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("about", tokenizer_name="raw", index_option="basic")
    builder.add_text_field("value", tokenizer_name="raw", index_option="basic", stored=True)
    builder.add_unsigned_field("low", indexed=True, fast=True)
    for number in ("mixed", "rank"):
        builder.add_unsigned_field(number, fast=True)
    for fields in FIELDS.values():
        for field, tokenizer in zip(fields, ("prefixes", "whitespace", "whitespace", "words"), strict=True):
            builder.add_text_field(field, tokenizer_name=tokenizer, index_option="basic")
    return builder.build()


def _with_id(schema: tantivy.Schema, document_id: str) -> Query:
    mixed, _ = halves_of(number_of(document_id))
    same = Query.range_query(schema, "mixed", FieldType.Unsigned, mixed, mixed)
    return both(_with_low_half(schema, document_id), same)


def _with_low_half(schema: tantivy.Schema, document_id: str) -> Query:
    """Match by the lower half of an id, which is chance: to match the upper takes a hundred times as long."""
    _, low = halves_of(number_of(document_id))
    return Query.term_query(schema, "low", low, "basic")


def _tier_order(search: TierSearch, after: Hit | None, *, backward: bool, found_earlier: bool) -> Iterator[int]:
    """Give the tiers to search, in order; each tier of the fallback is an answer by itself."""
    if after is not None and after.tier >= search.fallback:
        yield after.tier
        return
    if backward:
        count, fallback = search.count(), search.fallback
        if after is None and not found_earlier:
            yield from range(fallback, count)
        else:
            last = fallback - 1 if after is None else after.tier
            yield from range(min(last, count - 1), -1, -1)
        return
    tier = 0 if after is None else after.tier
    while search.has(tier):
        yield tier
        tier += 1
