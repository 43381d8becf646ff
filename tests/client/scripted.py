"""Hubs that answer from a script: behind a transport, or in place of the whole `api`."""

import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from wriftai import Client, ClientOptions

ADDRESS = "http://hub.example/v1"


@dataclass(frozen=True)
class Reply:
    """What a hub answers: JSON, or the bytes given."""

    json: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | None = None

    def response(self, request: httpx.Request) -> httpx.Response:
        content = json.dumps(self.json).encode() if self.content is None else self.content
        return httpx.Response(self.status, headers=dict(self.headers), content=content, request=request)


Line = Reply | Exception | Callable[[httpx.Request], httpx.Response]


class ScriptedHub:
    """Answers one request after another; the last line of its script answers all that follow."""

    def __init__(self, *script: Line) -> None:
        self._script = script or (Reply(),)
        self.requests: list[httpx.Request] = []

    def answer(self, request: httpx.Request) -> httpx.Response:
        line = self._script[min(len(self.requests), len(self._script) - 1)]
        self.requests.append(request)
        if isinstance(line, Exception):
            raise line
        return line.response(request) if isinstance(line, Reply) else line(request)

    def client(self, *, max_retries: int = 2, **options: Any) -> Client:
        """Make a client that sees only this hub."""
        chosen: ClientOptions = {"transport": httpx.MockTransport(self.answer), **options}  # type: ignore[typeddict-item]
        return Client(ADDRESS, "token", chosen, max_retries=max_retries)

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(request.content) for request in self.requests]


@dataclass
class Sent:
    """What a resource asked of its `api`."""

    method: str
    path: str
    body: Any = None
    headers: Any = None
    params: Any = None


class RecordingAPI:
    """Has the two methods that resources need, and nothing else; answers in turn, then with the last answer."""

    def __init__(self, *answers: Any) -> None:
        self._answers = answers or (None,)
        self.sent: list[Sent] = []

    def request(self, method: str, path: str, body: Any = None, headers: Any = None, params: Any = None) -> Any:
        answer = self._answers[min(len(self.sent), len(self._answers) - 1)]
        self.sent.append(Sent(method, path, body, headers, params))
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def async_request(
        self, method: str, path: str, body: Any = None, headers: Any = None, params: Any = None
    ) -> Any:
        return self.request(method, path, body, headers, params)


class Pieces(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body that comes in pieces, and may break instead of ending."""

    def __init__(self, *pieces: bytes | Exception) -> None:
        self._pieces = pieces
        self.closed = False

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            if isinstance(piece, Exception):
                raise piece
            yield piece

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self:
            yield piece

    def close(self) -> None:
        self.closed = True

    async def aclose(self) -> None:
        self.closed = True
