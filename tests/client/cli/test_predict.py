"""Calling a model on a hub: what is shown of a prediction that is followed, or that is left."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
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


VERSION = {"id": "v1", "schemas": {"prediction": {"input": {}, "output": {}}}}
CANCELLED = "Cancelled the prediction p1.\n"
GOES_ON = "The prediction p1 was not cancelled and may go on: "


def interrupted(*options: str, answer: bytes = http(b"null"), again: bool = False) -> tuple[Outcome, list[str]]:
    """Press Ctrl-C while a prediction is under way; give how the command ended, and what it asked for.

    Args:
        options: Of the command.
        answer: To the wish to cancel.
        again: Whether Ctrl-C is pressed a second time, instead of an answer.
    """
    process: list[subprocess.Popen[str]] = []

    def script(visit: Visit) -> None:
        while request := visit.read_request():
            if b"/versions/1 " in request:
                visit.send(http(json.dumps(VERSION).encode()))
            elif b"/cancel " in request and not again:
                visit.send(answer)
            elif request.startswith(b"POST /v1/versions/v1/predictions "):
                visit.send(http(json.dumps(PENDING).encode()))
            else:
                process[0].send_signal(signal.SIGINT)

    with SocketServer(script) as server:
        variables = {"WRIFTAI_API_BASE_URL": f"{server.address}/v1", "WRIFTAI_ACCESS_TOKEN": "secret"}
        command = [str(Path(sys.executable).with_name("wriftai")), "predict", "ada/words:1", *options]
        process += [
            subprocess.Popen(
                command,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env={**os.environ, **variables},
            )
        ]
        stdout, stderr = process[0].communicate(timeout=60)
        asked = [request.partition(b" HTTP")[0].decode() for request in server.requests]
        return Outcome(process[0].returncode, stdout, stderr), asked


@pytest.mark.parametrize("options", [[], ["--stream"]])
def test_ctrl_c_cancels_the_prediction_and_says_so(options: list[str]) -> None:
    done, asked = interrupted(*options)
    assert done == (130, "", CANCELLED)
    assert asked[-1] == "POST /v1/predictions/p1/cancel"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (http(b'{"detail": "It has ended."}', status="409 Conflict"), "It has ended.\n"),
        (http(b'{"detail": "Enough."}', "Retry-After: 0", status="429 Too Many"), "Enough.\n"),
        (http(b"<html>"), "http://127.0.0.1"),
    ],
)
def test_a_prediction_that_ctrl_c_cannot_cancel_is_named(answer: bytes, said: str) -> None:
    done, _ = interrupted(answer=answer)
    assert (done.status, done.stdout) == (130, "")
    assert done.stderr.startswith(GOES_ON + said)


def test_a_second_ctrl_c_does_not_wait_for_the_hub() -> None:
    done, _ = interrupted(again=True)
    assert done == (130, "", f"{GOES_ON}Ctrl-C was pressed again.\n")


NAMED = "The prediction p1 is still pending: no worker of the hub has taken it yet.\n"


def waited(monkeypatch: pytest.MonkeyPatch, *options: str, **variables: str) -> Outcome:
    """Call a model on a hub whose worker takes its time."""
    monkeypatch.setattr("wriftai.cli.predict._SECONDS_UNTIL_NAMED", 0.2)
    monkeypatch.setattr("wriftai.cli.predict._SECONDS_OF_A_LOOK", 0)
    ended = {**ENDED, "output": "done", "logs": None}
    told = (("0-0", "init", PENDING), ("1-0", "init", {**PENDING, "status": "started"}), ("1-1", "done", ended))
    events = [f"id: {id_}\nevent: {kind}\ndata: {json.dumps(data)}\n\n" for id_, kind, data in told]
    looks = 0

    def script(visit: Visit) -> None:
        nonlocal looks
        while request := visit.read_request():
            if b"/versions/1 " in request:
                visit.send(http(json.dumps(VERSION).encode()))
            elif b"/stream " in request:
                time.sleep(0.5)
                visit.send(http("".join(events).encode(), "Content-Type: text/event-stream"))
            elif request.startswith(b"GET"):
                looks += 1
                time.sleep(0.1)
                visit.send(http(json.dumps(ended if looks > 4 or options else PENDING).encode()))
            else:
                visit.send(http(json.dumps(PENDING).encode()))

    with SocketServer(script) as server:
        return invoke(
            "predict",
            "ada/words:1",
            *options,
            WRIFTAI_API_BASE_URL=f"{server.address}/v1",
            WRIFTAI_ACCESS_TOKEN="secret",
            **variables,
        )


@pytest.mark.parametrize("options", [[], ["--stream"]])
def test_a_prediction_that_no_worker_takes_is_named_once(
    monkeypatch: pytest.MonkeyPatch, options: list[str]
) -> None:
    assert waited(monkeypatch, *options) == (0, "done\n", NAMED)


def test_on_a_terminal_it_is_named_on_a_line_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    stderr = waited(monkeypatch, FORCE_COLOR="1", TERM="xterm").stderr
    assert "Waiting for a worker" in stderr
    assert f"\r\x1b[2K{NAMED}" in stderr
