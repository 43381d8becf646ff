"""Rules for search: what is found first, and from where.

First come those that are called so: `owner/name`, then the name, by SQL, which misses nothing. Then the tiers
of the index, the first of which are names that begin so. While the index is behind, SQL finds beginnings of
names before the tiers. A page is put together from these stages, each in its own order, from where the last
page ended.
"""

from collections.abc import Sequence

from wriftai_server.database.driver import Reader
from wriftai_server.http.caller import Caller
from wriftai_server.http.paging import Cut, Place, cut, not_a_cursor
from wriftai_server.search.documents import id_of, number_of
from wriftai_server.search.following import Follower
from wriftai_server.search.hits import Hit
from wriftai_server.search.index import View
from wriftai_server.search.stages import (
    ADDRESS,
    BEGINNING,
    NAME,
    TIERS,
    Found,
    ModelStages,
    Question,
    Stages,
    UserStages,
    question,
)

KEY_TYPES = (int, int, str, str)

_SPARE_HITS = 2
_MOST_HITS_AT_ONCE = 500
_MOST_HITS = 4_000


async def models(view: Reader, follower: Follower, caller: Caller, q: str, place: Place, *, size: int) -> Cut:
    """Cut a page out of the models that match and that the caller may see."""
    asked = question(q)
    hits = _Hits(follower, asked, viewer=caller.id, users=False)
    return await _page(view, follower, asked, ModelStages(view, asked, caller.id), hits, place, size=size)


async def users(view: Reader, follower: Follower, q: str, place: Place, *, size: int) -> Cut:
    """Cut a page out of the users that match."""
    asked = question(q)
    hits = _Hits(follower, asked, viewer=None, users=True)
    return await _page(view, follower, asked, UserStages(view, asked), hits, place, size=size)


class _Hits:
    """Finds documents in the index.

    Args:
        follower: Has the index.
        asked: What for.
        viewer: Id of who may find private models of theirs.
        users: Whether users are searched, and not models.

    Attributes:
        ended_at: Where a search was given up that found too many documents which are not as the index has them.
    """

    ended_at: Hit | None = None

    def __init__(self, follower: Follower, asked: Question, *, viewer: str | None, users: bool) -> None:
        self._follower = follower
        self._search = asked.search
        self._viewer = viewer
        self._users = users

    async def find(
        self, stages: Stages, place: Place, *, begun: bool, is_found: bool, known: Sequence[int], limit: int
    ) -> list[Found]:
        """Find rows, from a place on.

        Args:
            stages: Have the rows.
            place: Where to start.
            begun: Whether those whose names begin so were found before.
            is_found: Whether anything was.
            known: Numbers of what was found on this page.
            limit: How many at most.
        """
        after = None
        if place.key is not None:
            tier, rank, _, document_id = place.key
            after = Hit(int(tier) - TIERS, int(rank), _number_of(str(document_id)))
        found: list[Found] = []
        most, seen = limit + _SPARE_HITS, 0
        while len(found) < limit:
            hits = await self._look(after, backward=place.backward, limit=most, is_found=is_found, known=known)
            ids = [id_of(hit.number) for hit in hits]
            rows = await stages.rows(ids, begun=begun)
            found += [
                Found((TIERS + hit.tier, hit.rank, "", each), rows[each])
                for hit, each in zip(hits, ids, strict=True)
                if each in rows
            ]
            if len(hits) < most:
                break
            after, seen, most = hits[-1], seen + len(hits), min(2 * most, _MOST_HITS_AT_ONCE)
            if seen > _MOST_HITS and len(found) < limit:
                self.ended_at = after
                break
        return found[:limit]

    async def _look(
        self, after: Hit | None, *, backward: bool, limit: int, is_found: bool, known: Sequence[int]
    ) -> list[Hit]:
        def find(view: View) -> list[Hit]:
            return view.find(
                self._search,
                users=self._users,
                viewer=self._viewer,
                after=after,
                backward=backward,
                limit=limit,
                is_found=is_found,
                known=known,
            )

        return await self._follower.look(find) or []


async def _page(
    view: Reader, follower: Follower, asked: Question, stages: Stages, hits: _Hits, place: Place, *, size: int
) -> Cut:
    at = None if place.key is None else min(int(place.key[0]), TIERS)
    begun = asked.is_empty or at == BEGINNING or not await follower.catch_up(view)
    order = [BEGINNING] if asked.is_empty else [ADDRESS, NAME, *([BEGINNING] if begun else []), TIERS]
    found: list[Found] = []
    for stage in reversed(order) if place.backward else order:
        if at is not None and (stage > at if place.backward else stage < at):
            continue
        here = place if stage == at else Place(None, place.backward)
        left = size + 1 - len(found)
        if stage == TIERS:
            is_found = bool(found) or (at is not None and at < TIERS)
            known = [number_of(each.row[0]) for each in found]
            found += await hits.find(stages, here, begun=begun, is_found=is_found, known=known, limit=left)
            if hits.ended_at is not None:
                break
        else:
            found += await stages.find(stage, here, limit=left)
        if len(found) > size:
            break
    return _cut(found, place, size, hits.ended_at)


def _cut(found: list[Found], place: Place, size: int, ended_at: Hit | None) -> Cut:
    keys = {found_one.row[0]: found_one.key for found_one in found}
    page = cut([found_one.row for found_one in found], place, size, lambda row: keys[row[0]])
    if ended_at is None:
        return page
    onward = Place((TIERS + ended_at.tier, ended_at.rank, "", id_of(ended_at.number)), place.backward)
    return page._replace(preceding=onward) if place.backward else page._replace(following=onward)


def _number_of(document_id: str) -> int:
    try:
        return number_of(document_id)
    except ValueError:
        raise not_a_cursor() from None
