"""Calling a model on a hub: what is shown of a prediction that is followed."""

import json
from typing import Any

import pytest

from tests.client.cli.command import Outcome, invoke
from tests.client.servers import SocketServer, Visit, http

WORDS = {"x-cog-array-display": "concatenate"}
PENDING = {"id": "p1", "status": "pending"}
ENDED = {**PENDING, "status": "succeeded", "output": ["a ", "b"], "error": None}
LOST = [("1-1", "log", "one"), ("1-2", "output", "a "), ("1-3", "output", "x")]
KEPT = [("2-1", "output", "a "), ("2-2", "output", "b"), ("2-3", "done", ENDED)]


def followed(schema: dict[str, Any], *events: tuple[str, str, Any]) -> Outcome:
    """Call a model on a hub that tells these events."""
    told = "".join(f"id: {id_}\nevent: {kind}\ndata: {json.dumps(data)}\n\n" for id_, kind, data in events)
    version = {"id": "v1", "schemas": {"prediction": {"input": {}, "output": schema}}}
    bodies = [json.dumps(version), json.dumps(PENDING), told, json.dumps(ENDED)]
    kinds = ["application/json", "application/json", "text/event-stream", "application/json"]

    def script(visit: Visit) -> None:
        while visit.read_request():
            number = len(visit.host.requests) - 1
            visit.send(http(bodies[number].encode(), f"Content-Type: {kinds[number]}"))

    with SocketServer(script) as server:
        return invoke(
            "predict",
            "ada/words:1",
            "--stream",
            WRIFTAI_API_BASE_URL=f"{server.address}/v1",
            WRIFTAI_ACCESS_TOKEN="secret",
        )


@pytest.mark.parametrize(("schema", "shown"), [(WORDS, "a x\na b\n"), ({}, 'a \nx\n[\n  "a ",\n  "b"\n]\n')])
def test_the_output_is_shown_whole_when_a_prediction_began_anew(schema: dict[str, Any], shown: str) -> None:
    done = followed(
        schema, ("0-0", "init", PENDING), ("1-0", "init", PENDING), *LOST, ("2-0", "init", PENDING), *KEPT
    )
    assert (done.status, done.stdout) == (0, shown)
    assert done.stderr == "one\nThe prediction began anew: its output is shown when it is whole.\n"


def test_a_prediction_that_begins_has_not_begun_anew() -> None:
    done = followed(WORDS, ("0-0", "init", PENDING), ("1-0", "init", PENDING), *KEPT)
    assert (done.status, done.stdout, done.stderr) == (0, "a b\n", "")
