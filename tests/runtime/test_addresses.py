"""Which addresses are public."""

import ipaddress

import pytest

from tests.addresses import METADATA, PUBLIC, PUBLIC_6, SPECIAL, ends
from wriftai_runtime.addresses import is_public


@pytest.mark.parametrize("network", SPECIAL)
def test_no_range_for_special_purposes_is_public(network: str) -> None:
    assert [is_public(ipaddress.ip_address(end)) for end in ends(network)] == [False, False]


@pytest.mark.parametrize("address", [*METADATA, "fe80::1%eth0", "2001:db8::1%1"])
def test_what_only_some_can_reach_is_not_public(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", [*PUBLIC, *PUBLIC_6])
def test_what_lies_beside_such_ranges_is_public(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("private", ["127.0.0.1", "10.0.0.1", "169.254.169.254"])
@pytest.mark.parametrize(
    "form", ["::{}", "::ffff:{}", "64:ff9b::{}", "64:ff9b:1::{}", "2002:{}::", "2001:0:{}::"]
)
def test_what_holds_an_address_is_no_other_way_to_it(form: str, private: str) -> None:
    number = int(ipaddress.ip_address(private))
    inside = private if form.endswith("{}") else f"{number >> 16:x}:{number & 0xFFFF:x}"
    assert not is_public(ipaddress.ip_address(form.format(inside)))
