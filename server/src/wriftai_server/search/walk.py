"""Walks: keys of what is found, stage by stage and tier by tier, from where the last page ended."""

from collections.abc import Sequence

from wriftai_server.http.paging import Key, Place, not_a_cursor
from wriftai_server.search.documents import id_of, number_of
from wriftai_server.search.following import Follower
from wriftai_server.search.hits import Hit
from wriftai_server.search.index import View
from wriftai_server.search.question import Question
from wriftai_server.search.stages import BEGUN, TIERS, Stages, stage_in

_SPARE_HITS = 2
_MOST_HITS_AT_ONCE = 500
_MOST_HITS = 4_000


class IndexStage:
    """The last stage: documents that are found in the tiers of the index.

    Args:
        follower: Has the index.
        asked: What for.
        viewer: Id of who may find private models of theirs.
        users: Whether users are searched, and not models.

    Attributes:
        ended_at: Where a search was given up that found too many documents which are not as the index has them.
    """

    ended_at: Place | None = None

    def __init__(self, follower: Follower, asked: Question, *, viewer: str | None, users: bool) -> None:
        self._follower = follower
        self._asked = asked
        self._viewer = viewer
        self._users = users
        self._most = self._seen = 0

    async def find(
        self, place: Place, *, has_beginnings: bool, is_found: bool, known: Sequence[int], limit: int
    ) -> tuple[list[Key], bool]:
        """Find the keys of documents, from a place on, at least as many as asked for; tell whether those are all.

        Args:
            place: Where to start.
            has_beginnings: Whether there is a stage of beginnings of names, which the keys then say.
            is_found: Whether anything was found before the tiers.
            known: Numbers of that.
            limit: How many are to be found.
        """
        after = None
        if place.key is not None:
            tier, rank, _, document_id = place.key
            after = Hit(int(tier) - TIERS, int(rank), _number_of(str(document_id)))
        self._most = most = min(2 * self._most or limit + _SPARE_HITS, _MOST_HITS_AT_ONCE)

        def find(view: View) -> list[Hit]:
            return view.find(
                self._asked,
                users=self._users,
                viewer=self._viewer,
                after=after,
                backward=place.backward,
                limit=most,
                is_found=is_found,
                known=known,
            )

        hits = await self._follower.look(find) or []
        stages = BEGUN if has_beginnings else ""
        keys: list[Key] = [(TIERS + hit.tier, hit.rank, stages, id_of(hit.number)) for hit in hits]
        self._seen += len(keys)
        if len(keys) == most and self._seen > _MOST_HITS:
            self.ended_at = Place(keys[-1], place.backward)
        return keys, len(keys) < most or self.ended_at is not None


class Walk:
    """Goes through stages, from a place on.

    Args:
        stages: Find what is in all but the last.
        order: Of the stages.
        in_index: The last.
        place: Where to start.
        has_beginnings: Whether there is a stage of beginnings of names, also where it lies behind.
    """

    def __init__(
        self, stages: Stages, order: list[int], in_index: IndexStage, place: Place, *, has_beginnings: bool
    ) -> None:
        self._stages = stages
        self._order = order
        self._in_index = in_index
        self._place = place
        self._has_beginnings = has_beginnings
        self._is_found = place.key is not None and stage_in(place.key) < TIERS
        self._known: list[int] = []

    async def go(self, steps: int) -> list[Key]:
        """Give the keys of what comes next, at least as many as asked for where there are; nothing at the end."""
        keys: list[Key] = []
        while self._order and len(keys) < steps:
            here, is_all = await self._in_stage(self._order[0], limit=steps - len(keys))
            keys += here
            if is_all:
                self._order.pop(0)
            else:
                self._place = Place(here[-1], self._place.backward)
        return keys

    async def _in_stage(self, stage: int, *, limit: int) -> tuple[list[Key], bool]:
        place = self._place
        if place.key is not None and stage_in(place.key) != stage:
            place = Place(None, place.backward)
        if stage == TIERS:
            return await self._in_index.find(
                place,
                has_beginnings=self._has_beginnings,
                is_found=self._is_found,
                known=self._known,
                limit=limit,
            )
        here = await self._stages.find(stage, place, limit=limit)
        self._is_found = self._is_found or bool(here)
        self._known += [number_of(str(key[-1])) for key in here]
        return here, len(here) < limit


def _number_of(document_id: str) -> int:
    try:
        return number_of(document_id)
    except ValueError:
        raise not_a_cursor() from None
