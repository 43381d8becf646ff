"""Calls over TLS, to a real server whose certificate is trusted or not."""

import ssl
import time
from pathlib import Path

import httpx
import pytest

from tests.client.clock import Clock
from tests.client.processes import in_fresh_python
from tests.client.servers import SocketServer, Visit, http
from tests.client.sides import Side
from wriftai import Client

CERTIFICATE = Path(__file__).with_name("loopback.pem")

BOTH_SIDES = """
    import asyncio, sys
    from wriftai import Client

    async def awaited(client):
        async with client:
            return [(await client.users.async_get("ada"))["username"] for _ in range(2)]

    client = Client(sys.argv[1])
    print(*[client.users.get("ada")["username"] for _ in range(2)], *asyncio.run(awaited(client)))
    """


def over_tls_to(visit: Visit) -> ssl.SSLSocket:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context.wrap_socket(visit.connection, server_side=True)


def over_tls(visit: Visit) -> None:
    with over_tls_to(visit) as connection:
        while request := connection.recv(65536):
            visit.host.requests.append(request)
            connection.send(http())


def through_a_tunnel(visit: Visit) -> None:
    visit.read_request()
    visit.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
    over_tls(visit)


def test_both_sides_speak_tls() -> None:
    with SocketServer(over_tls) as server:
        address = server.address.replace("http", "https")
        assert in_fresh_python(BOTH_SIDES, address, SSL_CERT_FILE=str(CERTIFICATE)) == "ada ada ada ada"
    assert (server.opened, len(server.requests)) == (2, 4)


def test_both_sides_speak_tls_through_a_proxy() -> None:
    with SocketServer(through_a_tunnel) as proxy:
        environment = {"SSL_CERT_FILE": str(CERTIFICATE), "HTTPS_PROXY": proxy.address}
        assert in_fresh_python(BOTH_SIDES, "https://hub.invalid", **environment) == "ada ada ada ada"
    connects = [request for request in proxy.requests if request.startswith(b"CONNECT hub.invalid:443 ")]
    assert (len(connects), len(proxy.requests)) == (2, 6)


def test_a_slow_server_does_not_hold_a_call_over_tls() -> None:
    def slow_to_begin(visit: Visit) -> None:
        with over_tls_to(visit) as connection:
            connection.recv(65536)
            for byte in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"-" * 2000:
                connection.send(bytes([byte]))
                time.sleep(0.02)

    code = """
        import asyncio, httpx, sys
        from wriftai import Client
        client = Client(sys.argv[1], client_options={"timeout": httpx.Timeout(1)})
        for call in client.authenticated_user.get, lambda: asyncio.run(client.authenticated_user.async_get()):
            try:
                call()
            except httpx.TimeoutException:
                print("too slow")
        client.close()
        """
    begun = time.monotonic()
    with SocketServer(slow_to_begin) as server:
        address = server.address.replace("http", "https")
        assert in_fresh_python(code, address, SSL_CERT_FILE=str(CERTIFICATE)).split("\n") == ["too slow"] * 2
    assert time.monotonic() - begun < 20


def test_a_certificate_that_is_not_trusted_is_refused(side: Side, clock: Clock) -> None:
    with SocketServer(over_tls) as server:
        client = Client(server.address.replace("http", "https"), "token")
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            side.call(client.authenticated_user.get)
        side.close(client)
    assert server.requests == []


def test_a_server_that_does_not_shake_hands_does_not_hold_a_call(side: Side) -> None:
    def silent(visit: Visit) -> None:
        visit.rfile.read()

    with SocketServer(silent) as server:
        address = server.address.replace("http", "https")
        client = Client(address, client_options={"timeout": httpx.Timeout(0.3)})
        begun = time.monotonic()
        with pytest.raises(httpx.ConnectTimeout):
            side.call(client.authenticated_user.get)
        assert time.monotonic() - begun < 10
        side.close(client)
