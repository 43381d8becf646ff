"""Fetching files over checked addresses, with bounded size, time and redirects."""

import contextlib
import http.client
import ipaddress
import socket
import ssl
import urllib.parse
from collections.abc import Sequence
from pathlib import Path

from wriftai_runtime._version import __version__
from wriftai_runtime.downloads import Download, where
from wriftai_runtime.faults import Fault

_CHUNK = 1 << 20
_MOST_REDIRECTS = 5
_REDIRECTS = {301, 302, 303, 307, 308}
# What Python does not know, or not in each release.
_SPECIAL = tuple(
    ipaddress.ip_network(text)
    for text in (
        "168.63.129.16/32",  # Gives Azure's machines their settings.
        "192.0.0.0/24",
        "192.88.99.0/24",
        "::/3",  # Holds the forms with an IPv4 address inside: ::ffff:0:0/96, 64:ff9b::/96.
        "2001::/23",
        "2002::/16",
        "3fff::/20",
        "4000::/2",  # Given to nobody, as are the next.
        "8000::/1",
    )
)
_HEADERS = {"User-Agent": f"wriftai-runtime/{__version__}", "Accept": "*/*", "Accept-Encoding": "identity"}


class Fetch:
    """Fetches files.

    Args:
        terms: How.
    """

    def __init__(self, terms: Download) -> None:
        self._terms = terms

    def store(self, url: str, path: Path) -> None:
        """Store what a URL leads to.

        Raises:
            Fault: It cannot be fetched or stored, or is too large; of the kind "input".
        """
        address = url
        for _ in range(_MOST_REDIRECTS + 1):
            connection = self._connection(address)
            try:
                target = self._take(connection, address, path)
            finally:
                connection.close()
            if target is None:
                return
            address = urllib.parse.urljoin(address, target)
        raise _fault(url, f"it redirects more than {_MOST_REDIRECTS} times")

    def _connection(self, url: str) -> http.client.HTTPConnection:
        try:
            parts = urllib.parse.urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError as error:
            raise _fault(url, f"it is not a URL ({error})") from None
        if parts.scheme not in ("http", "https") or not host:
            raise _fault(url, "only http and https URLs with a host are fetched")
        secure = parts.scheme == "https"
        port = port or (443 if secure else 80)
        kind = _CheckedHTTPS if secure else _Checked
        return kind(host, port, self._addresses(url, host, port), self._terms.patience)

    def _addresses(self, url: str, host: str, port: int) -> list[str]:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise _fault(url, f"its host is not found ({error})") from None
        addresses = [str(entry[4][0]) for entry in found]
        if not self._terms.allows_private and not all(map(is_public, addresses)):
            raise _fault(url, "its address is not a public one")
        return addresses

    def _take(self, connection: http.client.HTTPConnection, url: str, path: Path) -> str | None:
        parts = urllib.parse.urlsplit(url)
        whole = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        target = urllib.parse.quote(whole, safe="/?%:@!$&'()*+,;=~[]")
        try:
            connection.request("GET", target, headers=_HEADERS)
            answer = connection.getresponse()
            if answer.status in _REDIRECTS and answer.headers.get("Location"):
                return answer.headers["Location"]
            if answer.status != 200:
                raise _fault(url, f"the answer was {answer.status} {answer.reason}".rstrip())
            if (answer.length or 0) > self._terms.most:
                raise self._too_large(url)
            self._write(answer, url, path)
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise _fault(url, str(error) or type(error).__name__) from None
        return None

    def _write(self, answer: http.client.HTTPResponse, url: str, path: Path) -> None:
        size = 0
        with path.open("wb") as file:
            while chunk := answer.read(_CHUNK):
                size += len(chunk)
                if size > self._terms.most:
                    raise self._too_large(url)
                file.write(chunk)
        if answer.length:
            raise _fault(url, f"it ended {answer.length:,} bytes early")

    def _too_large(self, url: str) -> Fault:
        return _fault(url, f"it has more than {self._terms.most:,} bytes")


class _Checked(http.client.HTTPConnection):
    """A connection to addresses that were checked before, whatever the name means now."""

    def __init__(self, host: str, port: int, addresses: Sequence[str], patience: float) -> None:
        super().__init__(host, port, timeout=patience)
        self._addresses = addresses

    def connect(self) -> None:
        *others, last = self._addresses
        for address in others:
            with contextlib.suppress(OSError):
                self.sock = socket.create_connection((address, self.port), self.timeout)
                return
        self.sock = socket.create_connection((last, self.port), self.timeout)


class _CheckedHTTPS(_Checked):
    default_port = http.client.HTTPS_PORT

    def connect(self) -> None:
        super().connect()
        self.sock = ssl.create_default_context().wrap_socket(self.sock, server_hostname=self.host)


def is_public(address: str) -> bool:
    """Tell whether an IP address is one of the public internet, and no way to another that is not."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    return ip.is_global and not ip.is_multicast and not any(ip in network for network in _SPECIAL)


def _fault(url: str, reason: str) -> Fault:
    return Fault("input", f"The file {where(url)} cannot be fetched: {reason}.")
