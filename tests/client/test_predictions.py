"""Running a model, and waiting for the end of it."""

from typing import Any

import pytest

from tests.client.clock import Clock
from tests.client.scripted import RecordingAPI, Reply, ScriptedHub
from tests.client.sides import Side
from wriftai import ConflictError, NotFoundError
from wriftai.predictions import (
    DEFAULT_ASYNC_WAIT_OPTIONS,
    DEFAULT_WAIT_OPTIONS,
    AsyncWaitOptions,
    Predictions,
    Status,
    WaitOptions,
)

RUN: Any = {"input": {"n": 1}}
ENDS = ["succeeded", "failed", "cancelled", "expired", "a status of a later hub"]


def state(status: str, **more: Any) -> dict[str, Any]:
    return {"id": "p1", "status": status, "output": None, **more}


def made(*answers: Any) -> tuple[RecordingAPI, Predictions]:
    recorder = RecordingAPI(*answers)
    api: Any = recorder
    return recorder, Predictions(api)


@pytest.mark.parametrize(
    "target",
    [
        {},
        {"model": None, "version_id": None},
        {"model": "ada/resnet", "version_id": "v1"},
        {"model": "", "version_id": ""},
    ],
)
def test_exactly_one_of_model_and_version_is_run(side: Side, target: dict[str, Any]) -> None:
    recorder, predictions = made()
    with pytest.raises(TypeError) as caught:
        side.call(predictions.create, RUN, **target)
    assert str(caught.value) == "Either a version_id or model must be provided."
    assert recorder.sent == []


def test_wait_options_that_are_a_dict_are_refused_before_any_request(side: Side) -> None:
    recorder, predictions = made()
    options: Any = {"poll_interval": 1, "timeout": 2}
    kind = type(side.wait_options()).__name__
    said = f"Wait options are no dict: give {kind}(poll_interval=1.0, on_poll=None)."
    with pytest.raises(TypeError) as of_wait:
        side.call(predictions.wait, "p1", options)
    with pytest.raises(TypeError) as of_create:
        side.call(predictions.create, RUN, "ada/resnet", wait=True, wait_options=options)
    assert [str(of_wait.value), str(of_create.value)] == [said, said]
    assert recorder.sent == []


MALFORMED = ["", "/", "ada", "ada/", "/resnet", "ada/resnet/extra", "ada//resnet", "ada/resnet/", "/ada/resnet"]
BLANK = [
    " ",
    " / ",
    "ada / resnet",
    " ada/resnet",
    "ada/resnet ",
    "ada/res net",
    "ada/\t",
    "ada/resnet\n",
    "\u3000/x",
]


@pytest.mark.parametrize("model", MALFORMED + BLANK, ids=ascii)
def test_a_malformed_model_is_refused(side: Side, model: str) -> None:
    recorder, predictions = made()
    with pytest.raises(ValueError, match=r"^Model must be in owner/name format\.$"):
        side.call(predictions.create, RUN, model)
    assert recorder.sent == []


@pytest.mark.parametrize("model", ["ada/resnet:1", "ada/resnet:latest", "ada/resnet:"])
def test_a_model_with_the_number_of_a_version_is_refused_with_what_to_give(side: Side, model: str) -> None:
    recorder, predictions = made()
    with pytest.raises(ValueError, match=r"^Model must be in owner/name format\. Give the version_id to run one"):
        side.call(predictions.create, RUN, model)
    assert recorder.sent == []


@pytest.mark.parametrize(
    ("model", "path"),
    [
        ("ada/resnet", "/models/ada/resnet/predictions"),
        ("../name", "/models/%2E%2E/name/predictions"),
        ("ada/..", "/models/ada/%2E%2E/predictions"),
        ("ada/a%2Fb", "/models/ada/a%252Fb/predictions"),
        ("ada/grün", "/models/ada/gr%C3%BCn/predictions"),
    ],
)
def test_a_model_is_taken_apart_and_quoted(side: Side, model: str, path: str) -> None:
    recorder, predictions = made(state("pending"))
    side.call(predictions.create, RUN, model)
    assert recorder.sent[0].path == path


def test_a_version_is_quoted(side: Side) -> None:
    recorder, predictions = made(state("pending"))
    side.call(predictions.create, RUN, version_id="../v1")
    assert recorder.sent[0].path == "/versions/..%2Fv1/predictions"


@pytest.mark.parametrize(("given", "sent"), [(True, "true"), (False, "false"), (None, None)])
def test_validation_of_the_input_travels_as_a_header(side: Side, given: bool | None, sent: str | None) -> None:
    hub = ScriptedHub(Reply(state("pending")))
    params: Any = {**RUN, "validate_input": given}
    side.call(hub.client().predictions.create, params, "ada/resnet")
    assert hub.requests[0].headers.get("validate-input") == sent
    assert hub.bodies == [RUN]
    assert params == {**RUN, "validate_input": given}


def test_a_prediction_is_created_without_waiting_unless_asked(side: Side) -> None:
    recorder, predictions = made(state("pending"))
    assert side.call(predictions.create, RUN, "ada/resnet") == state("pending")
    assert len(recorder.sent) == 1


@pytest.mark.parametrize("end", ENDS)
def test_creating_and_waiting_gives_the_final_state(side: Side, clock: Clock, end: str) -> None:
    recorder, predictions = made(state("pending"), state("started"), state(end, output=1))
    assert side.call(predictions.create, RUN, "ada/resnet", wait=True) == state(end, output=1)
    assert [(sent.method, sent.path) for sent in recorder.sent] == [
        ("POST", "/models/ada/resnet/predictions"),
        ("GET", "/predictions/p1"),
        ("GET", "/predictions/p1"),
    ]
    assert clock.slept == [1.0]


@pytest.mark.parametrize("end", ENDS)
def test_a_prediction_that_ended_at_once_is_not_looked_at_again(side: Side, clock: Clock, end: str) -> None:
    recorder, predictions = made(state(end))
    seen: list[Any] = []
    options = side.wait_options(on_poll=seen.append)
    result = side.call(predictions.create, RUN, version_id="v1", wait=True, wait_options=options)
    assert result == state(end)
    assert seen == [state(end)]
    assert len(recorder.sent) == 1
    assert clock.slept == []


def test_a_prediction_that_ended_at_once_needs_nobody_to_be_told(side: Side) -> None:
    _, predictions = made(state("succeeded"))
    assert side.call(predictions.create, RUN, "ada/resnet", wait=True) == state("succeeded")


@pytest.mark.parametrize("end", ENDS)
def test_waiting_looks_at_once_and_until_the_end(side: Side, clock: Clock, end: str) -> None:
    recorder, predictions = made(state("pending"), state("started"), state("started"), state(end))
    seen: list[Any] = []
    options = side.wait_options(poll_interval=0.25, on_poll=seen.append)
    assert side.call(predictions.wait, "p1", options) == state(end)
    assert [given["status"] for given in seen] == ["pending", "started", "started", end]
    assert [(sent.method, sent.path) for sent in recorder.sent] == [("GET", "/predictions/p1")] * 4
    assert clock.slept == [0.25] * 3


def test_waiting_for_what_has_ended_takes_one_look(side: Side, clock: Clock) -> None:
    recorder, predictions = made(state("failed"))
    assert side.call(predictions.wait, "p1") == state("failed")
    assert len(recorder.sent) == 1
    assert clock.slept == []


def test_waiting_looks_every_second_by_default(side: Side, clock: Clock) -> None:
    _, predictions = made(state("pending"), state("succeeded"))
    side.call(predictions.wait, predictionID="p1")
    assert clock.slept == [1.0]


def test_waiting_may_last_longer_than_a_single_call(side: Side, clock: Clock) -> None:
    pending = [Reply(state("pending"))] * 30
    hub = ScriptedHub(*pending, Reply(state("succeeded")))
    side.call(hub.client().predictions.wait, "p1")
    assert clock.skipped == 30


def test_an_error_of_the_callback_ends_the_wait(side: Side) -> None:
    def fail(_: Any) -> None:
        raise LookupError("from the callback")

    recorder, predictions = made(state("pending"))
    with pytest.raises(LookupError, match="from the callback"):
        side.call(predictions.wait, "p1", side.wait_options(on_poll=fail))
    assert len(recorder.sent) == 1


def test_an_error_of_the_hub_ends_the_wait(side: Side, clock: Clock) -> None:
    hub = ScriptedHub(Reply(state("pending")), Reply({"detail": "Gone."}, 404))
    with pytest.raises(NotFoundError):
        side.call(hub.client().predictions.wait, "p1")


def test_a_passing_failure_does_not_end_the_wait(side: Side, clock: Clock) -> None:
    hub = ScriptedHub(Reply(state("pending")), Reply(status=503), Reply(state("succeeded")))
    assert side.call(hub.client().predictions.wait, "p1") == state("succeeded")


def test_cancelling_asks_once_and_tells_nothing(side: Side) -> None:
    recorder, predictions = made(None)
    assert side.call(predictions.cancel, "p1") is None
    assert [(sent.method, sent.path, sent.body) for sent in recorder.sent] == [
        ("POST", "/predictions/p1/cancel", None)
    ]


def test_cancelling_what_has_ended_is_a_conflict(side: Side) -> None:
    hub = ScriptedHub(Reply({"detail": "It has ended."}, 409))
    with pytest.raises(ConflictError, match="It has ended"):
        side.call(hub.client().predictions.cancel, "p1")


def test_options_for_waiting_have_their_defaults() -> None:
    assert DEFAULT_WAIT_OPTIONS == WaitOptions() == WaitOptions(poll_interval=1.0, on_poll=None)
    assert DEFAULT_ASYNC_WAIT_OPTIONS == AsyncWaitOptions() == AsyncWaitOptions(poll_interval=1.0, on_poll=None)


def test_statuses_compare_with_what_a_reply_holds() -> None:
    assert [str(status) for status in Status] == ["pending", "started", "failed", "succeeded", "cancelled"]
    assert all(status == status.name == status.value for status in Status)
