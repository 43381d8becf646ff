"""Connections of webhooks: to an address that was checked, for the host that was named."""

import asyncio
import os
import ssl
import sys
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tests.server.outbox import Outbox, delivering, outbox_in, until
from tests.server.receiver import Receiver, status

CERTIFICATE = Path(__file__).parents[1] / "client" / "loopback.pem"
HOST = "hub.invalid"
BODY = b"{}"


def answering(*answers: Iterable[str]) -> Callable[[str, int], Awaitable[list[str]]]:
    """Make a resolver that gives each time the next of some answers, and the last for ever."""
    left = [list(answer) for answer in answers]

    async def resolve(_host: str, _port: int) -> list[str]:
        return left.pop(0) if len(left) > 1 else left[0]

    return resolve


def put_off(outbox: Outbox) -> bool:
    """Tell whether all that is in the outbox has failed."""
    return outbox.run("SELECT min(attempts) >= 1 FROM webhook_deliveries") == [(1,)]


def test_the_host_is_asked_for_at_the_address_that_was_found(tmp_path: Path) -> None:
    asked = []

    async def resolve(host: str, port: int) -> list[str]:
        asked.append((host, port))
        return ["127.0.0.1"]

    async def scenario() -> None:
        async with Receiver().listening() as receiver, delivering(tmp_path, resolve=resolve) as outbox:
            await outbox.send(f"http://Bücher.invalid:{receiver.port}/", BODY)
            await outbox.empty()
        (visit,) = receiver.visits
        assert visit.headers["host"] == f"xn--bcher-kva.invalid:{receiver.port}"
        assert asked == [("xn--bcher-kva.invalid", receiver.port)]

    asyncio.run(scenario())


@pytest.mark.parametrize(("scheme", "port"), [("http", 80), ("https", 443)])
def test_without_a_port_there_is_the_usual_one(tmp_path: Path, scheme: str, port: int) -> None:
    asked = []

    async def resolve(host: str, port: int) -> list[str]:
        asked.append((host, port))
        return []

    async def scenario() -> None:
        with capture_logs() as logs:
            async with delivering(tmp_path, resolve=resolve) as outbox:
                await outbox.send(f"{scheme}://{HOST}", BODY)
                await until(lambda: put_off(outbox))
        assert asked == [(HOST, port)]
        assert [entry["reason"] for entry in logs] == ["OSError: the host has no address"]

    asyncio.run(scenario())


def test_who_answers_differently_the_next_time_gains_nothing(tmp_path: Path) -> None:
    async def scenario() -> None:
        resolve = answering(["127.0.0.1"], ["127.0.0.2"])
        async with (
            Receiver(status(500)).listening() as receiver,
            Receiver(port=receiver.port).listening("127.0.0.2") as inner,
        ):
            async with delivering(tmp_path, allow="127.0.0.1/32", resolve=resolve) as outbox:
                await outbox.send(f"http://{HOST}:{receiver.port}/", BODY)
                await until(lambda: outbox.run("SELECT 1 FROM webhook_deliveries WHERE attempts = 2"))
            assert (receiver.connections, inner.connections) == (1, 0)

    asyncio.run(scenario())


@pytest.mark.parametrize("answer", [["127.0.0.1"], ["1.1.1.1", "127.0.0.1"], ["127.0.0.1", "::1"]])
def test_nobody_connects_to_a_host_that_leads_inside(tmp_path: Path, answer: list[str]) -> None:
    async def scenario() -> None:
        async with Receiver().listening() as receiver:
            with capture_logs() as logs:
                async with delivering(tmp_path, allow="10.0.0.0/8", resolve=answering(answer)) as outbox:
                    await outbox.send(f"http://{HOST}:{receiver.port}/", BODY)
                    await until(lambda: put_off(outbox))
        assert receiver.connections == 0
        (line,) = logs
        assert line["reason"] == "RefusedAddress: webhooks may not lead to 127.0.0.1"

    asyncio.run(scenario())


def test_names_that_the_system_knows_are_checked_too(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Receiver().listening() as receiver, delivering(tmp_path, allow="") as outbox:
            for host in ("localhost", "127.0.0.1", "127.1", "[::ffff:127.0.0.1]", "a..b", "[fe80::1%25lo]"):
                await outbox.send(f"http://{host}:{receiver.port}/", BODY)
            await until(lambda: put_off(outbox))
        assert receiver.connections == 0

    asyncio.run(scenario())


def test_an_address_that_takes_no_connection_is_passed_over(tmp_path: Path) -> None:
    async def scenario() -> None:
        resolve = answering(["127.0.0.9", "127.0.0.9", "127.0.0.1"])
        async with Receiver().listening() as receiver, delivering(tmp_path, resolve=resolve) as outbox:
            await outbox.send(f"http://{HOST}:{receiver.port}/", BODY)
            await outbox.empty()
        assert len(receiver.visits) == 1

    asyncio.run(scenario())


def test_an_address_that_took_the_post_is_not_passed_over(tmp_path: Path) -> None:
    async def scenario() -> None:
        resolve = answering(["127.0.0.1", "127.0.0.2"])
        async with (
            Receiver(status(500)).listening() as receiver,
            Receiver(port=receiver.port).listening("127.0.0.2") as other,
            delivering(tmp_path, resolve=resolve) as outbox,
        ):
            await outbox.send(f"http://{HOST}:{receiver.port}/", BODY)
            await until(lambda: put_off(outbox))
            assert (receiver.connections, other.connections) == (1, 0)

    asyncio.run(scenario())


def test_proxies_of_the_environment_are_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        async with Receiver().listening() as receiver, Receiver().listening() as proxy:
            for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
                monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
            async with delivering(tmp_path) as outbox:
                await outbox.send(receiver.url, BODY)
                await outbox.empty()
            assert (receiver.connections, proxy.connections) == (1, 0)

    asyncio.run(scenario())


def test_certificates_are_checked_against_the_host(tmp_path: Path) -> None:
    names = []

    def note(_socket: object, name: str, _context: object) -> None:
        names.append(name)

    async def scenario() -> None:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(CERTIFICATE)
        tls.sni_callback = note
        async with Receiver().listening(tls=tls) as receiver, outbox_in(tmp_path) as outbox:
            await outbox.send(f"https://{HOST}:{receiver.port}/", BODY)
            await outbox.send(f"https://127.0.0.1:{receiver.port}/", BODY)
            await outbox.send(f"https://localhost:{receiver.port}/", BODY)
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tests.server.outbox", str(tmp_path), HOST),
                env={**os.environ, "SSL_CERT_FILE": str(CERTIFICATE)},
            )
            try:
                await until(lambda: outbox.ids() == [3] and put_off(outbox))
            finally:
                process.kill()
                await process.wait()
        hosts = sorted(visit.headers["host"] for visit in receiver.visits)
        assert hosts == [f"127.0.0.1:{receiver.port}", f"{HOST}:{receiver.port}"]
        assert set(names) == {HOST, None, "localhost"}

    asyncio.run(scenario())


def test_a_certificate_that_nobody_trusts(tmp_path: Path) -> None:
    async def scenario() -> None:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(CERTIFICATE)
        async with (
            Receiver().listening(tls=tls) as receiver,
            delivering(tmp_path, resolve=answering(["127.0.0.1"])) as outbox,
        ):
            await outbox.send(f"https://{HOST}:{receiver.port}/", BODY)
            await until(lambda: put_off(outbox))
        assert receiver.visits == []

    asyncio.run(scenario())
