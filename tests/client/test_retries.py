"""When a call is tried again, how often, and after how long."""

import email.utils
import time
from typing import Any

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.client.clock import Clock
from tests.client.scripted import Reply, ScriptedHub
from tests.client.sides import Side
from wriftai import Client, RateLimitError, ServerError

FOR_EVER = httpx.Timeout(None)
DONE = Reply({"id": "1"})
PASSING: list[Reply | Exception] = [
    *(Reply({"detail": "Later."}, status) for status in (429, 500, 502, 503, 504, 599)),
    httpx.ConnectError("refused"),
    httpx.ConnectTimeout("too slow"),
    httpx.ReadError("reset"),
    httpx.WriteError("reset"),
    httpx.CloseError("reset"),
    httpx.RemoteProtocolError("cut off"),
]
LASTING: list[Reply | Exception] = [
    *(Reply({"detail": "No."}, status) for status in (302, 400, 401, 403, 404, 405, 408, 409, 413, 418, 422)),
    httpx.ReadTimeout("too slow"),
    httpx.WriteTimeout("too slow"),
    httpx.PoolTimeout("too many"),
    httpx.LocalProtocolError("malformed"),
    httpx.ProxyError("refused"),
]


def named(failure: Reply | Exception) -> str:
    return str(failure.status) if isinstance(failure, Reply) else type(failure).__name__


@pytest.mark.parametrize("failure", PASSING, ids=named)
@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE"])
def test_what_may_pass_is_tried_again(side: Side, clock: Clock, failure: Reply | Exception, method: str) -> None:
    hub = ScriptedHub(failure, failure, DONE)
    assert side.call(hub.client().api.request, method, "/thing", {}) == {"id": "1"}
    assert len(hub.requests) == 3
    assert len({(str(request.url), request.content) for request in hub.requests}) == 1


@pytest.mark.parametrize("failure", LASTING, ids=named)
def test_what_will_not_pass_is_raised_at_once(side: Side, clock: Clock, failure: Reply | Exception) -> None:
    hub = ScriptedHub(failure)
    with pytest.raises(httpx.HTTPError) as caught:
        side.call(hub.client().models.get, "ada", "resnet")
    assert isinstance(failure, Reply) or caught.value is failure
    assert len(hub.requests) == 1
    assert clock.slept == []


@pytest.mark.parametrize("failure", PASSING, ids=named)
@pytest.mark.parametrize(("max_retries", "requests"), [(None, 3), (0, 1), (1, 2), (7, 8)])
def test_retries_are_counted(
    side: Side, clock: Clock, failure: Reply | Exception, max_retries: int | None, requests: int
) -> None:
    hub = ScriptedHub(failure)
    limits = {} if max_retries is None else {"max_retries": max_retries}
    client = hub.client(timeout=FOR_EVER, **limits)
    with pytest.raises(httpx.HTTPError) as caught:
        side.call(client.models.get, "ada", "resnet")
    assert isinstance(failure, Reply) or caught.value is failure
    assert len(hub.requests) == requests
    assert len(clock.slept) == requests - 1


def test_the_last_failure_is_the_one_raised(side: Side, clock: Clock) -> None:
    hub = ScriptedHub(httpx.ConnectError("refused"), Reply(status=503), Reply({"detail": "Slow down."}, 429))
    with pytest.raises(RateLimitError, match=r"Slow down\."):
        side.call(hub.client().models.get, "ada", "resnet")


def test_the_number_of_retries_can_only_be_named() -> None:
    make: Any = Client
    with pytest.raises(TypeError):
        make("http://hub.example/v1", "token", None, 5)


def test_the_delay_doubles_up_to_eight_seconds(side: Side, clock: Clock) -> None:
    client = ScriptedHub(Reply(status=503)).client(timeout=FOR_EVER, max_retries=7)
    with pytest.raises(ServerError):
        side.call(client.models.get, "ada", "resnet")
    for slept, longest in zip(clock.slept, [0.5, 1, 2, 4, 8, 8, 8], strict=True):
        assert longest / 2 <= slept <= longest


def test_the_delay_differs_from_call_to_call(side: Side, clock: Clock) -> None:
    client = ScriptedHub(Reply(status=503)).client(max_retries=1)
    for _ in range(20):
        with pytest.raises(ServerError):
            side.call(client.models.get, "ada", "resnet")
    assert len(set(clock.slept)) > 1


def slept_after(side: Side, clock: Clock, status: int, headers: dict[str, str]) -> float:
    hub = ScriptedHub(Reply(status=status, headers=headers), DONE)
    side.call(hub.client(timeout=FOR_EVER).models.get, "ada", "resnet")
    [slept] = clock.slept
    return slept


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("value", "seconds"), [("0", 0), ("3", 3), (" 4 ", 4), ("60", 60), ("61", 60), ("9" * 400, 60)]
)
def test_the_hub_may_name_the_delay(side: Side, clock: Clock, status: int, value: str, seconds: float) -> None:
    assert slept_after(side, clock, status, {"Retry-After": value}) == seconds


@pytest.mark.parametrize(("ahead", "seconds"), [(30, 30), (-30, 0), (7200, 60)])
def test_the_hub_may_name_a_date(side: Side, clock: Clock, ahead: int, seconds: float) -> None:
    date = email.utils.formatdate(time.time() + ahead, usegmt=True)
    assert seconds - 5 <= slept_after(side, clock, 503, {"retry-after": date}) <= seconds


@pytest.mark.parametrize(("ahead", "seconds"), [(30, 30), (-30, 0), (7200, 60)])
def test_the_hub_may_name_the_end_of_the_limit(side: Side, clock: Clock, ahead: int, seconds: float) -> None:
    reset = str(int(time.time()) + ahead)
    assert seconds - 5 <= slept_after(side, clock, 429, {"x-ratelimit-reset": reset}) <= seconds


def test_the_delay_named_comes_before_the_end_of_the_limit(side: Side, clock: Clock) -> None:
    reset = str(int(time.time()) + 30)
    assert slept_after(side, clock, 429, {"retry-after": "2", "x-ratelimit-reset": reset}) == 2


def test_a_limit_that_is_not_used_up_delays_nothing(side: Side, clock: Clock) -> None:
    """Every reply of a hub with limits names the end of the limit, failures of another kind included."""
    limit = {"x-ratelimit-remaining": "12", "x-ratelimit-reset": str(int(time.time()) + 30)}
    assert slept_after(side, clock, 503, limit) <= 0.5


header_text = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40)
dates = st.builds(
    "{}, {} {} {} {}:{}:{} {}".format,
    st.sampled_from(["Mon", "x"]),
    st.integers(0, 40),
    st.sampled_from(["Jan", "Feb", "x"]),
    st.integers(0, 9999) | st.just(10**30),
    *[st.integers(0, 99)] * 3,
    st.sampled_from(["GMT", "-0000", "+9999", "x", ""]),
)


@given(value=header_text | dates, reset=header_text)
@example(value=f"Mon, 1 Jan {10**30} 00:00:00 GMT", reset="")
def test_any_words_of_the_hub_leave_a_sensible_delay(side: Side, value: str, reset: str) -> None:
    with Clock() as clock:
        assert 0 <= slept_after(side, clock, 429, {"retry-after": value, "x-ratelimit-reset": reset}) <= 60


def keys(requests: list[httpx.Request]) -> list[str | None]:
    return [request.headers.get("idempotency-key") for request in requests]


def test_a_post_repeats_its_own_key_and_every_call_has_another(side: Side, clock: Clock) -> None:
    hub = ScriptedHub(Reply(status=503), Reply(status=503), DONE)
    client = hub.client()
    side.call(client.models.create, {"name": "resnet", "hardware_identifier": "cpu"})
    side.call(client.models.create, {"name": "resnet", "hardware_identifier": "cpu"})
    first, second, third, other = keys(hub.requests)
    assert first == second == third
    assert first
    assert other
    assert first != other


@pytest.mark.parametrize("name", ["Idempotency-Key", "idempotency-key"])
@pytest.mark.parametrize("method", ["POST", "post"])
def test_a_post_with_the_callers_key_is_sent_once(side: Side, clock: Clock, name: str, method: str) -> None:
    hub = ScriptedHub(Reply(status=503))
    headers = {name: "mine"}
    with pytest.raises(ServerError):
        side.call(hub.client().api.request, method, "/thing", {}, headers)
    assert keys(hub.requests) == ["mine"]
    assert hub.requests[0].headers.get_list("idempotency-key") == ["mine"]
    assert headers == {name: "mine"}


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_other_methods_need_no_key(side: Side, clock: Clock, method: str) -> None:
    hub = ScriptedHub(Reply(status=503), DONE)
    headers = {"X-Mine": "1"}
    side.call(hub.client().api.request, method, "/thing", None, headers)
    assert keys(hub.requests) == [None, None]
    assert [request.headers["x-mine"] for request in hub.requests] == ["1", "1"]
    assert headers == {"X-Mine": "1"}
