"""Peers that are slow, rude or broken: none of them holds up the others, or leaves anything behind."""

import json
import re
import resource
import select
import socket
import struct
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.client.sides import Side
from tests.hubs import Hub, running
from tests.system.folders import add_user, bearer, model_names
from tests.system.payloads import model
from wriftai import APIStatusError, Client

PEERS = 30
BIG = b"GET /v1/openapi.json HTTP/1.1\r\nHost: hub.example\r\n\r\n"
GET = b"GET /v1/hardware HTTP/1.1\r\nHost: hub.example\r\nConnection: close\r\n\r\n"


class Signed:
    """Someone with a token of a hub, and raw connections to it.

    Args:
        hub: Runs on this machine.
    """

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.token = add_user(hub.data_dir, "patient")
        # Far more than an answer takes, and far less than waiting for the slow ones would.
        self.http = httpx.Client(base_url=hub.url, headers=bearer(self.token), timeout=30)

    @contextmanager
    def connected(self) -> Iterator[socket.socket]:
        address = urlsplit(self.hub.address)
        with socket.create_connection((address.hostname, address.port), timeout=30) as connection:
            yield connection

    def post(self, name: str, *, more: bytes = b"") -> tuple[bytes, bytes]:
        """Write a request that creates a model; give its header and its body."""
        body = json.dumps(model(name)).encode()
        header = (
            b"POST /v1/models HTTP/1.1\r\nHost: hub.example\r\nConnection: close\r\n"
            b"Authorization: Bearer %s\r\nContent-Length: %d\r\n%s\r\n"
        )
        return header % (self.token.encode(), len(body), more), body

    def check_others(self, name: str) -> None:
        """Check that reads and writes of others go on."""
        assert self.http.get("/models").status_code == 200
        assert self.http.post("/models", json=model(name)).status_code == 201


@pytest.fixture(scope="module")
def signed(hub: Hub) -> Iterator[Signed]:
    signed = Signed(hub)
    with signed.http:
        yield signed


def answer(connection: socket.socket) -> bytes:
    """Read until the hub closes the connection."""
    return b"".join(iter(lambda: connection.recv(65536), b""))


def status(text: bytes) -> int:
    """Give the status of an answer."""
    assert text.startswith(b"HTTP/1.1 ")
    return int(text.split(b" ", 2)[1])


def test_headers_that_come_byte_by_byte_hold_up_nobody(signed: Signed) -> None:
    with ExitStack() as stack:
        slow = [stack.enter_context(signed.connected()) for _ in range(PEERS)]
        for place in range(len(GET) - 1):
            for connection in slow:
                connection.sendall(GET[place : place + 1])
            if place % 20 == 0:
                signed.check_others(f"beside-header-{place}")
        for connection in slow:
            connection.sendall(GET[-1:])

        assert [status(answer(connection)) for connection in slow] == [200] * PEERS


def test_bodies_that_come_byte_by_byte_hold_up_nobody(signed: Signed) -> None:
    requests = [signed.post(f"slow-{number}") for number in range(PEERS)]
    with ExitStack() as stack:
        slow = [stack.enter_context(signed.connected()) for _ in requests]
        for connection, (header, _) in zip(slow, requests, strict=True):
            connection.sendall(header)
        for place in range(len(requests[0][1])):
            for connection, (_, body) in zip(slow, requests, strict=True):
                connection.sendall(body[place : place + 1])
            if place % 10 == 0:
                signed.check_others(f"beside-body-{place}")
        for connection, (_, body) in zip(slow, requests, strict=True):
            connection.sendall(body[len(requests[0][1]) :])

        assert [status(answer(connection)) for connection in slow] == [201] * PEERS


def test_peers_that_read_nothing_hold_up_nobody(signed: Signed) -> None:
    with ExitStack() as stack:
        deaf = [stack.enter_context(signed.connected()) for _ in range(5)]
        for connection in deaf:
            connection.sendall(BIG * 200 + GET)
        for number in range(20):
            signed.check_others(f"beside-deaf-{number}")

        for connection in deaf:
            assert answer(connection).count(b"HTTP/1.1 200 OK") == 201


@pytest.mark.parametrize("processes", ["1", "2"])
def test_peers_that_stop_are_hung_up_on(tmp_path: Path, processes: str) -> None:
    with ExitStack() as stack:
        options = ("--no-worker", "--peer-seconds", "1", "--workers", processes)
        peer = Signed(stack.enter_context(running(tmp_path / "data", *options)))
        stack.enter_context(peer.http)
        silent, begun, stopped, deaf = (stack.enter_context(peer.connected()) for _ in range(4))
        begun.sendall(GET[:-1])
        stopped.sendall(b"".join(peer.post("stopped"))[:-1])
        deaf.sendall(BIG * 200)

        assert answer(silent) == b""
        assert [status(answer(connection)) for connection in (begun, stopped)] == [408, 408]
        ended = select.poll()
        ended.register(deaf, 0)
        assert ended.poll(30_000)
        peer.check_others("beside-stopped")
        assert "stopped" not in model_names(peer.hub.data_dir)


def test_peers_that_leave_midway_leave_nothing_behind(signed: Signed) -> None:
    header, body = signed.post("left-midway")
    request = header + body
    for length in range(1, len(request), 7):
        with signed.connected() as connection:
            connection.sendall(request[:length])
            if length % 2:
                # Closed with a reset, as when the peer's machine fails.
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    signed.check_others("beside-leavers")

    assert "left-midway" not in model_names(signed.hub.data_dir)


def test_peers_that_leave_before_the_answer_get_their_work_done(signed: Signed) -> None:
    names = [f"left-early-{number}" for number in range(PEERS)]
    for name in names:
        with signed.connected() as connection:
            connection.sendall(b"".join(signed.post(name)))
            connection.shutdown(socket.SHUT_WR)
            assert status(answer(connection)) == 201

    assert set(names) <= set(model_names(signed.hub.data_dir))


def test_bodies_that_are_too_large_are_refused(signed: Signed, side: Side) -> None:
    with Client(signed.hub.url, signed.token) as client:
        for _ in range(10):
            with pytest.raises(APIStatusError, match="too large") as caught:
                side.call(
                    client.models.create,
                    {"name": "huge", "hardware_identifier": "cpu", "description": "x" * 10_000_000},
                )
            assert caught.value.status_code == 413
            assert caught.value.request_id

    pieces = (b"x" * 65536 for _ in range(160))
    assert signed.http.post("/models", content=pieces).status_code == 413
    signed.check_others(f"beside-huge-{side.__class__.__name__}")


def test_bodies_that_are_too_large_are_refused_before_they_come(signed: Signed) -> None:
    header, _ = signed.post("huge")
    announced = header.replace(b"Content-Length: ", b"Content-Length: 10000000")
    with signed.connected() as connection:
        connection.sendall(announced)

        assert status(answer(connection)) == 413


MALFORMED = {
    "no HTTP": b"\x00\x01\x02\r\n\r\n",
    "method": b"PEEK /v1/models HTTP/1.1\r\nHost: hub.example\r\n\r\n",
    "tunnel": b"CONNECT hub.example:80 HTTP/1.1\r\nHost: hub.example\r\n\r\n",
    "other protocol": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "two lengths": b"POST /v1/models HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{} ",
    "length below zero": b"POST /v1/models HTTP/1.1\r\nHost: h\r\nContent-Length: -2\r\n\r\n{}",
    "endless length": b"POST /v1/models HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999\r\n\r\n{}",
    "length and pieces": b"POST /v1/models HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "pieces": b"POST /v1/models HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
    "header": b"GET /v1/models HTTP/1.1\r\nHost hub.example\r\n\r\n",
    "host": b"GET /v1/models HTTP/1.1\r\nHost: hub example\r\nConnection: close\r\n\r\n",
    "long host": b"GET /v1/models HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n" % (b"h" * 256),
    "path": b"GET /v1/models/\xc3\xa9 HTTP/1.1\r\nHost: hub.example\r\n\r\n",
}


@pytest.mark.parametrize("request_bytes", MALFORMED.values(), ids=list(MALFORMED))
def test_malformed_requests_are_answered_and_forgotten(signed: Signed, request_bytes: bytes) -> None:
    with signed.connected() as connection:
        connection.sendall(request_bytes)

        assert status(answer(connection)) == 400
    assert signed.http.get("/models").status_code == 200


@pytest.mark.parametrize(
    "head",
    [
        b"GET /v1/models/%s" % (b"x" * 70_000),
        b"GET /v1/models HTTP/1.1\r\nHost: hub.example\r\nA: %s" % (b"x" * 70_000),
        b"GET /v1/models HTTP/1.1\r\nHost: hub.example\r\n%s" % (b"A: x\r\n" * 12_000),
        GET.replace(b"close", b"keep-alive") + b"GET /v1/models?q=%s" % (b"x" * 70_000),
    ],
    ids=["path", "header", "headers", "second"],
)
def test_a_head_that_does_not_end_is_refused(signed: Signed, head: bytes) -> None:
    with signed.connected() as connection:
        first, end, second = head.partition(b"keep-alive\r\n\r\n")
        connection.sendall(first + end)
        if second:
            assert status(connection.recv(100)) == 200
        connection.sendall(second)

        refusal = answer(connection)
    assert b"HTTP/1.1 431 " in refusal
    assert b"longer than 64 KiB" in refusal


def test_a_trailer_that_does_not_end_ends_the_connection(signed: Signed) -> None:
    header, body = signed.post("with-a-trailer", more=b"Transfer-Encoding: chunked\r\n")
    header = re.sub(rb"Content-Length: [0-9]+\r\n", b"", header)
    # More than is read at once, so that some of it comes alone.
    with signed.connected() as connection, suppress(ConnectionError):
        connection.sendall(header + b"%x\r\n%s\r\n0\r\nA: " % (len(body), body) + b"x" * 1_000_000)

        assert b"HTTP/1.1 20" not in answer(connection)
    assert "with-a-trailer" not in model_names(signed.hub.data_dir)


def test_callers_who_do_not_name_the_host_get_whole_addresses(signed: Signed) -> None:
    signed.check_others("first-of-two")
    signed.check_others("second-of-two")
    with signed.connected() as connection:
        connection.sendall(
            b"GET /v1/user/models?page_size=1 HTTP/1.0\r\nAuthorization: Bearer %s\r\n\r\n"
            % signed.token.encode()
        )
        page = json.loads(answer(connection).partition(b"\r\n\r\n")[2])

    assert page["next_url"].startswith(f"{signed.hub.url}/user/models?")
    assert signed.http.get(page["next_url"]).json()["previous_cursor"]


def test_more_connections_than_a_process_may_have_files_at_first(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    with ExitStack() as stack:
        resource.setrlimit(resource.RLIMIT_NOFILE, (100, before[1]))
        stack.callback(resource.setrlimit, resource.RLIMIT_NOFILE, before)
        peer = Signed(stack.enter_context(running(tmp_path / "data", "--no-worker")))
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
        for _ in range(200):
            stack.enter_context(peer.connected())
        assert httpx.get(f"{peer.hub.url}/hardware", timeout=30).status_code == 200
