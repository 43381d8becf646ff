"""A database that is away for a while: what needs it says so once, and once when it goes on."""

import asyncio
import json
import time
from pathlib import Path

import pytest

from tests.databases import address_of, run_sql
from tests.hubs import Hub, running
from tests.server.rows import FIND
from wriftai_server.database.driver import DatabaseUnavailable
from wriftai_server.database.postgres import PostgresDatabase

WAITS = ["index waits", "the queue waits"]
GOES_ON = ["index goes on", "the queue goes on"]
TABLES = ("feed", "predictions")
SEVERAL_TURNS = 2.5


def said(hub: Hub) -> list[tuple[str, str]]:
    """Give what was logged of waiting: levels and events, in the order of events."""
    lines = [json.loads(line) for line in hub.log.read_bytes().split(b"\n")[:-1]]
    return sorted((line["event"], line["level"]) for line in lines if line["event"] in (*WAITS, *GOES_ON))


def until_said(hub: Hub, events: list[str]) -> None:
    for _ in range(600):
        if {event for event, _ in said(hub)} >= set(events):
            return
        time.sleep(0.05)
    raise AssertionError(hub.log.read_text())


def test_an_idle_hub_says_once_what_waits_and_once_that_it_goes_on(home: Path) -> None:
    address = address_of(home)
    with running(home, *([] if address is None else ["--database", address])) as hub:
        for name in TABLES:
            run_sql(home, f"ALTER TABLE {name} RENAME TO {name}_elsewhere")
        until_said(hub, WAITS)
        time.sleep(SEVERAL_TURNS)
        for name in TABLES:
            run_sql(home, f"ALTER TABLE {name}_elsewhere RENAME TO {name}")
        until_said(hub, GOES_ON)
    assert said(hub) == sorted(
        [*((event, "warning") for event in WAITS), *((event, "info") for event in GOES_ON)]
    )


async def _look(address: str) -> None:
    database = PostgresDatabase(address)
    try:
        async with database.reading() as view:
            await view.one(FIND, id="a")
    finally:
        await database.close()


def test_the_reason_names_the_server_that_cannot_be_reached() -> None:
    with pytest.raises(DatabaseUnavailable, match=r"ada@127\.0\.0\.1:1/hub cannot be reached") as caught:
        asyncio.run(_look("postgresql://ada:secret@127.0.0.1:1/hub"))
    assert "secret" not in str(caught.value)
