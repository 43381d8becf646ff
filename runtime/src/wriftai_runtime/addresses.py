"""Which addresses anyone may be led to: a hub and its models may stand where those who name an address do not."""

import ipaddress

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# What IANA's registries of special-purpose addresses list, and what Python does not know, or not in each release.
_SPECIAL = tuple(
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",  # Between a provider and its customers.
        "127.0.0.0/8",
        "168.63.129.16/32",  # Gives Azure's machines their settings.
        "169.254.0.0/16",  # Link-local, with the metadata of most clouds.
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",  # Multicast and reserved.
        "2001::/23",  # Teredo and other protocols.
        "2001:db8::/32",
        "2002::/16",  # 6to4: the address of any IPv4 host is inside.
        "2620:4f:8000::/48",
        "3fff::/20",
    )
)
# All of IPv6 that is given to anyone. Outside are loopback, link-local, unique local, multicast, and the forms
# that hold an IPv4 address, which would be another way to it (::ffff:0:0/96, 64:ff9b::/96 and more).
_GIVEN = ipaddress.ip_network("2000::/3")


def is_public(address: Address) -> bool:
    """Tell whether an address is one of the public internet, and no way to another that is not."""
    if address.version == 6 and address not in _GIVEN:
        return False
    return address.is_global and not any(address in network for network in _SPECIAL)
