"""Results: keys of what is found, stage after stage, from where the last page ended."""

from wriftai_server.http.paging import Key, Place
from wriftai_server.search.documents import number_of
from wriftai_server.search.stages import TIERS, IndexStage, Stages, stage_in


class Results:
    """Walks through the stages of an answer.

    Args:
        stages: Finds the keys of all stages but the last.
        order: Stages to walk through, in that order.
        index_stage: Finds the keys of the last.
        place: Where to start.
        has_prefix_stage: Whether there is a stage of prefixes of names, also where the place is behind it.
    """

    def __init__(
        self, stages: Stages, order: list[int], index_stage: IndexStage, place: Place, *, has_prefix_stage: bool
    ) -> None:
        self._stages = stages
        self._order = order
        self._index_stage = index_stage
        self._place = place
        self._has_prefix_stage = has_prefix_stage
        self._found_earlier = place.key is not None and stage_in(place.key) < TIERS
        self._exclude: list[int] = []

    async def next_keys(self, count: int) -> list[Key]:
        """Give the next keys, at least so many as long as there are; none at the end."""
        keys: list[Key] = []
        while self._order and len(keys) < count:
            here, is_all = await self._keys_in(self._order[0], limit=count - len(keys))
            keys += here
            if is_all:
                self._order.pop(0)
            else:
                self._place = Place(here[-1], self._place.backward)
        return keys

    async def _keys_in(self, stage: int, *, limit: int) -> tuple[list[Key], bool]:
        place = self._place
        if place.key is not None and stage_in(place.key) != stage:
            place = Place(None, place.backward)
        if stage == TIERS:
            return await self._index_stage.find(
                place,
                has_prefix_stage=self._has_prefix_stage,
                found_earlier=self._found_earlier,
                exclude=self._exclude,
                limit=limit,
            )
        here = await self._stages.find(stage, place, limit=limit)
        self._found_earlier = self._found_earlier or bool(here)
        self._exclude += [number_of(str(key[-1])) for key in here]
        return here, len(here) < limit
