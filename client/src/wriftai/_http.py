"""The only module that knows the HTTP library, which another one may replace here."""

import functools
import math
import ssl
import time
from collections.abc import AsyncGenerator, Callable, Generator, Iterator
from contextvars import ContextVar
from typing import Any

import anyio
import httpcore
import httpx
from httpx import (
    AsyncClient,
    Client,
    DecodingError,
    HTTPStatusError,
    InvalidURL,
    Request,
    RequestError,
    Response,
    Timeout,
    UnsupportedProtocol,
)

__all__ = [
    "CONNECTION_FAILURES",
    "AsyncClient",
    "Client",
    "DecodingError",
    "HTTPStatusError",
    "InvalidURL",
    "Patience",
    "Request",
    "RequestError",
    "Response",
    "Timeout",
    "Transport",
    "UnsupportedProtocol",
    "async_pieces",
    "make_async_client",
    "make_client",
    "pieces",
]

CONNECTION_FAILURES = (httpx.NetworkError, httpx.RemoteProtocolError, httpx.ConnectTimeout)
"""The connection failed, rather than the hub or the patience."""

Transport = httpx.BaseTransport | httpx.AsyncBaseTransport


@functools.cache
def _tls() -> ssl.SSLContext:
    # Reading the certificate store takes longer than many calls: once a process, and not before it is needed.
    return httpx.create_ssl_context()


def make_client(headers: dict[str, str], transport: Transport | None) -> Client:
    """Make a blocking client; the transport is used when it serves blocking calls."""
    served = transport if isinstance(transport, httpx.BaseTransport) else None
    if served is not None and not isinstance(served, httpx.HTTPTransport):
        served = _BoundedTransport(served)
    client = _BoundedClient(headers=headers, transport=served, verify=_tls())
    for carrier in (client._transport, *client._mounts.values()):
        if isinstance(carrier, httpx.HTTPTransport):
            _bound(carrier)
    return client


def _bound(transport: httpx.HTTPTransport) -> None:
    # The library has no public place for this; a transport of the caller's may come by again.
    pool = transport._pool
    if not isinstance(pool._network_backend, _BoundedNetwork):
        pool._network_backend = _BoundedNetwork(pool._network_backend)


def make_async_client(headers: dict[str, str], transport: Transport | None) -> AsyncClient:
    """Make an async client; the transport is used when it serves async calls."""
    served = transport if isinstance(transport, httpx.AsyncBaseTransport) else None
    return _BoundedAsyncClient(headers=headers, transport=served, verify=_tls())


class Patience:
    """How long a call may take, in its parts and as a whole.

    Args:
        timeout: Of each part of an attempt, in seconds; None is for ever.

    Attributes:
        total: Seconds that the whole call may take: as long as its most patient part; None is for ever.
        for_reply: Seconds that may go by until something of a reply comes; infinite when there is no limit.
    """

    def __init__(self, timeout: Timeout | float | None) -> None:
        self._timeout = Timeout(timeout)
        self._parts = {
            name: math.inf if seconds is None else seconds for name, seconds in self._timeout.as_dict().items()
        }
        longest = max(self._parts.values())
        self.total: float | None = None if math.isinf(longest) else longest
        self.for_reply = self._parts["read"]

    def options(self, deadline: float | None, *, again: bool = False) -> dict[str, Any]:
        """Give the options that keep an attempt within its parts and before a deadline.

        Args:
            deadline: On the monotonic clock, in seconds; None means never.
            again: Whether there was an attempt before, so that less than the whole is left.
        """
        if deadline is None:
            return {"timeout": self._timeout}
        if not again:
            return {"timeout": self._timeout, "extensions": {"deadline": deadline}}
        left = max(deadline - time.monotonic(), 0.001)
        parts = {name: min(seconds, left) for name, seconds in self._parts.items()}
        return {"timeout": Timeout(**parts), "extensions": {"deadline": deadline}}


Check = Callable[[Response], None]


def pieces(client: Any, path: str, options: dict[str, Any], check: Check) -> Generator[bytes, None, None]:
    """Get a path and give the bytes of the reply as they come.

    Args:
        client: Blocking.
        path: Quoted, relative to the base address of the client.
        options: Of the request.
        check: Sees the reply first, already read if it is an error, and may raise.
    """
    with client.stream("GET", path, **options) as response:
        if not response.is_success:
            response.read()
        check(response)
        yield from response.iter_bytes()


async def async_pieces(
    client: Any, path: str, options: dict[str, Any], check: Check
) -> AsyncGenerator[bytes, None]:
    """Do what `pieces` does with an async client."""
    async with client.stream("GET", path, **options) as response:
        if not response.is_success:
            await response.aread()
        check(response)
        async for piece in response.aiter_bytes():
            yield piece


_GRACE = 0.1  # The timeouts of the parts speak first: they name the part, and leave no socket open behind them.
_PIECE = 65536
_TOO_SLOW = "The call did not end before its timeout."

_deadline: ContextVar[float | None] = ContextVar("_deadline", default=None)
"""Of the blocking request that is under way, on the monotonic clock; None means never."""


def _allowed(seconds: float | None) -> float | None:
    """Cut a wait of the blocking request that is under way to the time that it has left.

    Raises:
        httpcore.ReadTimeout: It has none left.
    """
    deadline = _deadline.get()
    if deadline is None:
        return seconds
    left = deadline - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout(_TOO_SLOW)
    return left if seconds is None else min(seconds, left)


class _BoundedClient(Client):
    """A client that gives up on a server that goes on and on, past the deadline of its request."""

    def send(self, request: Request, **options: Any) -> Response:
        token = _deadline.set(request.extensions.get("deadline"))
        try:
            return super().send(request, **options)
        finally:
            _deadline.reset(token)


class _BoundedAsyncClient(AsyncClient):
    """The same for async calls, where the whole exchange can be cancelled."""

    async def send(self, request: Request, *, stream: bool = False, **options: Any) -> Response:
        deadline = request.extensions.get("deadline")
        left = None if deadline is None else deadline - time.monotonic() + _GRACE
        try:
            with anyio.fail_after(left):
                return await super().send(request, stream=stream, **options)
        except TimeoutError:
            raise httpx.ReadTimeout(_TOO_SLOW, request=request) from None


class _BoundedTransport(httpx.BaseTransport):
    """A transport of the caller's, whose replies end in time though it knows of no deadline."""

    def __init__(self, transport: httpx.BaseTransport) -> None:
        self._transport = transport

    def handle_request(self, request: Request) -> Response:
        response = self._transport.handle_request(request)
        deadline = request.extensions.get("deadline")
        if deadline is not None and isinstance(response.stream, httpx.SyncByteStream):
            response.stream = _BoundedStream(response.stream, request, deadline)
        return response

    def close(self) -> None:
        self._transport.close()


class _BoundedStream(httpx.SyncByteStream):
    def __init__(self, stream: httpx.SyncByteStream, request: Request, deadline: float) -> None:
        self._stream = stream
        self._request = request
        self._deadline = deadline

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._stream:
            if time.monotonic() > self._deadline:
                raise httpx.ReadTimeout(_TOO_SLOW, request=self._request)
            yield chunk

    def close(self) -> None:
        self._stream.close()


class _BoundedNetwork(httpcore.NetworkBackend):
    """Opens sockets of which no single wait outlasts the request, however many waits there are."""

    def __init__(self, network: httpcore.NetworkBackend) -> None:
        self._network = network

    def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, *args: Any, **options: Any
    ) -> httpcore.NetworkStream:
        return _BoundedSocket(self._network.connect_tcp(host, port, _allowed(timeout), *args, **options))

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, *args: Any, **options: Any
    ) -> httpcore.NetworkStream:
        return _BoundedSocket(self._network.connect_unix_socket(path, _allowed(timeout), *args, **options))


class _BoundedSocket(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _allowed(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), _PIECE):
            self._stream.write(buffer[start : start + _PIECE], _allowed(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _BoundedSocket(self._stream.start_tls(ssl_context, server_hostname, _allowed(timeout)))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
