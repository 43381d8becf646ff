"""A hub in this process: as it is built for serving, without a server and its sockets."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx

from tests.databases import address_of
from wriftai_server.app import build
from wriftai_server.settings import Settings

_PATIENCE_SECONDS = 120


class _Pieces(httpx.AsyncByteStream):
    """The body of a blocking request, as one that awaits sends it."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._stream:
            yield piece


class InsideHub(httpx.BaseTransport):
    """Carries blocking requests to a hub that runs on a loop of its own, for as long as each takes.

    Args:
        data_dir: Folder of the hub.
        settings: Those that differ from the usual ones.
    """

    url = "http://hub.test/v1"

    def __init__(self, data_dir: Path, **settings: Any) -> None:
        self.data_dir = data_dir
        self._runner = asyncio.Runner()
        app: Any = build(
            Settings(data_dir=data_dir, database=address_of(data_dir), log_level="error", **settings)
        )
        self._app = app
        self._requests = httpx.ASGITransport(app)
        self._runner.run(self._start())

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self._runner.run(self._answer(request))

    def stop(self) -> None:
        """End it in good order."""
        self._runner.run(self._stop())
        self._runner.close()

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        asked = httpx.Request(
            request.method,
            request.url,
            headers=request.headers,
            stream=_Pieces(request.stream),
            extensions=request.extensions,
        )
        # An answer that does not end, as a stream may not, fails the test.
        async with asyncio.timeout(_PATIENCE_SECONDS):
            response = await self._requests.handle_async_request(asked)
            body = await response.aread()
        return httpx.Response(response.status_code, headers=response.headers, content=body)

    async def _start(self) -> None:
        self._told: asyncio.Queue[Any] = asyncio.Queue()
        self._said: asyncio.Queue[Any] = asyncio.Queue()
        scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
        self._life = asyncio.create_task(self._app(scope, self._told.get, self._said.put))
        await self._told.put({"type": "lifespan.startup"})
        said = await self._said.get()
        assert said["type"] == "lifespan.startup.complete", said

    async def _stop(self) -> None:
        await self._told.put({"type": "lifespan.shutdown"})
        await self._life
