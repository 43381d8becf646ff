"""How PostgreSQL plans what it is asked: once, and by keys."""

import json
from pathlib import Path

from sqlalchemy import select, text

from tests.server.conftest import inside
from tests.server.rows import ADD, on_database
from wriftai.models import ModelsSortBy
from wriftai_server.database.driver import Database
from wriftai_server.database.schema import hardware, models
from wriftai_server.database.statements import Statement, keyset
from wriftai_server.http.paging import Place
from wriftai_server.models import store as models_store
from wriftai_server.models.loading import load
from wriftai_server.search.store import models_by_id

PAGE = Statement(keyset(select(hardware.c.id), [hardware.c.id], descending=False, after=True))
PLANS = (
    "SELECT substring(statement FROM 'LIMIT .*'), custom_plans, generic_plans"
    " FROM pg_prepared_statements WHERE statement LIKE '%LIMIT 11'"
)
SOME_MODELS = Statement(select(models.c.id).order_by(models.c.id).limit(26))
COUNT_NOW = Statement(text("SELECT pg_stat_force_next_flush()"))
SCANS_OF_USERS = Statement(text("SELECT seq_scan FROM pg_stat_user_tables WHERE relid = 'users'::regclass"))


def test_a_page_has_the_length_that_is_asked_for_and_one_of_a_usual_length_is_planned_once(home: Path) -> None:
    async def work(database: Database) -> None:
        ids = [f"{number:04}" for number in range(3_000)]
        async with database.writing() as transaction:
            await transaction.execute_many(ADD, [{"id": each, "identifier": each, "name": ""} for each in ids])
        await database.survey()
        async with database.reading() as view:
            for limit in (0, 1, 10, 11, 12, 26, 99, 101, 102, 2_000):
                found = await view.all(PAGE, key_0="0500", limit=limit)
                assert [row[0] for row in found] == ids[501 : 501 + limit]
            for start in ids[:12]:
                await view.all(PAGE, key_0=start, limit=11)
            plans = await view.all(Statement(text(PLANS)))
        # The first five are by what the values are.
        assert [tuple(row) for row in plans] == [("LIMIT 11", 5, 8)]

    on_database(home, work)


def test_a_page_of_many_that_are_equal_is_planned_once(home: Path) -> None:
    """The server expects one row behind the number that most have, and would plan that anew each time."""
    model = {"hardware_identifier": "cpu", "visibility": "public"}
    lines = [json.dumps({"name": f"m{number}", **model}).encode() for number in range(3_000)]

    async def work(database: Database) -> None:
        async for _ in load(database, lines, owner=owner.name):
            pass
        await database.survey()
        async with database.reading() as view:
            for _ in range(10):
                found = await models_store.page(
                    view,
                    Place((0, "g")),
                    viewer=None,
                    owner_id=None,
                    sort_by=ModelsSortBy.PREDICTION_COUNT,
                    descending=True,
                    limit=11,
                )
                assert len(found) == 11
            plans = await view.all(Statement(text(PLANS.replace("LIMIT 11", "LIMIT 11%"))))
        assert (5, 5) in [tuple(row[1:]) for row in plans]

    with inside(home) as people:
        owner = people.add()
    on_database(home, work)


def test_models_are_found_with_their_owners_and_not_by_a_look_at_all_users(home: Path) -> None:
    """The server would put all users into a table of hashes for each page that a search finds."""
    model = {"hardware_identifier": "cpu", "visibility": "public"}
    names = [{"name": f"m{number}", "owner": f"o{number}"} for number in range(2_000)]
    lines = [json.dumps(each | model).encode() for each in names]

    async def work(database: Database) -> None:
        async for _ in load(database, lines, owner=None, creates_owners=True):
            pass
        await database.survey()
        async with database.reading() as view:
            ids = [row[0] for row in await view.all(SOME_MODELS)]
            scans = []
            for _ in range(10):
                await view.one(COUNT_NOW)
                assert len(await models_by_id(view, ids, viewer=None)) == 26
                scans += await view.all(SCANS_OF_USERS)
        assert {tuple(row) for row in scans} == {tuple(scans[0])}

    with inside(home):
        pass
    on_database(home, work)
