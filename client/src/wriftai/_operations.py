"""Write an operation once, publish it twice: as a blocking method and as its awaitable twin.

An operation is a coroutine function (or an async generator function) that awaits nothing but `Step`s. A step
knows two ways to do one small thing: by blocking and by awaiting. Two drivers resume the operation with what its
steps answer; only the drivers know which of the two worlds they are in.

    @operation
    async def get(self, owner: str) -> User: ...   # published as the blocking method

    async_get = twin(get)                          # same parameters, awaitable
"""

import functools
import inspect
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Generator
from dataclasses import dataclass
from typing import Any, Generic, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True)
class Step(Generic[T]):
    """One thing that an operation waits for.

    Attributes:
        blocking: Does it and returns the answer.
        awaitable: Starts it and returns what to await for the answer.
    """

    blocking: Callable[[], T]
    awaitable: Callable[[], Awaitable[T]]

    def __await__(self) -> Generator["Step[T]", T, T]:
        return (yield self)


def sleep(seconds: float) -> Step[None]:
    """Make a step that lets `seconds` go by."""

    async def pause() -> None:
        import asyncio

        await asyncio.sleep(seconds)

    return Step(lambda: time.sleep(seconds), pause)


async def each(
    blocking: Callable[[], Generator[T, None, None]], awaitable: Callable[[], AsyncGenerator[T, None]]
) -> AsyncGenerator[T, None]:
    """Go over a generator of either world, inside a stream operation; close it at the end.

    Args:
        blocking: Makes the generator for the blocking world.
        awaitable: Makes the one for the other.
    """

    async def make() -> AsyncGenerator[T, None]:
        return awaitable()

    end: Any = object()
    items: Any = await Step[Any](blocking, make)
    try:
        while (item := await Step(lambda: next(items, end), lambda: anext(items, end))) is not end:
            yield item
    finally:
        await Step(lambda: items.close(), lambda: items.aclose())


def operation(method: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, T]:
    """Publish a coroutine function over steps as a blocking function."""

    @functools.wraps(method)
    def blocking(*args: P.args, **kwargs: P.kwargs) -> T:
        return run(method(*args, **kwargs))

    return blocking


def twin(blocking: Callable[P, T]) -> Callable[P, Coroutine[Any, Any, T]]:
    """Publish the operation behind a blocking function as a coroutine function."""
    method = inspect.unwrap(blocking)

    @functools.wraps(method)
    async def awaitable(*args: P.args, **kwargs: P.kwargs) -> T:
        return await drive(method(*args, **kwargs))

    return _named_as_twin(awaitable)


def stream_operation(method: Callable[P, AsyncGenerator[T, None]]) -> Callable[P, Generator[T, None, None]]:
    """Publish an async generator function over steps as a blocking generator function."""

    @functools.wraps(method)
    def blocking(*args: P.args, **kwargs: P.kwargs) -> Generator[T, None, None]:
        items = method(*args, **kwargs)
        try:
            while True:
                try:
                    item = run(items.__anext__())
                except StopAsyncIteration:
                    return
                yield item
        finally:
            run(items.aclose())

    return blocking


def stream_twin(blocking: Callable[P, Generator[T, None, None]]) -> Callable[P, AsyncGenerator[T, None]]:
    """Publish the operation behind a blocking generator function as an async generator function."""
    method = inspect.unwrap(blocking)

    @functools.wraps(method)
    async def awaitable(*args: P.args, **kwargs: P.kwargs) -> AsyncGenerator[T, None]:
        items = method(*args, **kwargs)
        try:
            while True:
                try:
                    item = await drive(items.__anext__())
                except StopAsyncIteration:
                    return
                yield item
        finally:
            await drive(items.aclose())

    return _named_as_twin(awaitable)


def run(pending: Coroutine[Any, Any, T]) -> T:
    """Drive an operation to its end by blocking at each step.

    Raises:
        TypeError: The operation awaited something that is not a step.
    """
    try:
        step = pending.send(None)
        while True:
            try:
                answer = _checked(step).blocking()
            except BaseException as error:
                step = pending.throw(error)
            else:
                step = pending.send(answer)
    except StopIteration as end:
        result: T = end.value
        return result


async def drive(pending: Coroutine[Any, Any, T]) -> T:
    """Drive an operation to its end by awaiting each step.

    Raises:
        TypeError: The operation awaited something that is not a step.
    """
    try:
        step = pending.send(None)
        while True:
            try:
                answer = await _checked(step).awaitable()
            except BaseException as error:
                step = pending.throw(error)
            else:
                step = pending.send(answer)
    except StopIteration as end:
        result: T = end.value
        return result


def _checked(step: object) -> Step[Any]:
    if isinstance(step, Step):
        return step
    raise TypeError(f"An operation may await only steps, not {step!r}.")


_F = TypeVar("_F", bound=Callable[..., Any])


def _named_as_twin(function: _F) -> _F:
    scope, _, name = function.__qualname__.rpartition(".")
    function.__name__ = f"async_{name}"
    function.__qualname__ = f"{scope}.async_{name}" if scope else f"async_{name}"
    return function
