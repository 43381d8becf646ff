"""The seam between the resources and the network."""

import uuid
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Protocol

from wriftai._events import EventReader, ServerSentEvent
from wriftai._operations import Step, each, operation, sleep, stream_operation, stream_twin, twin
from wriftai._policy import Deadline, retry_delay

if TYPE_CHECKING:
    from wriftai import _http

__all__ = ["API"]


class HTTPClient(Protocol):
    """What the API needs of an HTTP client, in the shape of `httpx.Client` or `httpx.AsyncClient`."""

    @property
    def request(self) -> Callable[..., Any]:
        """Send a request and read its reply."""
        ...

    @property
    def stream(self) -> Callable[..., Any]:
        """Send a request and give a context manager over its reply."""
        ...


class API:
    """Makes requests and gives decoded JSON.

    Args:
        sync_client: Sends the requests of `request`; its base address is the hub's.
        async_client: Sends those of `async_request`.
        max_retries: How many more attempts a call gets after a failed connection, a 429 or a 5xx.
        timeout: Seconds, or `httpx.Timeout`. Bounds each part of an attempt, and its largest part bounds the
            whole call, retries included. None leaves it to the clients.
    """

    def __init__(
        self,
        sync_client: HTTPClient,
        async_client: HTTPClient,
        *,
        max_retries: int = 2,
        timeout: "_http.Timeout | float | None" = None,
    ) -> None:
        self._sync_client = sync_client
        self._async_client = async_client
        self._max_retries = max_retries
        self._timeout = timeout
        self._known_patience: _http.Patience | None = None

    @property
    def longest_hold(self) -> float:
        """Seconds for which the hub may hold back a reply; 0 when the patience is that of the clients.

        It is half of what a reply may take, so that one that fails leaves time for another.
        """
        patience = self._patience()
        return 0 if patience is None else patience.for_reply / 2

    @operation
    async def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> Any:
        """Send a request, again if it fails in passing, and decode the reply.

        A POST is repeated only under an `Idempotency-Key` made here and sent with each attempt; one that the
        caller gives is sent once.

        Args:
            method: HTTP method, in capitals.
            path: Quoted, relative to the hub's base address.
            body: Sent as JSON unless None.
            headers: Sent beside the client's own.
            params: Of the query; a sequence repeats its key.

        Returns:
            Decoded JSON; None for an empty body.

        Raises:
            APIStatusError: The hub answered with an error.
            httpx.TransportError: The network failed, or the time was up.
            httpx.DecodingError: The reply is not JSON.
        """
        from wriftai import errors  # The HTTP library comes with the first call.

        sent, retries = self._repeatable(method, headers)
        patience = self._patience()
        deadline = Deadline.after(None if patience is None else patience.total)
        options = _given(json=body, headers=sent, params=params)
        attempt = 0
        while True:
            try:
                response = await self._send(method, path, options | self._bounds(deadline, attempt))
                errors.raise_for_status(response)
                return _decoded(response)
            except errors.PASSING as error:
                delay = retry_delay(attempt, errors.reply_headers(error))
                if attempt >= retries or not deadline.allows(delay):
                    raise
            await sleep(delay)
            attempt += 1

    async_request = twin(request)

    @stream_operation
    async def stream(
        self, path: str, params: Mapping[str, Any] | None = None
    ) -> AsyncGenerator[ServerSentEvent, None]:
        """Read the server-sent events of a path while they come, over one connection.

        Args:
            path: Quoted, relative to the hub's base address.
            params: Of the query.

        Raises:
            APIStatusError: The hub answered with an error.
            httpx.TransportError: The network failed, or nothing came for the length of the timeout.
        """
        from wriftai import _http, errors

        options = _given(headers={"accept": "text/event-stream"}, params=params)
        options |= self._bounds(Deadline(None))
        received = each(
            lambda: _http.pieces(self._sync_client, path, options, errors.raise_for_status),
            lambda: _http.async_pieces(self._async_client, path, options, errors.raise_for_status),
        )
        reader = EventReader()
        async with aclosing(received) as pieces:
            async for piece in pieces:
                for event in reader.feed(piece):
                    yield event

    async_stream = stream_twin(stream)

    def _send(self, method: str, path: str, options: dict[str, Any]) -> "Step[_http.Response]":
        return Step(
            lambda: self._sync_client.request(method, path, **options),
            lambda: self._async_client.request(method, path, **options),
        )

    def _repeatable(self, method: str, headers: Mapping[str, str] | None) -> tuple[dict[str, str] | None, int]:
        if method.upper() != "POST":
            return (None if headers is None else dict(headers)), self._max_retries
        sent = dict(headers or {})
        if any(name.lower() == "idempotency-key" for name in sent):
            return sent, 0
        return {**sent, "Idempotency-Key": str(uuid.uuid4())}, self._max_retries

    def _bounds(self, deadline: Deadline, attempt: int = 0) -> dict[str, Any]:
        patience = self._patience()
        return {} if patience is None else patience.options(deadline.at, again=attempt > 0)

    def _patience(self) -> "_http.Patience | None":
        if self._known_patience is None and self._timeout is not None:
            from wriftai import _http

            self._known_patience = _http.Patience(self._timeout)
        return self._known_patience


def _given(**options: Any) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def _decoded(response: "_http.Response") -> Any:
    if not response.content:
        return None
    try:
        return response.json()
    except ValueError as error:
        from wriftai import _http

        kind = response.headers.get("content-type", "no content type")
        raise _http.DecodingError(
            f"{response.url} answered {kind} instead of JSON: is the api_base_url a hub's, with its /v1?",
            request=response.request,
        ) from error
