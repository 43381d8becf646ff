"""Reading server-sent events (WHATWG HTML, section 9.2), however the bytes arrive."""

import asyncio
import threading
import time
from itertools import pairwise

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.client.scripted import Pieces, Reply, ScriptedHub
from tests.client.servers import SocketServer, Visit, keep_alive
from tests.client.sides import Side
from wriftai import Client, NotFoundError

Event = tuple[str, str, str]
"""Id, kind and data."""


def events_of(side: Side, *pieces: bytes) -> list[Event]:
    hub = ScriptedHub(lambda request: httpx.Response(200, stream=Pieces(*pieces), request=request))
    events = side.collect(hub.client().api.stream, "/events")
    assert hub.requests[0].headers["accept"] == "text/event-stream"
    return [(event.id, event.event, event.data) for event in events]


SEPARATORS = "a\u2028b\u2029c\x85d\x0be\x0cf\x1cg"

CASES: dict[str, tuple[str, list[Event]]] = {
    "nothing": ("", []),
    "whole": ("id: 1\nevent: log\ndata: x\n\n", [("1", "log", "x")]),
    "any order": ("data: x\nevent: log\nid: 1\n\n", [("1", "log", "x")]),
    "data alone": ("data: x\n\n", [("", "message", "x")]),
    "lines joined": ("data: a\ndata: b\ndata\ndata:\n\n", [("", "message", "a\nb\n\n")]),
    "one space goes": ("data:  x \n\n", [("", "message", " x ")]),
    "no space needed": ("event:log\ndata:x\n\n", [("", "log", "x")]),
    "colons stay": ("data: a: b:c\n\n", [("", "message", "a: b:c")]),
    "empty data": ("data\n\n", [("", "message", "")]),
    "no data, no event": ("event: log\nid: 1\n\ndata: x\n\n", [("1", "message", "x")]),
    "the last kind counts": ("event: a\nevent: b\ndata: x\n\n", [("", "b", "x")]),
    "the kind is forgotten": ("event: a\ndata: x\n\ndata: y\n\n", [("", "a", "x"), ("", "message", "y")]),
    "the id is remembered": ("id: 1\ndata: x\n\ndata: y\n\n", [("1", "message", "x"), ("1", "message", "y")]),
    "the id is taken back": ("id: 1\ndata: x\n\nid\ndata: y\n\n", [("1", "message", "x"), ("", "message", "y")]),
    "an id with a null": ("id: 1\nid: 2\0\ndata: x\n\n", [("1", "message", "x")]),
    "comments": (": hello\n\n:\ndata: x\n: more\ndata: y\n\n", [("", "message", "x\ny")]),
    "unknown fields": ("retry: 5\nData: no\nother\ndata: x\n\n", [("", "message", "x")]),
    "cut off": ("data: x\n\ndata: y\n", [("", "message", "x")]),
    "cut off in a line": ("data: x\n\ndata: y", [("", "message", "x")]),
    "carriage returns": ("id: 1\rdata: x\r\rdata: y\r\r\n", [("1", "message", "x"), ("1", "message", "y")]),
    "both line ends": ("id: 1\r\ndata: x\r\n\r\ndata: y\r\n\r\n", [("1", "message", "x"), ("1", "message", "y")]),
    "a mark at the start": ("\ufeffdata: x\n\n", [("", "message", "x")]),
    "a mark later on": ("data: x\n\n\ufeffdata: y\n\n", [("", "message", "x")]),
    "other line separators": (
        "data: a\u2028b\u2029c\x85d\x0be\x0cf\x1cg\n\n",
        [("", "message", "a\u2028b\u2029c\x85d\x0be\x0cf\x1cg")],
    ),
    "beyond ascii": ("data: grün 模型 🙂\n\n", [("", "message", "grün 模型 🙂")]),
}


@pytest.mark.parametrize(("text", "events"), CASES.values(), ids=CASES)
def test_events_are_read_as_the_standard_says(side: Side, text: str, events: list[Event]) -> None:
    assert events_of(side, text.encode()) == events


@pytest.mark.parametrize(("text", "events"), CASES.values(), ids=CASES)
def test_the_same_events_are_read_byte_by_byte(side: Side, text: str, events: list[Event]) -> None:
    assert events_of(side, *(bytes([byte]) for byte in text.encode())) == events


def test_bytes_that_are_no_text_are_replaced(side: Side) -> None:
    assert events_of(side, b"data: \xff\n\n") == [("", "message", "\N{REPLACEMENT CHARACTER}")]


data = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"))
word = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\0"))


@given(
    events=st.lists(st.tuples(word, word.filter(bool), data)),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    cuts=st.lists(st.integers(0, 400)),
)
def test_what_a_hub_writes_arrives(side: Side, events: list[Event], end: str, cuts: list[int]) -> None:
    def written(event: Event) -> str:
        lines = [f"id: {event[0]}", f"event: {event[1]}", *(f"data: {line}" for line in event[2].split("\n"))]
        return "".join(line + end for line in [*lines, ""])

    stream = "".join(map(written, events)).encode()
    pieces = [stream[start:stop] for start, stop in pairwise([0, *sorted(cuts), len(stream)])]
    # A bare carriage return at the very end may belong to a line end that is still to come.
    assert events_of(side, *pieces, end.encode()) == events


def test_an_event_is_given_before_the_next_one_comes(side: Side) -> None:
    """The server sends no more until the client is done with the first event and leaves."""

    def one_event(visit: Visit) -> None:
        visit.read_request()
        visit.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: x\n\n")
        visit.rfile.read()

    with SocketServer(one_event) as server:
        client = Client(server.address)
        [event] = side.first(client.api.stream, "/events")
        assert event.data == "x"
        side.close(client)
        assert server.left.acquire(timeout=10)


def test_a_stream_that_is_refused_raises_what_a_call_would(side: Side) -> None:
    body = Pieces(b'{"detail": "No such', b' prediction."}')
    hub = ScriptedHub(lambda request: httpx.Response(404, stream=body, request=request))
    with pytest.raises(NotFoundError, match=r"No such prediction\."):
        side.collect(hub.client().api.stream, "/events")
    assert body.closed


def test_a_stream_takes_parameters_and_only_those_given(side: Side) -> None:
    hub = ScriptedHub(Reply(content=b""))
    api = hub.client().api
    side.collect(api.stream, "/events")
    side.collect(api.stream, "/events", {"after_id": "a b"})
    assert [request.url.query for request in hub.requests] == [b"", b"after_id=a+b"]


def test_a_stream_may_last_longer_than_the_timeout_of_a_call(side: Side) -> None:
    def slow(visit: Visit) -> None:
        visit.read_request()
        visit.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
        for _ in range(10):
            time.sleep(0.1)
            visit.send(b"data: x\n\n")

    with SocketServer(slow) as server:
        client = Client(server.address, client_options={"timeout": httpx.Timeout(0.5)})
        assert len(side.collect(client.api.stream, "/events")) == 10
        side.close(client)


def test_calls_in_between_do_not_bound_a_stream() -> None:
    asked = threading.Event()

    def late(visit: Visit) -> None:
        visit.read_request()
        visit.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n")
        assert asked.wait(10)
        for _ in range(4):
            time.sleep(0.3)
            visit.send(b"data: 2\n\n")

    async def awaited(client: Client) -> list[str]:
        events: list[str] = []
        async for event in client.api.async_stream("/events"):
            events.append(event.data)
            if not asked.is_set():
                await client.authenticated_user.async_get()
                asked.set()
        return events

    def blocking(client: Client) -> list[str]:
        events: list[str] = []
        for event in client.api.stream("/events"):
            events.append(event.data)
            if not asked.is_set():
                client.authenticated_user.get()
                asked.set()
        return events

    with SocketServer(late, keep_alive, late, keep_alive) as server:
        client = Client(server.address, client_options={"timeout": httpx.Timeout(1)})
        assert blocking(client) == ["1", "2", "2", "2", "2"]
        asked.clear()
        assert asyncio.run(awaited(client)) == ["1", "2", "2", "2", "2"]
        client.close()


def test_a_stream_on_which_nothing_comes_is_given_up(side: Side) -> None:
    def silent(visit: Visit) -> None:
        visit.read_request()
        visit.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
        visit.rfile.read()

    with SocketServer(silent) as server:
        client = Client(server.address, client_options={"timeout": httpx.Timeout(0.3)})
        with pytest.raises(httpx.ReadTimeout):
            side.collect(client.api.stream, "/events")
        side.close(client)
