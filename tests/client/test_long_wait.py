"""Waiting with the help of a hub that holds a request until the prediction has ended."""

from typing import Any

import httpx
import pytest

from tests.client.clock import Clock
from tests.client.scripted import Reply, ScriptedHub
from tests.client.sides import Side
from wriftai.api import API
from wriftai.predictions import CreatePredictionParams, Predictions

RUN: CreatePredictionParams = {"input": {"n": 1}}


def state(status: str) -> dict[str, Any]:
    return {"id": "p1", "status": status}


def wishes(hub: ScriptedHub) -> list[str | None]:
    """Give what each request asked the hub for."""
    return [request.headers.get("prefer") for request in hub.requests]


def holding(clock: Clock, *held: tuple[float, str]) -> ScriptedHub:
    """Give a hub that takes so many seconds for each answer."""

    def line(seconds: float, status: str) -> Any:
        def answer(request: httpx.Request) -> httpx.Response:
            clock.passed += seconds
            return Reply(state(status)).response(request)

        return answer

    return ScriptedHub(*(line(*each) for each in held))


def test_creating_asks_the_hub_to_hold_the_answer_only_when_it_is_waited_for(side: Side) -> None:
    hub = ScriptedHub(Reply(state("succeeded")))
    side.call(hub.client().predictions.create, RUN, "ada/resnet")
    side.call(hub.client().predictions.create, RUN, "ada/resnet", wait=True)
    assert wishes(hub) == [None, "wait=1"]


def test_creating_tells_whether_to_validate_and_how_long_to_hold(side: Side) -> None:
    hub = ScriptedHub(Reply(state("succeeded")))
    params: CreatePredictionParams = {**RUN, "validate_input": False}
    side.call(hub.client().predictions.create, params, "ada/resnet", wait=True)
    assert hub.requests[0].headers["validate-input"] == "false"
    assert wishes(hub) == ["wait=1"]


def test_an_end_within_the_first_request_needs_no_other(side: Side, clock: Clock) -> None:
    hub = holding(clock, (0.3, "succeeded"))
    assert side.call(hub.client().predictions.create, RUN, "ada/resnet", wait=True) == state("succeeded")
    assert len(hub.requests) == 1
    assert clock.slept == []


def test_a_hub_that_holds_is_asked_again_without_a_pause(side: Side, clock: Clock) -> None:
    hub = holding(clock, (1, "pending"), (0, "pending"), (1, "started"), (1, "started"), (0.2, "succeeded"))
    seen: list[Any] = []
    options = side.wait_options(on_poll=seen.append)
    result = side.call(hub.client().predictions.create, RUN, "ada/resnet", wait=True, wait_options=options)
    assert result == state("succeeded")
    assert [told["status"] for told in seen] == ["pending", "started", "started", "succeeded"]
    assert wishes(hub) == ["wait=1", None, "wait=1", "wait=1", "wait=1"]
    assert clock.slept == []


def test_waiting_looks_at_once_and_learns_whether_the_hub_holds(side: Side, clock: Clock) -> None:
    hub = holding(clock, (0, "pending"), (2, "pending"), (2, "started"), (0.5, "succeeded"), (0, "pending"))
    predictions = hub.client().predictions
    assert side.call(predictions.wait, "p1", side.wait_options(2)) == state("succeeded")
    assert wishes(hub) == [None, "wait=2", "wait=2", "wait=2"]
    assert clock.slept == [2]


def test_what_was_learned_helps_the_next_wait(side: Side, clock: Clock) -> None:
    script = [(0, "pending"), (1, "pending"), (0, "succeeded"), (0, "pending"), (0.2, "succeeded")]
    hub = holding(clock, *script)
    predictions = hub.client().predictions
    side.call(predictions.wait, "p1")
    side.call(predictions.wait, "p2")
    assert clock.slept == [1]
    assert wishes(hub) == [None, "wait=1", "wait=1", None, "wait=1"]


def test_a_hub_that_no_longer_holds_is_polled(side: Side, clock: Clock) -> None:
    hub = holding(clock, (1, "pending"), (0, "pending"), (1, "pending"), *[(0.1, "pending")] * 3, (0, "failed"))
    side.call(hub.client().predictions.create, RUN, "ada/resnet", wait=True)
    assert clock.slept == [1, 1, 1]


def test_a_hub_that_does_not_hold_is_polled(side: Side, clock: Clock) -> None:
    hub = ScriptedHub(*[Reply(state("pending"))] * 4, Reply(state("succeeded")))
    side.call(hub.client().predictions.create, RUN, "ada/resnet", wait=True)
    assert clock.slept == [1.0] * 3
    assert wishes(hub) == ["wait=1", None, "wait=1", "wait=1", "wait=1"]


@pytest.mark.parametrize("interval", [0, 0.5, 0.99])
def test_short_intervals_are_just_polled(side: Side, clock: Clock, interval: float) -> None:
    hub = ScriptedHub(Reply(state("pending")), Reply(state("pending")), Reply(state("succeeded")))
    side.call(
        hub.client().predictions.create,
        RUN,
        version_id="v1",
        wait=True,
        wait_options=side.wait_options(interval),
    )
    assert wishes(hub) == [None] * 3
    assert clock.slept == [interval]


@pytest.mark.parametrize(
    ("timeout", "interval", "wish"),
    [
        (httpx.Timeout(10), 30, "wait=5"),
        (httpx.Timeout(10), 2.9, "wait=2"),
        (httpx.Timeout(300), 600, "wait=60"),
        (httpx.Timeout(None), float("inf"), "wait=60"),
        (httpx.Timeout(60, read=3), 30, "wait=1"),
        (httpx.Timeout(1.5), 30, None),
    ],
)
def test_a_hold_fits_the_timeout(side: Side, timeout: httpx.Timeout, interval: float, wish: str | None) -> None:
    hub = ScriptedHub(Reply(state("succeeded")))
    options = side.wait_options(interval)
    predictions = hub.client(timeout=timeout).predictions
    side.call(predictions.create, RUN, "ada/resnet", wait=True, wait_options=options)
    assert wishes(hub) == [wish]


def test_clients_that_keep_their_own_time_are_just_polled(clock: Clock) -> None:
    hub = ScriptedHub(Reply(state("pending")), Reply(state("succeeded")))
    with httpx.Client(base_url="http://hub.example", transport=httpx.MockTransport(hub.answer)) as client:
        api: Any = API(client, client)
        assert Predictions(api).wait("p1") == state("succeeded")
    assert wishes(hub) == [None, None]
    assert clock.slept == [1.0]


def test_an_api_of_the_callers_own_is_just_polled(side: Side, clock: Clock) -> None:
    class Anything:
        """Answers to every name, as a stand-in of a test does."""

        asked: list[Any]

        def __init__(self) -> None:
            self.asked = []

        def request(self, method: str, path: str, **options: Any) -> Any:
            self.asked.append((method, path, options))
            return state("pending" if len(self.asked) < 3 else "succeeded")

        async def async_request(self, method: str, path: str, **options: Any) -> Any:
            return self.request(method, path, **options)

        def __getattr__(self, name: str) -> Any:
            return Anything()

    api: Any = Anything()
    side.call(Predictions(api).create, RUN, "ada/resnet", wait=True)
    assert api.asked == [
        ("POST", "/models/ada/resnet/predictions", {"body": RUN}),
        ("GET", "/predictions/p1", {}),
        ("GET", "/predictions/p1", {}),
    ]
    assert clock.slept == [1.0]
