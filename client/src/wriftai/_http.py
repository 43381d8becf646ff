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
from httpx import AsyncClient, Client, DecodingError, HTTPStatusError, Request, Response, Timeout

__all__ = [
    "CONNECTION_FAILURES",
    "AsyncClient",
    "Client",
    "DecodingError",
    "HTTPStatusError",
    "Request",
    "Response",
    "Timeout",
    "Transport",
    "async_pieces",
    "limits",
    "make_async_client",
    "make_client",
    "pieces",
    "total_seconds",
]

CONNECTION_FAILURES = (httpx.NetworkError, httpx.RemoteProtocolError, httpx.ConnectTimeout)
"""The connection failed, rather than the hub or the patience."""

Transport = httpx.BaseTransport | httpx.AsyncBaseTransport


@functools.cache
def _tls() -> ssl.SSLContext:
    # Reading the certificate store takes longer than many calls: once a process, and not before it is needed.
    return httpx.create_ssl_context()


def make_client(base_url: str, headers: dict[str, str], transport: Transport | None) -> Client:
    """Make a blocking client; the transport is used when it serves blocking calls."""
    served = transport if isinstance(transport, httpx.BaseTransport) else None
    client = _BoundedClient(base_url=base_url, headers=headers, transport=served, verify=_tls())
    for carrier in (client._transport, *client._mounts.values()):
        if isinstance(carrier, httpx.HTTPTransport) and carrier is not served:
            carrier._pool._network_backend = _BoundedNetwork(carrier._pool._network_backend)
    return client


def make_async_client(base_url: str, headers: dict[str, str], transport: Transport | None) -> AsyncClient:
    """Make an async client; the transport is used when it serves async calls."""
    served = transport if isinstance(transport, httpx.AsyncBaseTransport) else None
    return _BoundedAsyncClient(base_url=base_url, headers=headers, transport=served, verify=_tls())


def total_seconds(timeout: Timeout | float | None) -> float | None:
    """Tell how long a whole call may take: as long as its most patient part; None is for ever."""
    parts = [math.inf if part is None else part for part in Timeout(timeout).as_dict().values()]
    longest: float = max(parts)
    return None if math.isinf(longest) else longest


def limits(timeout: Timeout | float | None, deadline: float | None) -> dict[str, Any]:
    """Give the options that keep one attempt within its timeouts and before a deadline.

    Args:
        timeout: Of each part of an attempt, in seconds.
        deadline: On the monotonic clock, in seconds; None means never.
    """
    if deadline is None:
        return {"timeout": Timeout(timeout)}
    left = max(deadline - time.monotonic(), 0.001)
    parts = {
        name: left if seconds is None else min(seconds, left)
        for name, seconds in Timeout(timeout).as_dict().items()
    }
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

    def send(self, request: Request, *, stream: bool = False, **options: Any) -> Response:
        deadline = request.extensions.get("deadline")
        token = _deadline.set(deadline)
        try:
            response = super().send(request, stream=True, **options)
            if deadline is not None and isinstance(response.stream, httpx.SyncByteStream):
                response.stream = _BoundedStream(response.stream, request, deadline)
            if not stream:
                try:
                    response.read()
                finally:
                    response.close()
        finally:
            _deadline.reset(token)
        return response


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


class _BoundedStream(httpx.SyncByteStream):
    """The body of a reply, whatever transport it comes from."""

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
