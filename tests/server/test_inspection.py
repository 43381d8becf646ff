"""What may take long is done by a process that is ended, and for callers in turn; what is quick, in place."""

import asyncio
import json
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.databases import run_sql
from tests.server import inspected
from tests.server.conftest import inside
from tests.server.runs import add_runnable, create
from tests.server.samples import add_model, version_params
from wriftai_server.http.problems import Problem
from wriftai_server.inspection.inspector import Inspector

MOST_OF_A_CALLER = 10


def with_inspector(test: Callable[[Inspector], Awaitable[None]]) -> None:
    async def whole() -> None:
        inspector = Inspector()
        try:
            await test(inspector)
        finally:
            await inspector.close()

    before = inspected.programs()
    asyncio.run(whole())
    assert inspected.programs() == before


def test_calls_are_made_in_one_process_of_their_own() -> None:
    async def test(inspector: Inspector) -> None:
        answers = [await inspector.call("ada", inspected.process) for _ in range(3)]
        assert len(set(answers)) == 1
        assert int(answers[0] or b"0") in inspected.programs()

    with_inspector(test)


def test_what_takes_too_long_has_no_answer() -> None:
    async def test(inspector: Inspector) -> None:
        first = await inspector.call("ada", inspected.process)
        assert await inspector.call("ada", inspected.for_ever) is None
        assert await inspector.call("ada", inspected.process) not in (first, None)

    with_inspector(test)


def test_what_takes_too_much_memory_has_no_answer() -> None:
    async def test(inspector: Inspector) -> None:
        assert await inspector.call("ada", inspected.keep, "1100") is None
        assert await inspector.call("ada", inspected.keep, "600") is not None

    with_inspector(test)


def test_nobody_lacks_what_is_kept_of_calls_before() -> None:
    async def test(inspector: Inspector) -> None:
        answers = [await inspector.call(caller, inspected.keep, "600") for caller in ("ada", "bob", "ada")]
        assert len({*answers, None}) == 4

    with_inspector(test)


def test_a_process_that_is_gone_is_replaced() -> None:
    async def test(inspector: Inspector) -> None:
        first = await inspector.call("ada", inspected.process)
        os.kill(int(first or b"0"), signal.SIGKILL)
        assert await inspector.call("ada", inspected.process) not in (first, None)

    with_inspector(test)


def test_callers_are_served_in_turn() -> None:
    async def test(inspector: Inspector) -> None:
        served = []

        async def call(caller: str) -> None:
            await inspector.call(caller, inspected.process)
            served.append(caller)

        await asyncio.gather(*(call(caller) for caller in ["many"] * MOST_OF_A_CALLER + ["few"] * 2 + ["one"]))
        assert served[:6] == ["many", "few", "one", "many", "few", "many"]

    with_inspector(test)


def test_a_caller_with_too_many_calls_waits_before_sending_more() -> None:
    async def test(inspector: Inspector) -> None:
        for _ in range(2):  # When they are answered there is room again.
            callers = ["ada"] * (MOST_OF_A_CALLER + 2) + ["bob"]
            answers = await asyncio.gather(
                *(inspector.call(caller, inspected.process) for caller in callers), return_exceptions=True
            )
            refused = [each for each in answers if isinstance(each, Problem)]
            assert answers[MOST_OF_A_CALLER:-1] == refused
            assert [(each.status, each.headers) for each in refused] == [(429, {"Retry-After": "2"})] * 2
            assert "10 of your inputs and schemas" in refused[0].detail

    with_inspector(test)


def test_who_no_longer_waits_leaves_room() -> None:
    async def test(inspector: Inspector) -> None:
        for _ in range(3):
            tasks = [
                asyncio.create_task(inspector.call("ada", inspected.for_ever)) for _ in range(MOST_OF_A_CALLER)
            ]
            await asyncio.sleep(0)
            for task in tasks:
                task.cancel()
            ends = await asyncio.gather(*tasks, return_exceptions=True)
            assert {type(end) for end in ends} == {asyncio.CancelledError}
        assert await inspector.call("ada", inspected.process) is not None

    with_inspector(test)


OPTIONAL = {"properties": {f"text_{n}": {"anyOf": [{"type": "string"}, {"type": "null"}]} for n in range(20)}}


def nested(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"items": {"type": "boolean"}}
    for _ in range(levels):
        schema = {"oneOf": [schema, {"type": "integer"}]}
    return schema


@pytest.mark.parametrize(
    ("schema", "value", "status", "is_apart"),
    [
        ({"type": "integer"}, 1, 202, False),
        ({"type": "integer"}, "a", 422, False),
        (OPTIONAL, {f"text_{n}": "a" * 50 for n in range(20)}, 202, False),
        (nested(40), [True] * 100, 202, False),
        (nested(40), ["a"] * 100, 422, True),
        ({"enum": [f"choice {n}" for n in range(2000)]}, "choice 1", 202, True),
        ({"multipleOf": 1e-300}, 1e300, 202, True),
        ({"not": {"type": "integer"}}, "a", 202, True),
    ],
)
def test_inputs_are_checked_in_place_where_that_is_quick(
    home: Path, schema: dict[str, Any], value: object, status: int, is_apart: bool
) -> None:
    with inside(home) as people:
        ada = people.add()
        version = add_runnable(ada, home)
        # Stored as it is, so that whatever it takes to compile it has not been done.
        stored = json.dumps({"prediction": {"input": schema, "output": {}}}, separators=(",", ":"))
        run_sql(home, "UPDATE versions SET schemas = ? WHERE id = ?", stored, version["id"])
        path = f"/versions/{version['id']}/predictions"
        before = inspected.programs()
        assert create(ada, path, json={"input": value}).status_code == status
        assert (inspected.programs() > before) is is_apart


@pytest.mark.parametrize(
    ("schema", "status", "is_apart"),
    [
        (OPTIONAL, 201, False),
        ({"type": 1}, 422, False),
        ({"pattern": "^a$"}, 201, True),
        ({"$ref": "#/$defs/a"}, 422, True),
        ({"enum": [f"choice {n}" for n in range(2000)]}, 201, True),
    ],
)
def test_schemas_are_compiled_in_place_where_that_is_quick(
    home: Path, schema: dict[str, Any], status: int, is_apart: bool
) -> None:
    with inside(home) as people:
        ada = people.add()
        path = f"/models/{ada.name}/{add_model(ada)['name']}/versions"
        before = inspected.programs()
        sent = {**version_params(), "schemas": {"prediction": {"input": schema, "output": {}}}}
        assert ada.send("POST", path, json=sent).status_code == status
        assert (inspected.programs() > before) is is_apart
