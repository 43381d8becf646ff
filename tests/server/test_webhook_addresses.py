"""Where webhooks may be posted to."""

import asyncio
import ipaddress
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.addresses import METADATA, PUBLIC, PUBLIC_6, SPECIAL
from tests.server.command import invoke
from wriftai_server.http.problems import Malformed
from wriftai_server.webhooks.addresses import CheckedTransport, RefusedAddress, check_url


def refused(url: str, allowed: str = "") -> bool:
    """Tell whether a URL is refused when a prediction is made."""
    try:
        check_url(url, allowed)
    except Malformed as error:
        problem = error
    else:
        return False
    assert [fault["loc"] for fault in problem.detail] == [("body", "webhook_url")]
    return problem.status == 422


def refused_when_sent(answers: list[str], allowed: str = "") -> bool:
    """Tell whether a name with some addresses is refused before anyone connects to it."""

    async def resolve(host: str, port: int) -> list[str]:
        assert (host, port) == ("receiver.example", 443)
        return answers

    async def send() -> None:
        transport = CheckedTransport(allowed, resolve)
        await transport.handle_async_request(httpx.Request("POST", "https://receiver.example/"))

    with pytest.raises(RefusedAddress, match="webhooks may not lead to"):
        asyncio.run(send())
    return True


def shown(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    return f"[{address}]" if address.version == 6 else str(address)


@st.composite
def special_addresses(draw: st.DrawFn) -> Any:
    """Draw addresses of all special-purpose ranges, their ends among them."""
    network = ipaddress.ip_network(draw(st.sampled_from(SPECIAL)))
    last = network.num_addresses - 1
    return network[draw(st.sampled_from((0, last)) | st.integers(0, last))]


@settings(deadline=None)
@given(special_addresses())
def test_no_special_address_is_reached(address: Any) -> None:
    assert refused(f"https://{shown(address)}/hook")
    assert refused_when_sent([str(address)])
    assert refused_when_sent([*PUBLIC[:2], str(address)])


@settings(deadline=None)
@given(special_addresses())
def test_the_operator_may_allow_any(address: Any) -> None:
    assert not refused(f"http://{shown(address)}:8080/hook", f"192.0.2.7/32, {address}")


@settings(deadline=None)
@given(st.ip_addresses())
def test_what_holds_an_address_is_no_other_way_to_it(address: Any) -> None:
    if address.version == 4:
        for prefix in ("::", "::ffff:", "64:ff9b::", "64:ff9b:1::"):
            assert refused(f"http://[{prefix}{address}]/")
        assert refused(f"http://[2002:{int(address) >> 16:x}:{int(address) & 0xFFFF:x}::]/")
    elif not address.is_global:
        assert refused(f"http://[{address}]/")


@pytest.mark.parametrize("address", METADATA)
def test_metadata_of_clouds_is_not_reached(address: str) -> None:
    assert refused(f"http://{shown(ipaddress.ip_address(address))}/latest/meta-data/")


@pytest.mark.parametrize("address", [*PUBLIC, *PUBLIC_6])
def test_public_addresses_are_reached(address: str) -> None:
    assert not refused(f"http://{shown(ipaddress.ip_address(address))}:81/hook")


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost/",
        "http://LOCALHOST:8000/",
        "http://api.localhost/",
        "http://127.1/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://0x7f000001/",
        "http://0177.0.0.1/",
        "http://[::ffff:127.0.0.1]/",
        "http://[fe80::1%25eth0]/",
        "http://①②⑦.⓪.⓪.①/",
        "http://exa\u00admple.com/",
        "https://receiver.example./hook",
        "https://receiver.example\u3002/",
        "http://localhost./",
        "http://127.0.0.1./",
        "http://receiver%2Eexample/",
        "http://%31%32%37.0.0.1/",
        "http://receiver..example/",
        f"http://{'a' * 64}.example/",
        f"http://{'a.' * 126}aa/",
        "ftp://receiver.example/",
        "file:///etc/passwd",
        "receiver.example/hook",
        "http:///hook",
        "http://receiver.example:0/",
        "http://receiver.example:65536/",
        "http://receiver.example:port/",
        "",
    ],
)
def test_what_is_refused_when_a_prediction_is_made(url: str) -> None:
    assert refused(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://receiver.example/hook?token=a#b",
        "http://bücher.example:1/",
        "HTTP://A",
        "http://xn--a/",
        "http://my_receiver.a-b.example/",
        f"http://{'a' * 63}.example/",
    ],
)
def test_names_are_looked_up_when_they_are_posted_to(url: str) -> None:
    assert not refused(url)


def test_only_what_was_allowed_is() -> None:
    assert not refused("http://localhost:8000/", "127.0.0.0/8")
    assert not refused("http://127.255.0.1/", "10.0.0.0/8,127.0.0.0/8")
    assert refused("http://10.0.0.1/", "127.0.0.0/8")
    assert refused("http://[::1]/", "127.0.0.0/8")
    assert refused("http://[::ffff:127.0.0.1]/", "127.0.0.0/8")


@pytest.mark.parametrize("option", ["--webhook-allow", "--trusted-proxies"])
@pytest.mark.parametrize("text", ["localhost", "127.0.0.1/8", "127.0.0.0/33", "10.0.0.0/8;127.0.0.0/8"])
def test_what_is_no_network_is_refused_at_the_start(option: str, text: str) -> None:
    outcome = invoke("serve", option, text, COLUMNS="300")
    assert (outcome.status, outcome.stdout) == (2, "")
    assert "Name addresses, or networks like 127.0.0.0/8" in outcome.stderr
