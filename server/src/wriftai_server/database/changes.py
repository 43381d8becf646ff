"""Waiting for what changes in the database, without asking it all the time.

Being woken only means that it is time to look: the rows decide.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Iterator

from wriftai_server.database.driver import Database
from wriftai_server.database.peers import Peers

_AT_ONCE = 4


class Watch:
    """Remembers whether something changed since it was last asked; one at a time may ask."""

    def __init__(self) -> None:
        self._is_told = False
        self._asked: asyncio.Future[None] | None = None

    def tell(self) -> None:
        """Note a change."""
        self._is_told = True
        self._wake()

    async def changed(self, seconds: float) -> bool:
        """Wait for a change, unless there was one already.

        Args:
            seconds: How long at most.

        Returns:
            Whether there was one.
        """
        if not self._is_told:
            loop = asyncio.get_running_loop()
            self._asked = loop.create_future()
            timer = loop.call_later(seconds, self._wake)
            try:
                await self._asked
            finally:
                timer.cancel()
        is_told, self._is_told = self._is_told, False
        return is_told

    def _wake(self) -> None:
        if self._asked is not None and not self._asked.done():
            self._asked.set_result(None)


class Turns:
    """Lets those who are woken together do their work one after the other, with that of others between.

    One begins in each turn of the event loop, and where work suspends a few are at it at a time.
    """

    def __init__(self) -> None:
        self._few = asyncio.Semaphore(_AT_ONCE)
        self._beginning = asyncio.Lock()

    @contextlib.asynccontextmanager
    async def taken(self) -> AsyncIterator[None]:
        """Wait for a turn, in the order of those who ask; what follows without a suspension belongs to it."""
        async with self._few:
            async with self._beginning:
                # Work on SQLite never suspends, so that all who were woken would do theirs at once.
                await asyncio.sleep(0)
            yield


class Changes:
    """Wakes those who wait for a change.

    Those of this process, and of its peers, are woken at once, and those of any other process soon.

    Args:
        database: Says to other processes what this one changed, and tells what they did.
        peers: Other processes that tell each other what they did; None when there are none.

    Attributes:
        is_ending: Whether the hub was told to stop, so that no caller is to wait any longer.
        turns: Taken by those who were woken, for what costs much.
    """

    is_ending = False

    def __init__(self, database: Database, peers: Peers | None = None) -> None:
        self._database = database
        self._peers = peers
        self.turns = Turns()
        self._watches: dict[str, set[Watch]] = {}
        self._listening: asyncio.Task[None] | None = None

    def tell(self, *topics: str) -> None:
        """Wake those who wait for topics; to be called after the commit."""
        self._wake(topics)
        self._database.say(*topics)
        if self._peers is not None:
            self._peers.tell(topics)

    def end(self) -> None:
        """Tell callers who wait that the hub stops."""
        self.is_ending = True
        self._wake(self._watches)

    async def wait(self, topic: str, seconds: float) -> bool:
        """Wait for a change, right after a look that found nothing: what changes in between may be missed.

        Args:
            topic: What to wait for.
            seconds: How long at most.

        Returns:
            Whether to look again before the time is up.
        """
        with self.watch(topic) as watch:
            return await watch.changed(seconds)

    @contextlib.contextmanager
    def watch(self, *topics: str) -> Iterator[Watch]:
        """Give a watch that misses no change from here on, whatever is awaited between two looks."""
        watch = Watch()
        for topic in topics:
            self._watches.setdefault(topic, set()).add(watch)
        if self._listening is None:
            self._listening = asyncio.create_task(self._listen())
            if self._peers is not None:
                self._peers.listen(self._wake)
        try:
            yield watch
        finally:
            for topic in topics:
                self._leave(topic, watch)
            if not self._watches:
                self._listening.cancel()
                self._listening = None
                if self._peers is not None:
                    self._peers.rest()

    def _leave(self, topic: str, watch: Watch) -> None:
        watches = self._watches[topic]
        watches.remove(watch)
        if not watches:
            del self._watches[topic]

    async def _listen(self) -> None:
        async with contextlib.aclosing(self._database.heard()) as heard:
            async for topics in heard:
                self._wake(self._watches if topics is None else topics)

    def _wake(self, topics: Iterable[str]) -> None:
        for topic in topics:
            for watch in self._watches.get(topic, ()):
                watch.tell()
