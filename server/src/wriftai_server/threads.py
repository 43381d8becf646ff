"""Work on threads: of its own, for what may take long and cannot be ended, and once for all of them."""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from functools import cache
from typing import TypeVar

T = TypeVar("T")


def once(work: Callable[[], T]) -> Callable[[], T]:
    """Do some work when its result is first asked for, and never twice, however many threads ask meanwhile."""
    lock, known = threading.Lock(), cache(work)

    def result() -> T:
        with lock:
            return known()

    return result


async def apart(work: Callable[[], T], *, name: str) -> T:
    """Do some work on a thread that holds nobody up: a process that is to end does not wait for it.

    Whoever no longer waits for it, as when a time is up, does not end it.

    Args:
        work: Gives the result, or raises what this raises.
        name: Of the thread.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if done.cancelled():
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(result)  # type: ignore[arg-type]  # there is a result where there is no error

    def run() -> None:
        result, error = None, None
        try:
            result = work()
        except BaseException as raised:
            error = raised
        with contextlib.suppress(RuntimeError):  # The loop has ended meanwhile.
            loop.call_soon_threadsafe(settle, result, error)

    threading.Thread(target=run, name=name, daemon=True).start()
    return await done
