"""Rules for search: which stages an answer has, and how a page is cut from them.

1. Exact names, by SQL, which misses nothing: of models `owner/name`, or else the name; of users the username.
2. Prefixes of names, by SQL: while the index is behind, and of names beyond the prefixes that it holds.
3. The tiers of the index, of which the first are prefixes of names, too.

A place in an answer is a stage, a place in the order of that stage, and an id, so that a page begins where the
last one ended. A view of the database is open while rows are read, and not while the index is, which may take
longer.
"""

from wriftai_server.database.driver import Database
from wriftai_server.http.caller import Caller
from wriftai_server.http.paging import Cut, Place, cut, not_a_cursor
from wriftai_server.search.indexer import Indexer
from wriftai_server.search.query import ParsedQuery, parse
from wriftai_server.search.results import Results
from wriftai_server.search.stages import (
    AFTER_PREFIX_STAGE,
    FULL_NAME,
    NAME,
    PREFIX,
    TIERS,
    IndexStage,
    ModelStages,
    PlacedRow,
    Stages,
    UserStages,
    stage_in,
)

KEY_TYPES = (int, int, str, str)
# Change it with whatever changes which stages and tiers there are: a cursor from before would lead elsewhere.
ORDER_VERSION = 2


async def models(database: Database, indexer: Indexer, caller: Caller, q: str, place: Place, *, size: int) -> Cut:
    """Cut a page from the models that match and that the caller may see."""
    query = parse(q)
    index_stage = IndexStage(indexer, query, viewer=caller.id, users=False)
    return await _page(indexer, query, ModelStages(database, query, caller.id), index_stage, place, size=size)


async def users(database: Database, indexer: Indexer, q: str, place: Place, *, size: int) -> Cut:
    """Cut a page from the users that match."""
    query = parse(q)
    index_stage = IndexStage(indexer, query, viewer=None, users=True)
    return await _page(indexer, query, UserStages(database, query), index_stage, place, size=size)


async def _page(
    indexer: Indexer,
    query: ParsedQuery,
    stages: Stages,
    index_stage: IndexStage,
    place: Place,
    *,
    size: int,
) -> Cut:
    key = place.key
    at = None if key is None else stage_in(key)
    has_prefix_stage = query.is_empty or not await indexer.catch_up() or query.is_long or at == PREFIX
    if key is not None and at == TIERS:
        # As it was for the page before, whatever the index is like by now.
        has_prefix_stage = key[2] == AFTER_PREFIX_STAGE
    order = [PREFIX] if query.is_empty else [FULL_NAME, NAME, *([PREFIX] if has_prefix_stage else []), TIERS]
    if place.backward:
        order.reverse()
    if at is not None:
        if at not in order:
            # Made up: looking for what is not there would go through all models.
            raise not_a_cursor()
        order = [stage for stage in order if (stage <= at if place.backward else stage >= at)]
    results = Results(stages, order, index_stage, place, has_prefix_stage=has_prefix_stage)
    found: list[PlacedRow] = []
    while len(found) <= size and (keys := await results.next_keys(size + 1 - len(found))):
        found += await stages.rows(keys, has_prefix_stage=has_prefix_stage)
    return _cut(found, place, size, index_stage.ended_at)


def _cut(found: list[PlacedRow], place: Place, size: int, ended_at: Place | None) -> Cut:
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
