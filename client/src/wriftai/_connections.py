"""HTTP clients that come into being with their first call."""

import threading
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from contextlib import AbstractAsyncContextManager, AbstractContextManager

    from wriftai import _http


class Connection:
    """Stands for a blocking HTTP client until one is needed; closed, it opens anew with the next call.

    Args:
        base_url: What paths are relative to.
        headers: Sent with each request.
        transport: Carries the requests, where it can carry blocking ones; None means the network.
    """

    def __init__(self, base_url: str, headers: dict[str, str], transport: "_http.Transport | None") -> None:
        self._settings = (base_url, headers, transport)
        self._client: _http.Client | None = None
        self._making = threading.Lock()

    def request(self, method: str, url: str, **options: Any) -> "_http.Response":
        """Send a request and read its reply."""
        return self._opened().request(method, url, **options)

    def stream(self, method: str, url: str, **options: Any) -> "AbstractContextManager[_http.Response]":
        """Send a request and leave its reply to be read as it comes."""
        return self._opened().stream(method, url, **options)

    def close(self) -> None:
        """Close what is open."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def _opened(self) -> "_http.Client":
        if self._client is None:
            from wriftai import _http

            with self._making:
                if self._client is None:
                    self._client = _http.make_client(*self._settings)
        return self._client


class AsyncConnection:
    """Stands for one async HTTP client an event loop, so that it outlives any single `asyncio.run`.

    Args:
        base_url: What paths are relative to.
        headers: Sent with each request.
        transport: Carries the requests, where it can carry async ones; None means the network.
    """

    def __init__(self, base_url: str, headers: dict[str, str], transport: "_http.Transport | None") -> None:
        self._settings = (base_url, headers, transport)
        self._clients: WeakKeyDictionary[AbstractEventLoop, _http.AsyncClient] = WeakKeyDictionary()

    async def request(self, method: str, url: str, **options: Any) -> "_http.Response":
        """Send a request and read its reply."""
        return await self._opened().request(method, url, **options)

    def stream(self, method: str, url: str, **options: Any) -> "AbstractAsyncContextManager[_http.Response]":
        """Send a request and leave its reply to be read as it comes."""
        return self._opened().stream(method, url, **options)

    async def aclose(self) -> None:
        """Close what the running event loop has open."""
        import asyncio

        client = self._clients.pop(asyncio.get_running_loop(), None)
        if client is not None:
            await client.aclose()

    def _opened(self) -> "_http.AsyncClient":
        import asyncio

        loop = asyncio.get_running_loop()
        client = self._clients.get(loop)
        if client is None:
            from wriftai import _http

            client = self._clients[loop] = _http.make_async_client(*self._settings)
        return client
