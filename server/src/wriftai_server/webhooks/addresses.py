"""Which addresses a webhook may lead to.

Callers choose where the hub posts to, and the hub may stand where they do not: beside a database, or a service
that gives credentials to whoever asks from the same machine. So a webhook leads to public addresses only, and to
those that the operator allows. A name is looked up once, all its addresses are judged, and the connection is made
to one of them: whoever answers differently the next time (DNS rebinding) gains nothing.
"""

import functools
import ipaddress
import re
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable

import httpx

from wriftai_runtime.addresses import Address, is_public
from wriftai_server.http.problems import Malformed, malformed
from wriftai_server.settings import Network, networks
from wriftai_server.threads import apart

Resolve = Callable[[str, int], Awaitable[list[str]]]

# A name as it can be looked up, and as a certificate can have it: so without a dot at its end.
_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*")
_DEFAULT_PORTS = {"http": 80, "https": 443}


class RefusedAddress(Exception):
    """A webhook leads to an address that is not for it."""


def check_url(url: str, allowed: str) -> None:
    """Refuse what no webhook can be posted to, as far as that shows without looking a name up.

    Args:
        url: What a caller gave as `webhook_url`.
        allowed: Networks that are allowed too, parted by commas: the setting `webhook_allow`.

    Raises:
        Malformed: It is no http(s) URL, its host can be none, or is the address of something that is not public.
    """
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise _unusable(f"It is no URL: {error}.") from None
    if (
        parsed.scheme not in _DEFAULT_PORTS
        or not parsed.raw_host
        or parsed.port == 0
        or (parsed.port or 1) > 65535
    ):
        raise _unusable("Give an absolute http(s) URL, with a port from 1 to 65535 if there is one.")
    host = _host(parsed)
    address = _literal(host)
    if address is None and not _NAME.fullmatch(host):
        raise _unusable(
            f"{host} is no name of a host: it has letters, digits and dashes, single dots between them, and no "
            "percent-encoding."
        )
    if address is not None and not _may_be_reached(address, networks(allowed)):
        raise _unusable(f"Webhooks are posted to public addresses only, and {host} is none.")


async def look_up(host: str, port: int) -> list[str]:
    """Find the addresses of a host, on a thread of its own.

    Raises:
        OSError: There are none, or nobody can tell now.
    """
    # The event loop has few threads for it: names that take long would hold up all others.
    found = await apart(lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM), name="look-up")
    return [str(entry[4][0]) for entry in found]


class CheckedTransport(httpx.AsyncBaseTransport):
    """Carries requests to hosts all of whose addresses a webhook may lead to.

    Each has a connection of its own: one to an address would serve any name that leads there, whatever its
    certificate says. Redirects, cookies and proxies are a client's affair, so there are none.

    Args:
        allowed: Networks that are allowed too, parted by commas: the setting `webhook_allow`.
        resolve: Finds the addresses of a host and port.
    """

    def __init__(self, allowed: str, resolve: Resolve) -> None:
        self._allowed = networks(allowed)
        self._resolve = resolve

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request to the first address of its host that takes the connection.

        Raises:
            RefusedAddress: One of the addresses is not for webhooks.
            OSError: The host has no address.
            httpx.TransportError: It cannot be reached, or does not speak HTTP.
        """
        addresses = await self._checked(request.url)
        failure: Exception = OSError("the host has no address")
        carrier = httpx.AsyncHTTPTransport(_tls(), limits=httpx.Limits(max_keepalive_connections=0))
        for address in addresses:
            try:
                return await carrier.handle_async_request(_aimed(request, address))
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                failure = error
        raise failure

    async def _checked(self, url: httpx.URL) -> list[str]:
        port = url.port or _DEFAULT_PORTS[url.scheme]
        addresses = list(dict.fromkeys(await self._resolve(_host(url), port)))
        for address in addresses:
            if not _may_be_reached(ipaddress.ip_address(address), self._allowed):
                raise RefusedAddress(f"webhooks may not lead to {address}")
        return addresses


@functools.cache
def _tls() -> ssl.SSLContext:
    # Reading the certificate store takes a tenth of a second and megabytes, and many hubs post no webhooks.
    return httpx.create_ssl_context()


def _aimed(request: httpx.Request, address: str) -> httpx.Request:
    """Make a request that goes to an address, and asks there for the host that it was made for."""
    return httpx.Request(
        request.method,
        request.url.copy_with(host=address),
        headers=request.headers,
        stream=request.stream,
        extensions={**request.extensions, "sni_hostname": _host(request.url)},
    )


def _host(url: httpx.URL) -> str:
    return url.raw_host.decode("ascii")


def _may_be_reached(address: Address, allowed: Iterable[Network]) -> bool:
    return any(address in network for network in allowed) or is_public(address)


def _literal(host: str) -> Address | None:
    """Read a host that is an address, in any spelling that the system's resolver takes for one."""
    if host == "localhost" or host.endswith(".localhost"):
        return ipaddress.ip_address("127.0.0.1")
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        pass
    try:
        return ipaddress.ip_address(socket.inet_aton(host))
    except OSError:
        return None


def _unusable(msg: str) -> Malformed:
    return malformed("body", "webhook_url", msg=msg)
