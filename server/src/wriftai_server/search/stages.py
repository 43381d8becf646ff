"""Stages: what an answer consists of, in this order, and the rows of what is found in each.

`FULL_NAME` is the model of that owner and name, `NAME` all of exactly that name, `PREFIX`, where there is such a
stage, names that begin so, in the order of names, and `TIERS` what the index finds; SQL finds all but that. The
key of a row is its stage, its place there, and its id; those of the index have `TIERS` plus the tier for a stage.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

from wriftai_server.database.driver import Database, Row
from wriftai_server.database.values import fold
from wriftai_server.http.paging import Key, Place, not_a_cursor
from wriftai_server.models import store as models_store
from wriftai_server.search import store
from wriftai_server.search.documents import id_of, number_of
from wriftai_server.search.hits import Hit
from wriftai_server.search.index import Snapshot
from wriftai_server.search.indexer import Indexer
from wriftai_server.search.query import ParsedQuery
from wriftai_server.users import store as users_store
from wriftai_server.wire.models import OWNER_AT

FULL_NAME, NAME, PREFIX, TIERS = range(4)
# In keys of tiers, where there is a prefix stage before them; this word of it is in cursors that callers keep.
AFTER_PREFIX_STAGE = "begun"
_SPARE_HITS = 2
_MOST_HITS_AT_ONCE = 500
_MOST_HITS = 4_000
_NAMEABLE = re.compile(r"[a-z0-9._-]*")


class PlacedRow(NamedTuple):
    """A row, and the key that says where in the answer it is."""

    key: Key
    row: Row


class Stages(Protocol):
    """Finds the keys of one kind of rows by SQL, and rows by their keys."""

    async def find(self, stage: int, place: Place, *, limit: int) -> list[Key]:
        """Find the keys of a stage, from a place in it on."""
        ...

    async def rows(self, keys: Sequence[Key], *, has_prefix_stage: bool) -> list[PlacedRow]:
        """Find rows by their keys, in that order, but for those that are no longer where the key says.

        Args:
            keys: Those of any stages.
            has_prefix_stage: Whether there is a stage of prefixes of names, so that those are not in tiers.
        """
        ...


class ModelStages:
    """Finds models.

    Args:
        database: Has the rows.
        query: What to search for.
        viewer: Id of who searches; None is anonymous.
    """

    def __init__(self, database: Database, query: ParsedQuery, viewer: str | None) -> None:
        self._database = database
        self._query = query
        self._viewer = viewer

    async def find(self, stage: int, place: Place, *, limit: int) -> list[Key]:
        """Find the keys of a stage, from a place in it on."""
        owner, name = self._query.owner, self._query.name
        if not _NAMEABLE.fullmatch(name):
            return []
        if stage == FULL_NAME and owner is not None and place.key is None:
            async with self._database.reading() as view:
                model = await models_store.find_identity(view, viewer=self._viewer, owner=owner, name=name)
            return [] if model is None else [(FULL_NAME, 0, "", model[0])]
        if stage == NAME and owner is None and name:
            here = _inside(place, 1, 3)
            async with self._database.reading() as view:
                models = await store.models_named(view, name, here, viewer=self._viewer, limit=limit)
            return [(NAME, count, "", model_id) for model_id, count in models]
        if stage == PREFIX:
            here = _inside(place, 2, 3)
            async with self._database.reading() as view:
                models = await store.models_with_prefix(
                    view, name, here, owner=owner, viewer=self._viewer, limit=limit
                )
            return [(PREFIX, 0, folded, model_id) for model_id, folded in models]
        return []

    async def rows(self, keys: Sequence[Key], *, has_prefix_stage: bool) -> list[PlacedRow]:
        """Find rows by their keys, in that order, but for those that are no longer where the key says."""
        async with self._database.reading() as view:
            rows = await store.models_by_id(view, _ids(keys), viewer=self._viewer)
        return _placed(keys, rows, lambda row: self._stage(row, has_prefix_stage=has_prefix_stage))

    def _stage(self, row: Row, *, has_prefix_stage: bool) -> int:
        owner, wanted = self._query.owner, self._query.name
        if owner is not None and fold(row[OWNER_AT + 1]) != owner:
            return TIERS
        exact = NAME if owner is None else FULL_NAME
        return _stage_of(fold(row[1]), wanted, exact, has_prefix_stage=has_prefix_stage)


class UserStages:
    """Finds users.

    Args:
        database: Has the rows.
        query: What to search for.
    """

    def __init__(self, database: Database, query: ParsedQuery) -> None:
        self._database = database
        self._query = query

    async def find(self, stage: int, place: Place, *, limit: int) -> list[Key]:
        """Find the keys of a stage, from a place in it on."""
        owner, name = self._query.owner, self._query.name
        if owner is not None or not _NAMEABLE.fullmatch(name):
            return []
        if stage == NAME and name and place.key is None:
            async with self._database.reading() as view:
                user = await users_store.find(view, username=name)
            return [] if user is None else [(NAME, 0, "", user[0])]
        if stage == PREFIX:
            async with self._database.reading() as view:
                users = await store.users_with_prefix(view, name, _inside(place, 2, 3), limit=limit)
            return [(PREFIX, 0, folded, user_id) for user_id, folded in users]
        return []

    async def rows(self, keys: Sequence[Key], *, has_prefix_stage: bool) -> list[PlacedRow]:
        """Find rows by their keys, in that order, but for those that are no longer where the key says."""
        async with self._database.reading() as view:
            rows = await store.users_by_id(view, _ids(keys))
        return _placed(keys, rows, lambda row: self._stage(row, has_prefix_stage=has_prefix_stage))

    def _stage(self, row: Row, *, has_prefix_stage: bool) -> int:
        owner, wanted = self._query.owner, self._query.name
        if owner is not None:
            return TIERS
        return _stage_of(fold(row[1]), wanted, NAME, has_prefix_stage=has_prefix_stage)


class IndexStage:
    """Finds the keys of the last stage, documents in the tiers of the index.

    Args:
        indexer: Has the index.
        query: What to search for.
        viewer: Id of who searches, whose private models are searched, too; None is anonymous.
        users: Whether users are searched, and not models.

    Attributes:
        ended_at: Where the search ended early, as too many documents had rows that are gone or in another stage;
            None otherwise.
    """

    ended_at: Place | None = None

    def __init__(self, indexer: Indexer, query: ParsedQuery, *, viewer: str | None, users: bool) -> None:
        self._indexer = indexer
        self._query = query
        self._viewer = viewer
        self._users = users
        self._most = self._seen = 0

    async def find(
        self, place: Place, *, has_prefix_stage: bool, found_earlier: bool, exclude: Sequence[int], limit: int
    ) -> tuple[list[Key], bool]:
        """Find keys from a place on, at least as many as asked for; tell whether those are all.

        Args:
            place: Where to start.
            has_prefix_stage: Whether there is a stage of prefixes of names, which the keys then say.
            found_earlier: Whether earlier stages have found anything.
            exclude: Numbers of what they have found.
            limit: How many keys are needed.
        """
        after = None
        if place.key is not None:
            tier, rank, _, document_id = place.key
            after = Hit(int(tier) - TIERS, int(rank), _number_of(str(document_id)))
        self._most = most = min(2 * self._most or limit + _SPARE_HITS, _MOST_HITS_AT_ONCE)

        def find(snapshot: Snapshot) -> list[Hit]:
            return snapshot.find(
                self._query,
                users=self._users,
                viewer=self._viewer,
                after=after,
                backward=place.backward,
                limit=most,
                found_earlier=found_earlier,
                exclude=exclude,
            )

        hits = await self._indexer.look_up(find) or []
        stages = AFTER_PREFIX_STAGE if has_prefix_stage else ""
        keys: list[Key] = [(TIERS + hit.tier, hit.rank, stages, id_of(hit.number)) for hit in hits]
        self._seen += len(keys)
        if len(keys) == most and self._seen > _MOST_HITS:
            self.ended_at = Place(keys[-1], place.backward)
        return keys, len(keys) < most or self.ended_at is not None


def _stage_of(name: str, wanted: str, exact: int, *, has_prefix_stage: bool) -> int:
    if name == wanted:
        return exact
    return PREFIX if has_prefix_stage and name.startswith(wanted) else TIERS


def _ids(keys: Sequence[Key]) -> list[str]:
    return [str(key[-1]) for key in keys]


def _placed(keys: Sequence[Key], rows: Mapping[str, Row], stage_of: Callable[[Row], int]) -> list[PlacedRow]:
    """Pair keys with rows, but for those that are gone, or in another stage than the key says."""
    found = [PlacedRow(key, rows[each]) for key, each in zip(keys, _ids(keys), strict=True) if each in rows]
    return [each for each in found if stage_of(each.row) == stage_in(each.key)]


def stage_in(key: Key) -> int:
    """Give the stage that a key is of; all tiers are one."""
    return min(int(key[0]), TIERS)


def _inside(place: Place, *columns: int) -> Place:
    """Turn a place in the answer into one in the order of a stage."""
    return place if place.key is None else Place(tuple(place.key[column] for column in columns), place.backward)


def _number_of(document_id: str) -> int:
    try:
        return number_of(document_id)
    except ValueError:
        raise not_a_cursor() from None
