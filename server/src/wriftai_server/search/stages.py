"""Stages: what SQL finds before the tiers of the index, and the rows of what those find."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

from wriftai_server.database.driver import Database, Row
from wriftai_server.database.values import fold
from wriftai_server.http.paging import Key, Place
from wriftai_server.models import store as models_store
from wriftai_server.search import store
from wriftai_server.search.question import Question
from wriftai_server.users import store as users_store
from wriftai_server.wire.models import OWNER_AT

ADDRESS, NAME, BEGINNING, TIERS = range(4)
# In keys of tiers, where beginnings of names are a stage before them, as it is while the index is behind.
BEGUN = "begun"
_NAMEABLE = re.compile(r"[a-z0-9._-]*")


class Found(NamedTuple):
    """A row and its place."""

    key: Key
    row: Row


class Stages(Protocol):
    """Finds rows of one kind. The key of a row is its stage, its place there, and its id."""

    async def find(self, stage: int, place: Place, *, limit: int) -> list[Key]:
        """Find the keys of what is in a stage, from a place in it on."""
        ...

    async def rows(self, keys: Sequence[Key], *, has_beginnings: bool) -> list[Found]:
        """Find the rows of those keys that are where the key says, in the order of the keys.

        Args:
            keys: Of stages, and of tiers of the index.
            has_beginnings: Whether there is a stage of beginnings of names.
        """
        ...


class ModelStages:
    """Finds models.

    Args:
        database: Has the rows.
        asked: What for.
        viewer: Id of who looks; None is anonymous.
    """

    def __init__(self, database: Database, asked: Question, viewer: str | None) -> None:
        self._database = database
        self._asked = asked
        self._viewer = viewer

    async def find(self, stage: int, place: Place, *, limit: int) -> list[Key]:
        """Find the keys of what is in a stage, from a place in it on."""
        owner, name = self._asked.owner, self._asked.name
        if not _NAMEABLE.fullmatch(name):
            return []
        if stage == ADDRESS and owner is not None and place.key is None:
            async with self._database.reading() as view:
                model = await models_store.find_identity(view, viewer=self._viewer, owner=owner, name=name)
            return [] if model is None else [(ADDRESS, 0, "", model[0])]
        if stage == NAME and owner is None and name:
            here = _inside(place, 1, 3)
            async with self._database.reading() as view:
                models = await store.named(view, name, here, viewer=self._viewer, limit=limit)
            return [(NAME, count, "", model_id) for model_id, count in models]
        if stage == BEGINNING:
            here = _inside(place, 2, 3)
            async with self._database.reading() as view:
                models = await store.begun(view, name, here, owner=owner, viewer=self._viewer, limit=limit)
            return [(BEGINNING, 0, folded, model_id) for model_id, folded in models]
        return []

    async def rows(self, keys: Sequence[Key], *, has_beginnings: bool) -> list[Found]:
        """Find the rows of those keys that are where the key says, in the order of the keys."""
        async with self._database.reading() as view:
            rows = await store.models_by_id(view, _ids(keys), viewer=self._viewer)
        return _placed(keys, rows, lambda row: self._stage(row, has_beginnings=has_beginnings))

    def _stage(self, row: Row, *, has_beginnings: bool) -> int:
        owner, wanted = self._asked.owner, self._asked.name
        if owner is not None and fold(row[OWNER_AT + 1]) != owner:
            return TIERS
        exact = NAME if owner is None else ADDRESS
        return _stage_of(fold(row[1]), wanted, exact, has_beginnings=has_beginnings)


class UserStages:
    """Finds users.

    Args:
        database: Has the rows.
        asked: What for.
    """

    def __init__(self, database: Database, asked: Question) -> None:
        self._database = database
        self._asked = asked

    async def find(self, stage: int, place: Place, *, limit: int) -> list[Key]:
        """Find the keys of what is in a stage, from a place in it on."""
        owner, name = self._asked.owner, self._asked.name
        if owner is not None or not _NAMEABLE.fullmatch(name):
            return []
        if stage == NAME and name and place.key is None:
            async with self._database.reading() as view:
                user = await users_store.find(view, username=name)
            return [] if user is None else [(NAME, 0, "", user[0])]
        if stage == BEGINNING:
            async with self._database.reading() as view:
                users = await store.users_begun(view, name, _inside(place, 2, 3), limit=limit)
            return [(BEGINNING, 0, folded, user_id) for user_id, folded in users]
        return []

    async def rows(self, keys: Sequence[Key], *, has_beginnings: bool) -> list[Found]:
        """Find the rows of those keys that are where the key says, in the order of the keys."""
        async with self._database.reading() as view:
            rows = await store.users_by_id(view, _ids(keys))
        return _placed(keys, rows, lambda row: self._stage(row, has_beginnings=has_beginnings))

    def _stage(self, row: Row, *, has_beginnings: bool) -> int:
        owner, wanted = self._asked.owner, self._asked.name
        if owner is not None:
            return TIERS
        return _stage_of(fold(row[1]), wanted, NAME, has_beginnings=has_beginnings)


def _stage_of(name: str, wanted: str, exact: int, *, has_beginnings: bool) -> int:
    if name == wanted:
        return exact
    return BEGINNING if has_beginnings and name.startswith(wanted) else TIERS


def _ids(keys: Sequence[Key]) -> list[str]:
    return [str(key[-1]) for key in keys]


def _placed(keys: Sequence[Key], rows: Mapping[str, Row], stage_of: Callable[[Row], int]) -> list[Found]:
    """Put rows to keys, but for those that are gone, or somewhere else than the key says."""
    found = [Found(key, rows[each]) for key, each in zip(keys, _ids(keys), strict=True) if each in rows]
    return [each for each in found if stage_of(each.row) == stage_in(each.key)]


def stage_in(key: Key) -> int:
    """Give the stage that a key is of; all tiers are one."""
    return min(int(key[0]), TIERS)


def _inside(place: Place, *parts: int) -> Place:
    """Give the place in the order of a stage."""
    return place if place.key is None else Place(tuple(place.key[part] for part in parts), place.backward)
