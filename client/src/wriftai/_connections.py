"""HTTP clients that come into being with their first call."""

import threading
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from contextlib import AbstractContextManager

    from wriftai import _http

    OpenClient = tuple[_http.AsyncClient, AsyncGenerator[_http.AsyncClient, None]]


class Connection:
    """Stands for a blocking HTTP client until one is needed; closed, it opens anew with the next call.

    Args:
        base_url: Comes before each path; whole addresses, as pages name them, go without.
        headers: Sent with each request.
        transport: Carries the requests, where it can carry blocking ones; None means the network.
    """

    def __init__(self, base_url: str, headers: dict[str, str], transport: "_http.Transport | None") -> None:
        # Whole addresses: the HTTP library takes a tenth of a call to put a relative one behind its base.
        self._base_url = base_url.rstrip("/")
        self._settings = (headers, transport)
        self._client: _http.Client | None = None
        self._making = threading.Lock()

    def request(self, method: str, url: str, **options: Any) -> "_http.Response":
        """Send a request and read its reply."""
        return self._opened().request(method, _address(self._base_url, url), **options)

    def stream(self, method: str, url: str, **options: Any) -> "AbstractContextManager[_http.Response]":
        """Send a request and leave its reply to be read as it comes."""
        return self._opened().stream(method, _address(self._base_url, url), **options)

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
    """Stands for one async HTTP client an event loop, open until that loop shuts down.

    Args:
        base_url: Comes before each path; whole addresses, as pages name them, go without.
        headers: Sent with each request.
        transport: Carries the requests, where it can carry async ones; None means the network.
    """

    def __init__(self, base_url: str, headers: dict[str, str], transport: "_http.Transport | None") -> None:
        # Whole addresses: the HTTP library takes a tenth of a call to put a relative one behind its base.
        self._base_url = base_url.rstrip("/")
        self._settings = (headers, transport)
        self._open: WeakKeyDictionary[AbstractEventLoop, OpenClient] = WeakKeyDictionary()

    async def request(self, method: str, url: str, **options: Any) -> "_http.Response":
        """Send a request and read its reply."""
        client = await self._opened()
        return await client.request(method, _address(self._base_url, url), **options)

    @asynccontextmanager
    async def stream(self, method: str, url: str, **options: Any) -> "AsyncGenerator[_http.Response, None]":
        """Send a request and leave its reply to be read as it comes."""
        client = await self._opened()
        async with client.stream(method, _address(self._base_url, url), **options) as response:
            yield response

    async def aclose(self) -> None:
        """Close what the running event loop has open."""
        import asyncio

        _, lifetime = self._open.get(asyncio.get_running_loop(), (None, None))
        if lifetime is not None:
            await lifetime.aclose()

    async def _opened(self) -> "_http.AsyncClient":
        import asyncio

        loop = asyncio.get_running_loop()
        client, _ = self._open.get(loop, (None, None))
        if client is None:
            lifetime = self._lifetime(loop)
            client = await anext(lifetime)
            self._open[loop] = (client, lifetime)
        return client

    async def _lifetime(self, loop: "AbstractEventLoop") -> "AsyncGenerator[_http.AsyncClient, None]":
        # A loop that shuts down closes its generators, so that `asyncio.run` leaves no socket of ours behind.
        from wriftai import _http

        client = _http.make_async_client(*self._settings)
        try:
            yield client
        finally:
            del self._open[loop]
            await client.aclose()


def _address(base_url: str, url: str) -> str:
    if url.startswith("/"):
        return base_url + url
    return url if "://" in url else f"{base_url}/{url}"
