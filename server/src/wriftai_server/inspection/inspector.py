"""Functions called in a process of its own, for callers in turn."""

import asyncio
import contextlib
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable

import msgspec

from wriftai_server.http.problems import Problem
from wriftai_server.inspection.program import GIBIBYTES, SECONDS

LIMITS = f"{SECONDS} s, or more than {GIBIBYTES} GiB of memory"
"""What a call may take at most, for people."""

_PROGRAM = (sys.executable, "-m", "wriftai_server.inspection.program")
_LONGEST_ANSWER = 16 * 1024 * 1024
_MOST_OF_A_CALLER = 10


class _Line:
    """Where the calls for one caller wait for each other."""

    def __init__(self) -> None:
        self.length = 0
        self.one_at_a_time = asyncio.Lock()


class Inspector:
    """Calls functions in a process of its own, which is ended where one takes too long or too much memory."""

    def __init__(self) -> None:
        self._process: Process | None = None
        self._one_at_a_time = asyncio.Lock()
        self._lines: dict[str, _Line] = {}

    async def call(self, caller: str, work: Callable[..., object], *texts: str) -> bytes | None:
        """Call a function.

        Args:
            caller: Id of the user for whom; another call for the same one waits until this one is done, so that
                callers are served in turn.
            work: A function of a module, not one inside another: the process finds it by these two names.
            texts: What it is called with.

        Returns:
            What it gave, as JSON; None where it took too long or too much memory.

        Raises:
            Problem: 429, there are too many calls for this caller.
        """
        question = msgspec.json.encode((work.__module__, work.__name__, texts)) + b"\n"
        async with self._turn(caller):
            try:
                return await self._answer(question)
            except BaseException:
                await self._end()
                raise

    async def close(self) -> None:
        """End the process."""
        async with self._one_at_a_time:
            await self._end()

    @contextlib.asynccontextmanager
    async def _turn(self, caller: str) -> AsyncIterator[None]:
        line = self._lines.setdefault(caller, _Line())
        if line.length == _MOST_OF_A_CALLER:
            msg = (
                f"{line.length} of your inputs and schemas that take long to check are waiting: send this again "
                "when they are answered."
            )
            raise Problem(429, msg, {"Retry-After": str(SECONDS)})
        line.length += 1
        try:
            async with line.one_at_a_time, self._one_at_a_time:
                yield
        finally:
            line.length -= 1
            if not line.length:
                del self._lines[caller]

    async def _answer(self, question: bytes) -> bytes | None:
        # A process that has answered before may lack the memory for what it keeps of that, or be gone.
        for is_last in (self._process is None, True):
            answer = await self._ask(question)
            if answer.endswith(b"\n"):
                return answer
            if await self._end(has_ended=True) == -signal.SIGALRM or is_last:
                break
        return None

    async def _ask(self, question: bytes) -> bytes:
        if self._process is None:
            self._process = await asyncio.create_subprocess_exec(
                *_PROGRAM, stdin=PIPE, stdout=PIPE, limit=_LONGEST_ANSWER
            )
        process = self._process
        if process.stdin is None or process.stdout is None:
            return b""
        with contextlib.suppress(ConnectionError):
            process.stdin.write(question)
            await process.stdin.drain()
        return await process.stdout.readline()

    async def _end(self, *, has_ended: bool = False) -> int | None:
        """End the process, unless it does so itself; give how it ended."""
        process, self._process = self._process, None
        if process is None:
            return None
        # A process that is killed when it has ended already may no longer tell how.
        if not has_ended:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        await process.communicate()
        return process.returncode


class NeedsInspection(Exception):
    """Whether something is good is not to be found out in place, as that may take long, or much memory.

    Args:
        inspect: Finds it out by an inspector, for the user with an id; to be called in no transaction. It raises
            what would have been raised in place.
        schemas: That something is held against, as they are stored.
    """

    def __init__(self, inspect: Callable[[Inspector, str], Awaitable[None]], *, schemas: str = "") -> None:
        super().__init__()
        self.inspect = inspect
        self.schemas = schemas
