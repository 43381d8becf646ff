"""Inputs of predictions: what is needed of them, how they are checked, and how long they may be."""

import json
import random
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.databases import run_sql
from tests.hubs import Hub
from tests.server.conftest import inside
from tests.server.people import People, Person
from tests.server.runs import add_runnable, add_runnable_version, create
from tests.server.samples import doubled
from wriftai_server.app import MAX_BODY_BYTES

NUMBER = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}, "required": ["n"]}


@pytest.fixture
def version(ada: Person, folder: Path) -> dict[str, Any]:
    """Add a private model with a version that can run."""
    return add_runnable(ada, folder)


def test_an_input_is_needed(ada: Person, version: dict[str, Any]) -> None:
    reply = create(ada, f"/versions/{version['id']}/predictions", json={})
    assert reply.status_code == 422
    assert [fault["loc"] for fault in reply.json()["detail"]] == [["body", "input"]]


def test_inputs_have_a_limit_of_their_own(tmp_path: Path) -> None:
    longest, longer = MAX_BODY_BYTES, 2 * MAX_BODY_BYTES
    with inside(tmp_path / "data", max_input_bytes=longer) as people:
        ada = people.add()
        path = f"/versions/{add_runnable(ada, tmp_path / 'data')['id']}/predictions"
        assert create(ada, path, json={"input": "a" * longest}).status_code == 202
        reply = create(ada, path, json={"input": "a" * longer})
        assert (reply.status_code, reply.json()) == (413, {"detail": "The body is too large."})
        assert ada.send("POST", "/models", json={"name": "a" * longest}).status_code == 413


def test_an_input_that_does_not_fit_is_refused_with_every_fault(ada: Person, folder: Path) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"items": {"maximum": 3}}}}
    version = add_runnable(ada, folder, schema=schema)
    reply = create(ada, f"/versions/{version['id']}/predictions", json={"input": {"a": "x", "b": [1, 5]}})
    assert reply.status_code == 422
    assert sorted(reply.json()["detail"], key=lambda fault: fault["loc"]) == [
        {"loc": ["body", "input", "a"], "msg": '"x" is not of type "integer".', "type": "input_invalid"},
        {"loc": ["body", "input", "b", 1], "msg": "5 is greater than the maximum of 3.", "type": "input_invalid"},
    ]
    assert ada.client.predictions.list().items == []


def test_what_is_said_of_a_bad_input_is_not_as_long_as_the_input(ada: Person, folder: Path) -> None:
    version = add_runnable(ada, folder, schema={"items": {"type": "integer"}})
    reply = create(ada, f"/versions/{version['id']}/predictions", json={"input": ["a" * 10_000] * 300})
    assert reply.status_code == 422
    assert {fault["msg"] for fault in reply.json()["detail"]} == {'This value is not of type "integer".'}
    assert len(reply.json()["detail"]) == 20


# Of each part something else has to be remembered, so that a search takes several times as long as it may.
SLOW = "a[ac]{300}[bd]"
MUCH = "".join(
    "b" if place % 290 == 289 else sign for place, sign in enumerate(random.Random(1).choices("ac", k=4_000_000))
)
FOLDED = {f"a{n}": {"allOf": [{"$ref": f"#/$defs/a{n + 1}"}] * 2} for n in range(60)} | {"a60": {}}


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"$ref": "#/$defs/a0", "$defs": FOLDED}, {}),
        ({"pattern": SLOW}, MUCH),
    ],
)
def test_an_input_that_takes_too_long_to_check_is_refused(
    ada: Person, folder: Path, schema: dict[str, Any], value: object
) -> None:
    path = f"/versions/{add_runnable(ada, folder, schema=schema)['id']}/predictions"
    reply = create(ada, path, json={"input": value})
    assert reply.status_code == 422
    (fault,) = reply.json()["detail"]
    assert (fault["loc"], fault["type"]) == (["body", "input"], "input_too_costly")
    assert create(ada, path, json={"input": value}, headers={"Validate-Input": "false"}).status_code == 202


def test_a_schema_that_was_stored_before_it_had_limits_is_given_up(ada: Person, folder: Path) -> None:
    version = add_runnable(ada, folder)
    stored = json.dumps({"prediction": {"input": doubled(24), "output": {}}}, separators=(",", ":"))
    run_sql(folder, "UPDATE versions SET schemas = ? WHERE id = ?", stored, version["id"])
    path = f"/versions/{version['id']}/predictions"
    reply = create(ada, path, json={"input": {}})
    assert reply.status_code == 422
    (fault,) = reply.json()["detail"]
    assert (fault["loc"], fault["type"]) == (["body", "input"], "input_too_costly")
    assert create(ada, path, json={"input": {}}, headers={"Validate-Input": "false"}).status_code == 202


def test_an_input_that_may_take_long_to_check_is_checked(ada: Person, folder: Path) -> None:
    schema = {
        "properties": {"a": {"pattern": "^b+$"}, "c": {"$ref": "#/$defs/c"}},
        "$defs": {"c": {"minimum": 2}},
    }
    path = f"/versions/{add_runnable(ada, folder, schema=schema)['id']}/predictions"
    assert create(ada, path, json={"input": {"a": "bbb", "c": 2}}).status_code == 202
    reply = create(ada, path, json={"input": {"a": "bcb", "c": 1}})
    assert reply.status_code == 422
    assert sorted(fault["loc"][-1] for fault in reply.json()["detail"]) == ["a", "c"]


def test_an_input_is_checked_against_the_version_that_runs_though_that_came_meanwhile(
    shared_people: People, shared_hub: Hub
) -> None:
    ada, bob, folder = shared_people.add(), shared_people.add(), shared_hub.data_dir
    slow = add_runnable(bob, folder, schema={"pattern": SLOW})
    before = add_runnable(ada, folder, schema={"properties": {"a": {"pattern": "^b+$"}}})
    path = f"/models/{ada.name}/{before['model']['name']}/predictions"
    with ThreadPoolExecutor(2) as callers:
        first = callers.submit(create, bob, f"/versions/{slow['id']}/predictions", json={"input": MUCH})
        time.sleep(0.3)
        reply = callers.submit(create, ada, path, json={"input": {"a": "b"}})
        time.sleep(0.3)  # It waits for the one before it to be checked.
        add_runnable_version(ada, folder, before["model"], schema={"type": "string"})
    assert first.result().status_code == 422
    assert reply.result().status_code == 422 or reply.result().json()["version_id"] == before["id"]


@pytest.mark.parametrize(
    ("header", "status"), [("true", 422), ("false", 202), ("False", 202), (None, 422), ("perhaps", 422)]
)
def test_an_input_is_checked_unless_the_caller_says_otherwise(
    ada: Person, folder: Path, header: str | None, status: int
) -> None:
    version = add_runnable(ada, folder, schema=NUMBER)
    headers = {} if header is None else {"Validate-Input": header}
    path = f"/versions/{version['id']}/predictions"
    reply = create(ada, path, json={"input": {"n": 0}}, headers=headers)
    assert reply.status_code == status
    if header == "perhaps":
        assert reply.json()["detail"][0]["loc"] == ["header", "Validate-Input"]
    assert create(ada, path, json={"input": {"n": 1}}).status_code == 202
