"""Rules for search: what is found first, and from where.

First come those that are called so: `owner/name`, then the name, by SQL, which misses nothing. Then the tiers
of the index, the first of which are names that begin so. While the index is behind, SQL finds beginnings of
names before the tiers; of long ones always, as the index has only a part of them. A page is put together from
these stages, each in its own order, from where the last page ended. A view of the database is open while it is
read, and not while the index is, which may take longer.
"""

from wriftai_server.database.driver import Database
from wriftai_server.http.caller import Caller
from wriftai_server.http.paging import Cut, Place, cut, not_a_cursor
from wriftai_server.search.following import Follower
from wriftai_server.search.question import Question, question
from wriftai_server.search.stages import (
    ADDRESS,
    BEGINNING,
    BEGUN,
    NAME,
    TIERS,
    Found,
    ModelStages,
    Stages,
    UserStages,
    stage_in,
)
from wriftai_server.search.walk import IndexStage, Walk

KEY_TYPES = (int, int, str, str)
# Change it with whatever changes which stages and tiers there are: a cursor from before would lead elsewhere.
ORDER = 2


async def models(
    database: Database, follower: Follower, caller: Caller, q: str, place: Place, *, size: int
) -> Cut:
    """Cut a page out of the models that match and that the caller may see."""
    asked = question(q)
    in_index = IndexStage(follower, asked, viewer=caller.id, users=False)
    return await _page(follower, asked, ModelStages(database, asked, caller.id), in_index, place, size=size)


async def users(database: Database, follower: Follower, q: str, place: Place, *, size: int) -> Cut:
    """Cut a page out of the users that match."""
    asked = question(q)
    in_index = IndexStage(follower, asked, viewer=None, users=True)
    return await _page(follower, asked, UserStages(database, asked), in_index, place, size=size)


async def _page(
    follower: Follower,
    asked: Question,
    stages: Stages,
    in_index: IndexStage,
    place: Place,
    *,
    size: int,
) -> Cut:
    key = place.key
    at = None if key is None else stage_in(key)
    has_beginnings = asked.is_empty or not await follower.catch_up() or asked.is_long or at == BEGINNING
    if key is not None and at == TIERS:
        # As it was for the page before, whatever the index is like by now.
        has_beginnings = key[2] == BEGUN
    order = [BEGINNING] if asked.is_empty else [ADDRESS, NAME, *([BEGINNING] if has_beginnings else []), TIERS]
    if place.backward:
        order.reverse()
    if at is not None:
        if at not in order:
            # Made up: looking for what is not there would go through all models.
            raise not_a_cursor()
        order = [stage for stage in order if (stage <= at if place.backward else stage >= at)]
    walk = Walk(stages, order, in_index, place, has_beginnings=has_beginnings)
    found: list[Found] = []
    while len(found) <= size and (keys := await walk.go(size + 1 - len(found))):
        found += await stages.rows(keys, has_beginnings=has_beginnings)
    return _cut(found, place, size, in_index.ended_at)


def _cut(found: list[Found], place: Place, size: int, ended_at: Place | None) -> Cut:
    keys = {found_one.row[0]: found_one.key for found_one in found}
    rows = [found_one.row for found_one in found[: size + 1]]
    page = cut(rows, place, size, lambda row: keys[row[0]])
    if ended_at is None or len(rows) > size:
        return page
    behind = page.following if place.backward else page.preceding
    if behind is not None and not rows:
        # From the end, as where nothing is left, it would lead to others.
        behind = Place(ended_at.key, not place.backward)
    return Cut(page.rows, behind, ended_at) if place.backward else Cut(page.rows, ended_at, behind)
