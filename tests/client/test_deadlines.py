"""The timeout bounds a whole call: its retries, and replies that come slowly or never."""

import asyncio
import tempfile
import threading
import time
from collections.abc import Callable

import httpx
import pytest

from tests.client.clock import Clock
from tests.client.scripted import Reply, ScriptedHub
from tests.client.servers import SocketServer, Visit, http, keep_alive
from tests.client.sides import Blocking, Side
from wriftai import Client, RateLimitError, ServerError

SHORT = httpx.Timeout(0.4)
GENEROUS = 10.0


def silent(visit: Visit) -> None:
    visit.read_request()
    visit.rfile.read()


def slow_to_begin(visit: Visit) -> None:
    """Send the headers byte by byte, each well before the timeout of a single read."""
    visit.read_request()
    trickle(visit, b"HTTP/1.1 200 OK\r\nX-Slow: " + b"-" * 2000)


def slow_to_end(visit: Visit) -> None:
    """Send the body byte by byte."""
    visit.read_request()
    visit.send(http(b" " * 2000)[:-2000])
    trickle(visit, b" " * 2000)


def slow_to_fail(visit: Visit) -> None:
    """Send the body of an error byte by byte."""
    visit.read_request()
    visit.send(http(b" " * 2000, status="404 Not Found")[:-2000])
    trickle(visit, b" " * 2000)


def slow_in_chunks(visit: Visit) -> None:
    """Send a body that does not tell its length, and does not end."""
    visit.read_request()
    visit.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(2000):
        trickle(visit, b"1\r\n \r\n")


def slow_to_continue(visit: Visit) -> None:
    """Send one interim reply after another instead of an answer."""
    visit.read_request()
    for _ in range(2000):
        visit.send(b"HTTP/1.1 103 Early Hints\r\n\r\n")
        time.sleep(0.02)


def flooding(visit: Visit) -> None:
    """Send interim replies without a pause."""
    visit.read_request()
    while True:
        visit.send(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 1000)


def trickle(visit: Visit, data: bytes) -> None:
    for byte in data:
        visit.send(bytes([byte]))
        time.sleep(0.02)


@pytest.mark.parametrize(
    "script", [silent, slow_to_begin, slow_to_end, slow_to_fail, slow_in_chunks, slow_to_continue, flooding]
)
def test_a_slow_server_does_not_hold_a_call(side: Side, script: Callable[[Visit], None]) -> None:
    with SocketServer(script) as server:
        client = Client(server.address, client_options={"timeout": SHORT})
        begun = time.monotonic()
        with pytest.raises(httpx.TimeoutException) as caught:
            side.call(client.models.get, "ada", "resnet")
        assert time.monotonic() - begun < GENEROUS
        side.close(client)
        assert server.left.acquire(timeout=GENEROUS)
    assert caught.value.request.url == f"{server.address}/models/ada/resnet"
    assert server.opened == 1


def test_a_transport_of_httpx_is_bounded_for_every_client_that_it_serves(side: Side) -> None:
    transport = httpx.HTTPTransport() if isinstance(side, Blocking) else httpx.AsyncHTTPTransport()
    with SocketServer(keep_alive, slow_to_begin) as server:
        first, second = [
            Client(server.address, client_options={"timeout": SHORT, "transport": transport}) for _ in range(2)
        ]
        assert side.call(first.authenticated_user.get)["username"] == "ada"
        side.close(first)
        begun = time.monotonic()
        with pytest.raises(httpx.TimeoutException):
            side.call(second.models.get, "ada", "resnet")
        assert time.monotonic() - begun < GENEROUS
        side.close(second)


def test_a_slow_server_on_a_unix_socket_does_not_hold_a_call(side: Side) -> None:
    with tempfile.TemporaryDirectory() as folder, SocketServer(slow_to_begin, path=f"{folder}/hub") as server:
        uds = f"{folder}/hub"
        transport = (
            httpx.HTTPTransport(uds=uds) if isinstance(side, Blocking) else httpx.AsyncHTTPTransport(uds=uds)
        )
        client = Client("http://hub.invalid", client_options={"timeout": SHORT, "transport": transport})
        begun = time.monotonic()
        with pytest.raises(httpx.TimeoutException):
            side.call(client.models.get, "ada", "resnet")
        assert time.monotonic() - begun < GENEROUS
        side.close(client)
    assert len(server.requests) == 1


def test_a_slow_proxy_does_not_hold_a_call(side: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    with SocketServer(slow_to_begin) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.address)
        client = Client("http://hub.invalid", client_options={"timeout": SHORT})
        begun = time.monotonic()
        with pytest.raises(httpx.TimeoutException):
            side.call(client.models.get, "ada", "resnet")
        assert time.monotonic() - begun < GENEROUS
        side.close(client)


def test_a_server_that_takes_its_time_to_read_does_not_hold_a_call(side: Side) -> None:
    """It reads fast enough for each write to get on, and would need minutes for all of them."""
    enough = threading.Event()

    def slow_to_read(visit: Visit) -> None:
        while not enough.wait(0.02):
            visit.connection.recv(65536)
        visit.rfile.read()

    with SocketServer(slow_to_read) as server:
        client = Client(server.address, client_options={"timeout": httpx.Timeout(1)})
        begun = time.monotonic()
        with pytest.raises(httpx.TimeoutException):
            side.call(client.models.update, "ada", "resnet", {"description": "-" * 32_000_000})
        assert time.monotonic() - begun < GENEROUS / 2
        enough.set()
        side.close(client)
        assert server.left.acquire(timeout=GENEROUS)


def test_a_call_after_one_that_was_too_slow_succeeds(side: Side) -> None:
    with SocketServer(slow_to_end, keep_alive) as server:
        client = Client(server.address, client_options={"timeout": SHORT})
        with pytest.raises(httpx.TimeoutException):
            side.call(client.authenticated_user.get)
        assert side.call(client.authenticated_user.get)["username"] == "ada"
        side.close(client)


def test_a_long_call_may_last_as_long_as_its_most_patient_part(side: Side) -> None:
    def late(visit: Visit) -> None:
        visit.read_request()
        time.sleep(0.3)
        visit.send(http(b'{"id": "1"}', "Connection: close"))

    with SocketServer(late) as server:
        client = Client(server.address, client_options={"timeout": httpx.Timeout(0.1, read=GENEROUS)})
        assert side.call(client.models.get, "ada", "resnet") == {"id": "1"}
        side.close(client)


def test_a_slow_body_of_a_transport_is_given_up(side: Side, clock: Clock) -> None:
    class Slow(httpx.SyncByteStream, httpx.AsyncByteStream):
        def __iter__(self):  # type: ignore[no-untyped-def]
            while True:
                time.sleep(3)
                yield b" "

        async def __aiter__(self):  # type: ignore[no-untyped-def]
            while True:
                await asyncio.sleep(3)
                yield b" "

    hub = ScriptedHub(lambda request: httpx.Response(200, stream=Slow(), request=request))
    with pytest.raises(httpx.ReadTimeout):
        side.call(hub.client().models.get, "ada", "resnet")
    assert 10 <= clock.skipped < 20


def test_retries_end_with_the_time_of_the_call(side: Side, clock: Clock) -> None:
    hub = ScriptedHub(Reply(status=503))
    with pytest.raises(ServerError):
        side.call(hub.client(max_retries=100).models.get, "ada", "resnet")
    assert 2 < len(hub.requests) < 10
    assert clock.skipped < 10


def test_a_delay_that_the_call_has_no_time_for_is_not_begun(side: Side, clock: Clock) -> None:
    hub = ScriptedHub(Reply(status=429, headers={"Retry-After": "30"}))
    with pytest.raises(RateLimitError):
        side.call(hub.client().models.get, "ada", "resnet")
    assert len(hub.requests) == 1
    assert clock.slept == []


def test_an_attempt_has_only_the_time_that_is_left(side: Side, clock: Clock) -> None:
    hub = ScriptedHub(Reply(status=503, headers={"Retry-After": "4"}), Reply({}))
    timeout = httpx.Timeout(5, connect=10)
    side.call(hub.client(timeout=timeout).models.get, "ada", "resnet")
    first, second = [request.extensions["timeout"] for request in hub.requests]
    assert first["read"] == second["read"] == 5
    assert 9 < first["connect"] <= 10
    assert 5 < second["connect"] <= 6


def test_a_call_without_a_timeout_outlasts_any_delay(side: Side, clock: Clock) -> None:
    later = Reply(status=429, headers={"Retry-After": "60"})
    hub = ScriptedHub(later, later, Reply({"id": "1"}))
    client = hub.client(timeout=httpx.Timeout(1, pool=None))
    assert side.call(client.models.get, "ada", "resnet") == {"id": "1"}
    assert clock.slept == [60, 60]


def test_cancelling_an_awaited_call_ends_it() -> None:
    arrived = threading.Semaphore(0)

    def unanswered(visit: Visit) -> None:
        visit.read_request()
        arrived.release()
        visit.rfile.read()

    async def main(client: Client) -> None:
        call = asyncio.create_task(client.models.async_get("ada", "resnet"))
        await asyncio.to_thread(arrived.acquire)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call

    with SocketServer(unanswered) as server:
        asyncio.run(main(Client(server.address)))
        assert server.left.acquire(timeout=GENEROUS)
    assert len(server.requests) == 1
