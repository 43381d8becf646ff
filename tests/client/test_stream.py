"""Following a prediction while it runs, over connections that break."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from tests.client.clock import Clock
from tests.client.scripted import Pieces, Reply, ScriptedHub
from tests.client.servers import SocketServer, Visit
from tests.client.sides import Side
from wriftai import Client, NotFoundError, RateLimitError, ServerError

BROKEN = httpx.ReadError("reset")


def event(number: int, kind: str, data: Any) -> dict[str, Any]:
    return {"id": str(number), "event": kind, "data": data}


INIT = event(1, "init", {"status": "pending"})
LOG = event(2, "log", "line one\nline two")
OUTPUT = event(3, "output", [1, None, "\u2028"])
DONE = event(4, "done", {"status": "succeeded"})
ALL = [INIT, LOG, OUTPUT, DONE]


def written(*events: dict[str, Any]) -> bytes:
    lines = [
        f"id: {told['id']}\nevent: {told['event']}\ndata: {json.dumps(told['data'], ensure_ascii=False)}\n\n"
        for told in events
    ]
    return "".join(lines).encode()


def streaming(*pieces: bytes | Exception) -> Any:
    """Give a line of a script that streams these pieces."""
    return lambda request: httpx.Response(200, stream=Pieces(*pieces), request=request)


def asked(hub: ScriptedHub) -> list[str | None]:
    """Give the id behind which each request resumed."""
    assert {request.url.path for request in hub.requests} == {"/v1/predictions/p1/stream"}
    assert {request.method for request in hub.requests} == {"GET"}
    return [request.url.params.get("after_id") for request in hub.requests]


def test_events_are_given_up_to_the_last(side: Side) -> None:
    hub = ScriptedHub(streaming(written(*ALL, event(5, "log", "too late"))))
    assert side.collect(hub.client().predictions.stream, "p1") == ALL
    assert asked(hub) == [None]


def test_the_caller_may_resume_behind_an_event(side: Side) -> None:
    hub = ScriptedHub(streaming(written(DONE)))
    assert side.collect(hub.client().predictions.stream, "p1", after_id="3") == [DONE]
    assert asked(hub) == ["3"]


def test_the_prediction_is_quoted(side: Side) -> None:
    hub = ScriptedHub(streaming(written(DONE)))
    side.collect(hub.client().predictions.stream, "../x")
    assert hub.requests[0].url.raw_path == b"/v1/predictions/..%2Fx/stream"


def test_an_error_of_the_model_does_not_end_the_stream(side: Side) -> None:
    failed = [INIT, event(2, "error", {"message": "No memory."}), event(3, "done", {"status": "failed"})]
    hub = ScriptedHub(streaming(written(*failed)))
    assert side.collect(hub.client().predictions.stream, "p1") == failed


@pytest.mark.parametrize(
    "end", [BROKEN, httpx.RemoteProtocolError("cut off"), None], ids=["broken", "cut off", "ended"]
)
def test_a_stream_that_ends_early_is_resumed_behind_its_last_event(
    side: Side, clock: Clock, end: Exception | None
) -> None:
    ends = [] if end is None else [end]
    hub = ScriptedHub(
        streaming(written(INIT), written(LOG)[:-1], *ends),
        streaming(written(LOG, OUTPUT), *ends),
        streaming(*ends),
        streaming(written(DONE), *ends),
    )
    assert side.collect(hub.client().predictions.stream, "p1") == ALL
    assert asked(hub) == [None, "1", "3", "3"]


def test_an_event_without_an_id_moves_nothing(side: Side, clock: Clock) -> None:
    hub = ScriptedHub(streaming(b"event: log\ndata: 1\n\n"), streaming(written(DONE)))
    events = side.collect(hub.client().predictions.stream, "p1", "2")
    assert events == [{"id": "", "event": "log", "data": 1}, DONE]
    assert asked(hub) == ["2", "2"]


@pytest.mark.parametrize("failure", [Reply(status=503), httpx.ConnectError("refused")], ids=["503", "refused"])
def test_a_hub_that_is_away_for_a_while_is_asked_again(side: Side, clock: Clock, failure: Any) -> None:
    hub = ScriptedHub(streaming(written(INIT), BROKEN), failure, failure, streaming(written(DONE)))
    assert side.collect(hub.client().predictions.stream, "p1") == [INIT, DONE]
    assert asked(hub) == [None, "1", "1", "1"]
    for slept, longest in zip(clock.slept, [0.5, 1, 2], strict=True):
        assert longest / 2 <= slept <= longest


def test_the_hub_may_name_the_delay(side: Side, clock: Clock) -> None:
    limited = Reply({"detail": "Slow down."}, 429, {"Retry-After": "7"})
    hub = ScriptedHub(limited, streaming(written(DONE)))
    assert side.collect(hub.client().predictions.stream, "p1") == [DONE]
    assert clock.slept == [7]


@pytest.mark.parametrize(
    ("line", "error"),
    [
        (streaming(BROKEN), httpx.ReadError),
        (Reply(status=503), ServerError),
        (Reply(status=429), RateLimitError),
        (streaming(), RuntimeError),
    ],
    ids=["broken", "503", "429", "ended"],
)
def test_a_stream_that_makes_no_progress_is_given_up(
    side: Side, clock: Clock, line: Any, error: type[Exception]
) -> None:
    hub = ScriptedHub(line)
    with pytest.raises(error):
        side.collect(hub.client().predictions.stream, "p1")
    assert 3 <= len(hub.requests) <= 10
    assert len(clock.slept) == len(hub.requests) - 1


def test_progress_starts_the_count_again(side: Side, clock: Clock) -> None:
    steps = [event(number, "log", number) for number in range(30)]
    lines = [line for step in steps for line in (streaming(written(step), BROKEN), Reply(status=503))]
    hub = ScriptedHub(*lines, streaming(written(DONE)))
    assert side.collect(hub.client().predictions.stream, "p1") == [*steps, DONE]


def test_a_prediction_that_is_not_there_is_not_asked_for_again(side: Side, clock: Clock) -> None:
    hub = ScriptedHub(Reply({"detail": "No such prediction."}, 404))
    with pytest.raises(NotFoundError, match="No such prediction"):
        side.collect(hub.client().predictions.stream, "p1")
    assert asked(hub) == [None]


def test_data_that_is_not_json_is_an_error(side: Side) -> None:
    hub = ScriptedHub(streaming(b"id: 1\nevent: log\ndata: {\n\n"))
    with pytest.raises(ValueError, match="Expecting"):
        side.collect(hub.client().predictions.stream, "p1")


def test_leaving_early_closes_the_stream(side: Side) -> None:
    body = Pieces(written(INIT), written(LOG))
    hub = ScriptedHub(lambda request: httpx.Response(200, stream=body, request=request))
    assert side.first(hub.client().predictions.stream, "p1") == [INIT]
    assert body.closed
    assert len(hub.requests) == 1


def test_a_closed_stream_has_let_go_of_its_reply() -> None:
    bodies: list[Pieces] = []

    def answer(request: httpx.Request) -> httpx.Response:
        bodies.append(Pieces(written(INIT), written(LOG)))
        return httpx.Response(200, stream=bodies[-1], request=request)

    client = ScriptedHub(answer).client()

    async def main() -> None:
        events = client.predictions.async_stream("p1")
        await anext(events)
        assert not bodies[-1].closed
        await events.aclose()
        assert bodies[-1].closed

    asyncio.run(main())
    events = client.predictions.stream("p1")
    next(events)
    assert not bodies[-1].closed
    events.close()
    assert bodies[-1].closed


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def test_a_real_stream_that_breaks_is_resumed(side: Side, clock: Clock) -> None:
    def cut_off(visit: Visit) -> None:
        visit.read_request()
        visit.send(HEAD + chunk(written(INIT)) + chunk(written(LOG))[:-9])

    def ended(visit: Visit) -> None:
        visit.read_request()
        visit.send(HEAD.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        visit.send(chunk(written(LOG)) + chunk(b""))

    def whole(visit: Visit) -> None:
        visit.read_request()
        visit.send(HEAD + chunk(written(OUTPUT, DONE)))
        visit.rfile.read()

    with SocketServer(cut_off, ended, whole) as server:
        client = Client(server.address)
        assert side.collect(client.predictions.stream, "p1") == ALL
        side.close(client)
        assert server.left.acquire(timeout=10)
    assert [request.split(b" ")[1] for request in server.requests] == [
        b"/predictions/p1/stream",
        b"/predictions/p1/stream?after_id=1",
        b"/predictions/p1/stream?after_id=2",
    ]


def test_leaving_early_closes_the_real_connection(side: Side) -> None:
    def endless(visit: Visit) -> None:
        visit.read_request()
        visit.send(HEAD)
        while True:
            visit.send(chunk(written(LOG)))

    with SocketServer(endless) as server:
        client = Client(server.address)
        assert side.first(client.predictions.stream, "p1") == [LOG]
        assert server.left.acquire(timeout=10)
        side.close(client)
