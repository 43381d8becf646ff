"""Stages: what SQL finds before the tiers of the index, and the rows of what those find."""

import re
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from wriftai_server.database.driver import Reader, Row
from wriftai_server.database.values import fold
from wriftai_server.http.paging import Key, Place
from wriftai_server.models import store as models_store
from wriftai_server.search import store
from wriftai_server.search.tiers import Search, search_for
from wriftai_server.users import store as users_store
from wriftai_server.wire.models import OWNER_AT

ADDRESS, NAME, BEGINNING, TIERS = range(4)
# Of a page somewhere else, whose path says what is looked for.
_ADDRESS = re.compile(r"https?://[^/\s]+/(\S+?)/?")
_NAMEABLE = re.compile(r"[a-z0-9._-]*")


class Question(NamedTuple):
    """What is asked.

    Attributes:
        owner: In front of a slash, folded; None when there is no slash.
        name: Behind the slash, or all of it, folded.
        search: The same in words.
    """

    owner: str | None
    name: str
    search: Search

    @property
    def is_empty(self) -> bool:
        """Whether nothing is asked, so that everything answers."""
        return not self.name and self.owner is None


class Found(NamedTuple):
    """A row and its place."""

    key: Key
    row: Row


class Stages(Protocol):
    """Finds rows of one kind."""

    async def find(self, stage: int, place: Place, *, limit: int) -> list[Found]:
        """Find rows of a stage, from a place in it on."""
        ...

    async def rows(self, ids: Sequence[str], *, begun: bool) -> dict[str, Row]:
        """Find the rows of what the index found, but for those that are in a stage.

        Args:
            ids: Of the index.
            begun: Whether beginnings of names are in a stage, too.
        """
        ...


def question(q: str) -> Question:
    """Take a query apart."""
    text = q.replace("\0", " ").strip()
    if address := _ADDRESS.fullmatch(text):
        text = address[1]
    owner, slash, name = fold(text).partition("/")
    return Question(owner, name, search_for(text)) if slash else Question(None, owner, search_for(text))


class ModelStages:
    """Finds models.

    Args:
        view: Runs the queries.
        asked: What for.
        viewer: Id of who looks; None is anonymous.
    """

    def __init__(self, view: Reader, asked: Question, viewer: str | None) -> None:
        self._view = view
        self._asked = asked
        self._viewer = viewer

    async def find(self, stage: int, place: Place, *, limit: int) -> list[Found]:
        """Find rows of a stage, from a place in it on."""
        owner, name, _ = self._asked
        if not _NAMEABLE.fullmatch(name):
            return []
        if stage == ADDRESS and owner is not None and place.key is None:
            row = await models_store.get(self._view, viewer=self._viewer, owner=owner, name=name)
            return [] if row is None else [Found((ADDRESS, 0, "", row[0]), row)]
        if stage == NAME and owner is None and name:
            here = _inside(place, 1, 3)
            rows = await store.named(self._view, name, here, viewer=self._viewer, limit=limit)
            return [Found((NAME, row[-1], "", row[0]), row) for row in rows]
        if stage == BEGINNING:
            here = _inside(place, 2, 3)
            rows = await store.begun(self._view, name, here, owner=owner, viewer=self._viewer, limit=limit)
            return [Found((BEGINNING, 0, row[-1], row[0]), row) for row in rows]
        return []

    async def rows(self, ids: Sequence[str], *, begun: bool) -> dict[str, Row]:
        """Find the rows of what the index found, but for those that are in a stage."""
        found = await store.models_by_id(self._view, ids, viewer=self._viewer)
        return {each: row for each, row in found.items() if not self._is_staged(row, begun=begun)}

    def _is_staged(self, row: Row, *, begun: bool) -> bool:
        owner, wanted, _ = self._asked
        if owner is not None and fold(row[OWNER_AT + 1]) != owner:
            return False
        name = fold(row[1])
        return name == wanted or (begun and name.startswith(wanted))


class UserStages:
    """Finds users.

    Args:
        view: Runs the queries.
        asked: What for.
    """

    def __init__(self, view: Reader, asked: Question) -> None:
        self._view = view
        self._asked = asked

    async def find(self, stage: int, place: Place, *, limit: int) -> list[Found]:
        """Find rows of a stage, from a place in it on."""
        owner, name, _ = self._asked
        if owner is not None or not _NAMEABLE.fullmatch(name):
            return []
        if stage == NAME and name and place.key is None:
            row = await users_store.find(self._view, username=name)
            return [] if row is None else [Found((NAME, 0, "", row[0]), row)]
        if stage == BEGINNING:
            rows = await store.users_begun(self._view, name, _inside(place, 2, 3), limit=limit)
            return [Found((BEGINNING, 0, row[-1], row[0]), row) for row in rows]
        return []

    async def rows(self, ids: Sequence[str], *, begun: bool) -> dict[str, Row]:
        """Find the rows of what the index found, but for those that are in a stage."""
        name = self._asked.name
        found = await store.users_by_id(self._view, ids)
        return {
            each: row
            for each, row in found.items()
            if fold(row[1]) != name and not (begun and fold(row[1]).startswith(name))
        }


def _inside(place: Place, *parts: int) -> Place:
    """Give the place in the order of a stage."""
    return place if place.key is None else Place(tuple(place.key[part] for part in parts), place.backward)
