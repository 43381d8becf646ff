"""What carries the requests: the network, a proxy, or a transport of the caller's."""

import asyncio

import httpx
import pytest

from tests.client.scripted import Reply, ScriptedHub
from tests.client.servers import SocketServer, Visit, header, http, keep_alive
from tests.client.sides import Side
from wriftai import Client


class BlockingOnly(httpx.BaseTransport):
    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"username": "from the transport"})


class AsyncOnly(httpx.AsyncBaseTransport):
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"username": "from the transport"})


class Both(BlockingOnly, AsyncOnly):
    pass


def from_the_network(visit: Visit) -> None:
    while visit.read_request():
        visit.send(http(b'{"username": "from the network"}'))


def test_a_transport_for_both_sides_carries_both(side: Side) -> None:
    client = Client("http://hub.invalid/v1", client_options={"transport": Both()})
    assert side.call(client.authenticated_user.get) == {"username": "from the transport"}


@pytest.mark.parametrize(
    ("transport", "blocking", "awaited"),
    [(BlockingOnly(), "transport", "network"), (AsyncOnly(), "network", "transport")],
    ids=["blocking only", "async only"],
)
def test_a_transport_for_one_side_leaves_the_other_to_the_network(
    transport: httpx.BaseTransport | httpx.AsyncBaseTransport, blocking: str, awaited: str
) -> None:
    with SocketServer(from_the_network) as server:
        with Client(server.address, client_options={"transport": transport}) as client:
            assert client.authenticated_user.get()["username"] == f"from the {blocking}"
            assert asyncio.run(client.authenticated_user.async_get())["username"] == f"from the {awaited}"
        assert server.opened == 1


def test_a_mock_transport_may_have_an_async_handler() -> None:
    async def answer(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0)
        return httpx.Response(200, json={"username": "ada"})

    client = Client("http://hub.invalid/v1", client_options={"transport": httpx.MockTransport(answer)})
    assert asyncio.run(client.authenticated_user.async_get())["username"] == "ada"


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_proxies_of_the_environment_are_used(side: Side, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    with SocketServer(keep_alive) as proxy:
        monkeypatch.setenv(name, proxy.address)
        client = Client("http://hub.invalid/v1", "token")
        side.call(client.models.get, "ada", "resnet")
        side.close(client)
    [request] = proxy.requests
    assert request.startswith(b"GET http://hub.invalid/v1/models/ada/resnet HTTP/1.1\r\n")
    assert header(request, "authorization") == "Bearer token"


def test_tls_goes_through_the_proxy_untouched(side: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(visit: Visit) -> None:
        visit.read_request()
        visit.send(http(b"", status="403 Forbidden"))

    with SocketServer(refuse) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.address)
        client = Client("https://hub.invalid/v1", "token")
        with pytest.raises(httpx.ProxyError):
            side.call(client.authenticated_user.get)
        side.close(client)
    [request] = proxy.requests
    assert request.startswith(b"CONNECT hub.invalid:443 HTTP/1.1\r\n")
    assert b"token" not in request


def test_hosts_excepted_from_the_proxy_are_reached_directly(side: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    with SocketServer(keep_alive) as proxy, SocketServer(keep_alive) as server:
        monkeypatch.setenv("HTTP_PROXY", proxy.address)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        client = Client(server.address)
        assert side.call(client.authenticated_user.get)["username"] == "ada"
        side.close(client)
    assert (proxy.opened, server.opened) == (0, 1)


def test_a_transport_comes_before_a_proxy(side: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    hub = ScriptedHub(Reply({"username": "ada"}))
    assert side.call(hub.client().authenticated_user.get)["username"] == "ada"
