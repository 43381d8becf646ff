"""The parent of a hub's processes: it starts them, and starts anew what has died."""

import asyncio
import signal
import socket
from collections.abc import Callable
from contextlib import ExitStack

import msgspec
import structlog

from wriftai_server.http import counts
from wriftai_server.processes.children import Child
from wriftai_server.processes.door import Door
from wriftai_server.processes.messages import Failed, Ready, Shared
from wriftai_server.settings import Settings

_SOON_SECONDS = 5.0
_MOST_SOON = 4
_FIRST_PAUSE_SECONDS = 0.25

_log = structlog.get_logger()


class Dead(Exception):
    """A process of the hub cannot come up, or dies again and again."""


class Parent:
    """Runs the processes of a hub.

    It loads nothing of the hub itself, and so it stays small.

    Args:
        settings: Of the hub. The worker, if there is to be one, is in the first process.
        count: How many processes answer requests, 1 or more.
        listening: A socket that listens already; closed at the end.
        ready: Called once, when all processes are ready to answer.
    """

    def __init__(
        self, settings: Settings, count: int, listening: socket.socket, *, ready: Callable[[], None]
    ) -> None:
        self._settings = settings
        self._count = count
        self._door = Door(listening)
        self._announce = ready
        self._ready = [asyncio.Event() for _ in range(count)]
        self._children: set[Child] = set()

    async def run(self) -> None:
        """Run until told to stop; what is under way is finished first.

        Raises:
            Dead: A process could not come up, or died again and again.
        """
        with ExitStack() as kept:
            try:
                shared = _shared(self._count, kept, counts_requests=self._settings.rate_limit > 0)
            except OSError as error:
                raise Dead(f"There is no room for what the processes share: {error.strerror}.") from error
            running = asyncio.create_task(self._keep_all(shared))
            for stop in (signal.SIGINT, signal.SIGTERM):
                asyncio.get_running_loop().add_signal_handler(stop, self._stop, running)
            try:
                await running
            except ExceptionGroup as dead:
                raise dead.exceptions[0] from None
            except asyncio.CancelledError:
                return

    async def _keep_all(self, shared: list[Shared]) -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(self._count):
                group.create_task(self._keep(number, shared[number]))
                # The first brings the database to the present schema, and says what is wrong, for all.
                await self._ready[0].wait()
            for ready in self._ready:
                await ready.wait()
            self._announce()
            self._door.open()

    def _stop(self, running: "asyncio.Task[None]") -> None:
        if running.cancelling():  # Whoever says it twice is in a hurry.
            for child in self._children:
                child.tell(signal.SIGINT)
        running.cancel()

    async def _keep(self, number: int, shared: Shared) -> None:
        """Keep a process running: when it ends, another takes its place."""
        settings = self._settings if number == 0 else msgspec.structs.replace(self._settings, worker=None)
        clock, soon = asyncio.get_running_loop().time, 0
        try:
            while True:
                began = clock()
                was_ready, reason = await self._run(settings, shared, self._ready[number])
                if not self._ready[number].is_set():
                    raise Dead(reason)
                soon = soon + 1 if not was_ready or clock() - began < _SOON_SECONDS else 0
                if soon == _MOST_SOON:
                    raise Dead(f"{reason} That was the {soon}th time at once, so the hub ends.")
                pause = _FIRST_PAUSE_SECONDS * 2 ** (soon - 1) if soon else 0.0
                _log.warning("process ended", number=number + 1, reason=reason, starts_in=pause)
                await asyncio.sleep(pause)
        finally:
            self._door.close()  # All end together.

    async def _run(self, settings: Settings, shared: Shared, ready: asyncio.Event) -> tuple[bool, str]:
        """Run a process to its end; tell whether it was ready, and what it died of."""
        try:
            child = await Child.start(settings, shared)
        except OSError as error:
            return False, f"A process of the hub cannot be started: {error.strerror}."
        was_ready, reason = False, None
        self._children.add(child)
        try:
            async for message in child.messages():
                match message:
                    case Ready():
                        was_ready = True
                        ready.set()
                        self._door.admit(child)
                    case Failed():
                        reason = message.reason
        finally:
            self._door.dismiss(child)
            child.tell(signal.SIGTERM)
            status = await child.ended()
            self._children.discard(child)
        how = f"signal {-status}" if status < 0 else f"status {status}"
        return was_ready, reason or f"A process of the hub ended with {how}; the log may say why."


def _shared(count: int, kept: ExitStack, *, counts_requests: bool) -> list[Shared]:
    """Make what the processes have in common; it stays for those that take the place of others.

    Args:
        count: How many processes there are.
        kept: Closes it.
        counts_requests: Whether they count the requests of each caller.
    """
    table = kept.enter_context(counts.table()).fileno() if counts_requests else None
    ends = [socket.socketpair(type=socket.SOCK_DGRAM) for _ in range(count)]
    for end in (end for pair in ends for end in pair):
        kept.enter_context(end)
    return [
        Shared(
            receiver.fileno(),
            [sender.fileno() for other, (_, sender) in enumerate(ends) if other != number],
            table,
        )
        for number, (receiver, _) in enumerate(ends)
    ]
