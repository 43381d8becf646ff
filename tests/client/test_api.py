"""`API` over clients of the caller's: those of httpx, or what is shaped like them."""

import asyncio
from typing import Any

import httpx
import pytest

from tests.client.clock import Clock
from tests.client.scripted import ADDRESS, Reply, ScriptedHub
from tests.client.sides import Side
from wriftai import NotFoundError, ServerError
from wriftai.api import API
from wriftai.models import ModelsResource
from wriftai.predictions import Predictions

DONE = b'id: 1\nevent: done\ndata: {"status": "succeeded"}\n\n'


def over_httpx(hub: ScriptedHub, **options: Any) -> API:
    transport = httpx.MockTransport(hub.answer)
    return API(
        httpx.Client(base_url=ADDRESS, transport=transport, timeout=7),
        httpx.AsyncClient(base_url=ADDRESS, transport=transport, timeout=7),
        **options,
    )


def test_resources_work_over_clients_of_httpx(side: Side) -> None:
    hub = ScriptedHub(Reply({"id": "1"}))
    assert side.call(ModelsResource(over_httpx(hub)).get, "ada", "resnet") == {"id": "1"}
    assert hub.requests[0].url == f"{ADDRESS}/models/ada/resnet"


def test_streams_work_over_clients_of_httpx(side: Side) -> None:
    hub = ScriptedHub(Reply(content=DONE))
    [event] = side.collect(Predictions(over_httpx(hub)).stream, "p1")
    assert event == {"id": "1", "event": "done", "data": {"status": "succeeded"}}


@pytest.mark.parametrize("path", ["call", "stream"])
def test_the_timeout_is_left_to_the_clients_unless_it_is_given(side: Side, path: str) -> None:
    hub = ScriptedHub(Reply(content=b""))
    for options in ({}, {"timeout": 3}, {"timeout": httpx.Timeout(3)}):
        api = over_httpx(hub, **options)
        if path == "call":
            side.call(api.request, "GET", "/thing")
        else:
            side.collect(api.stream, "/thing")
    reads = [request.extensions["timeout"]["read"] for request in hub.requests]
    assert reads[0] == 7
    assert all(2 < read <= 3 for read in reads[1:])


def test_errors_and_retries_are_those_of_any_call(side: Side, clock: Clock) -> None:
    hub = ScriptedHub(Reply(status=503), Reply(status=503), Reply({"detail": "No."}, 404))
    with pytest.raises(NotFoundError):
        side.call(over_httpx(hub).request, "GET", "/thing")
    assert len(hub.requests) == 3
    with pytest.raises(ServerError):
        side.call(over_httpx(ScriptedHub(Reply(status=503)), max_retries=0).request, "GET", "/thing")


def test_everything_that_is_given_is_sent(side: Side) -> None:
    hub = ScriptedHub(Reply({}))
    side.call(
        over_httpx(hub).request,
        method="POST",
        path="/thing",
        body={"a": 1},
        headers={"X-Mine": "1"},
        params={"b": [1, 2]},
    )
    [request] = hub.requests
    assert (request.method, request.url.raw_path) == ("POST", b"/v1/thing?b=1&b=2")
    assert (hub.bodies, request.headers["x-mine"]) == ([{"a": 1}], "1")


@pytest.mark.parametrize("body", [0, False, "", [], {}], ids=repr)
def test_an_empty_body_is_sent_and_none_is_not(side: Side, body: Any) -> None:
    hub = ScriptedHub(Reply({}))
    api = over_httpx(hub)
    side.call(api.request, "PATCH", "/thing", body)
    side.call(api.request, "PATCH", "/thing")
    assert hub.requests[0].headers["content-type"] == "application/json"
    assert hub.requests[1].content == b""
    assert "content-type" not in hub.requests[1].headers


def test_the_callers_headers_and_params_are_not_written_to(side: Side) -> None:
    headers, params, body = {"X-Mine": "1"}, {"b": "2"}, {"c": 3}
    for method in ("GET", "POST"):
        side.call(over_httpx(ScriptedHub(Reply({}))).request, method, "/thing", body, headers, params)
    assert (headers, params, body) == ({"X-Mine": "1"}, {"b": "2"}, {"c": 3})


class Shaped:
    """Has what the API needs of a client, and answers by itself."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    def answer(self, method: str, url: str) -> httpx.Response:
        self.asked.append((method, url))
        return httpx.Response(200, json={"id": "1"}, request=httpx.Request(method, f"{ADDRESS}{url}"))


class ShapedBlocking(Shaped):
    def request(self, method: str, url: str, **options: Any) -> httpx.Response:
        return self.answer(method, url)

    def stream(self, method: str, url: str, **options: Any) -> Any:
        raise LookupError("not asked for")


class ShapedAsync(Shaped):
    async def request(self, method: str, url: str, **options: Any) -> httpx.Response:
        await asyncio.sleep(0)
        return self.answer(method, url)

    def stream(self, method: str, url: str, **options: Any) -> Any:
        raise LookupError("not asked for")


def test_each_side_asks_its_own_client_only() -> None:
    blocking, awaited = ShapedBlocking(), ShapedAsync()
    models = ModelsResource(API(blocking, awaited))
    assert models.get("ada", "resnet")["id"] == "1"
    assert (blocking.asked, awaited.asked) == ([("GET", "/models/ada/resnet")], [])
    assert asyncio.run(models.async_get("ada", "other"))["id"] == "1"
    assert (len(blocking.asked), awaited.asked) == (1, [("GET", "/models/ada/other")])
