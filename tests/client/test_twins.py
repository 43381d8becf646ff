"""Whatever is called, and whatever the hub answers: blocking and awaiting do exactly the same."""

import inspect
from typing import Any

import httpx
from hypothesis import given
from hypothesis import strategies as st

from tests.client.clock import Clock
from tests.client.operations import OPERATIONS, Operation
from tests.client.scripted import Line, RecordingAPI, Reply, ScriptedHub
from tests.client.sides import Awaiting, Blocking, Side
from wriftai.pagination import PaginatedResponse

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
optional = st.none() | text
JSON: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | text, lambda inner: st.lists(inner) | st.dictionaries(text, inner)
)
STATUS = st.sampled_from(["pending", "started", "failed", "succeeded", "cancelled", "expired"])
ANSWERS = st.one_of(
    JSON.filter(lambda value: not isinstance(value, dict)),
    st.fixed_dictionaries(
        {"id": text, "status": STATUS}, optional={"items": st.lists(text), "next_cursor": optional, "more": JSON}
    ),
)
REPLIES: Any = st.one_of(
    st.builds(Reply, ANSWERS, st.just(200)),
    st.builds(
        Reply,
        st.fixed_dictionaries({"detail": JSON}),
        st.sampled_from([302, 401, 404, 409, 422, 429, 500, 503]),
        st.sampled_from([{}, {"retry-after": "1"}, {"x-request-id": "r1"}]),
    ),
    st.just(Reply(content=b"<html>")),
    st.just(Reply(status=204, content=b"")),
    st.builds(httpx.ConnectError, st.just("refused")),
    st.builds(httpx.ReadTimeout, st.just("too slow")),
)
PARAMETERS: dict[str, Any] = {
    "pagination_options": st.none()
    | st.fixed_dictionaries(
        {}, optional={"cursor": optional, "page_size": st.integers(), "sort_by": text, "sort_direction": text}
    ),
    "owner": optional,
    "params": st.fixed_dictionaries(
        {"input": JSON}, optional={"validate_input": st.none() | st.booleans(), "name": optional}
    ),
    "options": st.dictionaries(text, JSON),
    "model": st.none() | text | st.builds("{}/{}".format, text, text),
    "version_id": optional,
}


@st.composite
def calls(draw: st.DrawFn) -> tuple[Operation, dict[str, Any]]:
    """Give an operation and arguments of all kinds for it, malformed ones among them."""
    operation = draw(st.sampled_from(OPERATIONS))
    parameters = inspect.signature(getattr(operation.resource, operation.method)).parameters
    wanted = [name for name in parameters if name not in ("self", "wait", "wait_options")]
    return operation, {name: draw(PARAMETERS.get(name, text)) for name in wanted}


def outcome(side: Side, api: Any, operation: Operation, arguments: dict[str, Any]) -> Any:
    """Give what a call returns, the pages after it included, or what it raises."""
    try:
        result = side.call(getattr(operation.resource(api), operation.method), **arguments)
        if isinstance(result, PaginatedResponse):
            return (result, side.collect(result.iter_all))
    except Exception as error:
        return (type(error), str(error))
    return result


SIDES: list[Side] = [Blocking(), Awaiting()]


@given(call=calls(), answers=st.lists(ANSWERS, min_size=1, max_size=4))
def test_both_ask_the_same_of_their_api(call: Any, answers: list[Any]) -> None:
    apis = [RecordingAPI(*answers, RuntimeError("asked on and on")) for _ in SIDES]
    outcomes = [outcome(side, api, *call) for side, api in zip(SIDES, apis, strict=True)]
    assert outcomes[0] == outcomes[1]
    assert apis[0].sent == apis[1].sent


def written(request: httpx.Request) -> tuple[Any, ...]:
    """Give all of a request but the key that is another for each call."""
    headers = [(name, value) for name, value in request.headers.items() if name != "idempotency-key"]
    return request.method, str(request.url), headers, request.content, "idempotency-key" in request.headers


@given(
    steps=st.lists(calls() | st.just("close"), min_size=1, max_size=5),
    script=st.lists(REPLIES, min_size=1, max_size=6),
    max_retries=st.integers(0, 3),
)
def test_both_behave_alike_whatever_the_hub_answers(
    steps: list[Any], script: list[Line], max_retries: int
) -> None:
    seen = []
    for side in SIDES:
        hub = ScriptedHub(*script, Reply(status=404))
        client = hub.client(max_retries=max_retries)
        with Clock() as clock:
            results = [
                side.close(client) if step == "close" else outcome(side, client.api, *step) for step in steps
            ]
        seen.append((results, list(map(written, hub.requests)), len(clock.slept)))
    assert seen[0] == seen[1]
