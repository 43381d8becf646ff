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
from wriftai_runtime.addresses import is_public
from wriftai_runtime.faults import Fault
from wriftai_runtime.urls import where

_CHUNK = 1 << 20
_MOST_REDIRECTS = 5
_REDIRECTS = {301, 302, 303, 307, 308}
_HEADERS = {"User-Agent": f"wriftai-runtime/{__version__}", "Accept": "*/*", "Accept-Encoding": "identity"}


class Fetch:
    """Fetches files.

    Args:
        most: Bytes that one file may have.
        allows_private: Addresses that are not public are allowed too.
        patience: Seconds to wait for each connection and each piece of an answer.
    """

    def __init__(self, *, most: int, allows_private: bool, patience: float) -> None:
        self._most = most
        self._allows_private = allows_private
        self._patience = patience

    def store(self, url: str, path: Path) -> None:
        """Store what a URL leads to in a file.

        Args:
            url: An http or https URL; up to 5 redirects are followed.
            path: Of the file, which is made or written over.

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
        return kind(host, port, self._addresses(url, host, port), self._patience)

    def _addresses(self, url: str, host: str, port: int) -> list[str]:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise _fault(url, f"its host is not found ({error})") from None
        addresses = [str(entry[4][0]) for entry in found]
        if not self._allows_private and not all(map(is_public, map(ipaddress.ip_address, addresses))):
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
            if (answer.length or 0) > self._most:
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
                if size > self._most:
                    raise self._too_large(url)
                file.write(chunk)
        if answer.length:
            raise _fault(url, f"it ended {answer.length:,} bytes early")

    def _too_large(self, url: str) -> Fault:
        return _fault(url, f"it has more than {self._most:,} bytes")


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


def _fault(url: str, reason: str) -> Fault:
    return Fault("input", f"The file {where(url)} cannot be fetched: {reason}.")
