"""The two ways of calling the client, so that a test that takes a side is run both ways."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
from contextlib import aclosing
from itertools import islice
from typing import Any, ParamSpec, TypeVar

from wriftai import Client
from wriftai.predictions import AsyncWaitOptions, PredictionWithIO, WaitOptions

P = ParamSpec("P")
T = TypeVar("T")
OnPoll = Callable[[PredictionWithIO], None]


class Blocking:
    """Calls a method as it is."""

    def call(self, method: Callable[P, object], /, *args: P.args, **kwargs: P.kwargs) -> Any:
        return method(*args, **kwargs)

    def collect(self, method: Callable[P, Iterable[T]], /, *args: P.args, **kwargs: P.kwargs) -> list[T]:
        return list(method(*args, **kwargs))

    def first(self, method: Callable[P, Iterator[T]], /, *args: P.args, **kwargs: P.kwargs) -> list[T]:
        """Take one item and leave the rest."""
        return list(islice(method(*args, **kwargs), 1))

    def close(self, client: Client) -> None:
        client.close()

    def wait_options(self, poll_interval: float = 1.0, on_poll: OnPoll | None = None) -> Any:
        return WaitOptions(poll_interval, on_poll)


class Awaiting:
    """Awaits the `async_` twin of a method, each time in an event loop of its own."""

    def call(self, method: Callable[P, object], /, *args: P.args, **kwargs: P.kwargs) -> Any:
        return asyncio.run(twin_of(method)(*args, **kwargs))

    def collect(self, method: Callable[P, Iterable[T]], /, *args: P.args, **kwargs: P.kwargs) -> list[T]:
        async def collected() -> list[T]:
            return [item async for item in twin_of(method)(*args, **kwargs)]

        return asyncio.run(collected())

    def first(self, method: Callable[P, Iterator[T]], /, *args: P.args, **kwargs: P.kwargs) -> list[T]:
        async def taken() -> list[T]:
            items: AsyncGenerator[T, None] = twin_of(method)(*args, **kwargs)
            async with aclosing(items):
                return [await anext(items)]

        return asyncio.run(taken())

    def close(self, client: Client) -> None:
        asyncio.run(client.aclose())

    def wait_options(self, poll_interval: float = 1.0, on_poll: OnPoll | None = None) -> Any:
        async def told(prediction: PredictionWithIO) -> None:
            assert on_poll
            on_poll(prediction)

        return AsyncWaitOptions(poll_interval, told if on_poll else None)


Side = Blocking | Awaiting


def twin_of(method: Callable[..., Any]) -> Any:
    """Give the awaitable twin of a bound method."""
    bound: Any = method
    return getattr(bound.__self__, f"async_{bound.__name__}")
