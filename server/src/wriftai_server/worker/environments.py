"""Environments of models, built once for all that have the same requirements."""

import asyncio
import contextlib
import hashlib
import os
import time
import weakref
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import uv

from wriftai_runtime import environments
from wriftai_runtime.environments import EnvironmentFailed
from wriftai_server.threads import apart

_SIDE_BY_SIDE = 4
# Someone whose environments take long leaves turns to others.
_OF_ONE_OWNER = 2
_MOST_REMEMBERED = 100


class Environments:
    """Builds environments, four at a time, and of one owner two.

    Args:
        folder: Holds a folder for each, named by a digest of version and requirements.
        again_seconds: What could not be built is not tried again for so long.
    """

    def __init__(self, folder: Path, *, again_seconds: float = 300) -> None:
        self._folder = folder.absolute()
        self._again_seconds = again_seconds
        self._failures: dict[Path, tuple[float, str]] = {}
        self._under_way: dict[Path, asyncio.Task[None]] = {}
        self._turns = asyncio.Semaphore(_SIDE_BY_SIDE)
        self._turns_of: weakref.WeakValueDictionary[str, asyncio.Semaphore] = weakref.WeakValueDictionary()

    def place(self, requirements: Path, python: str) -> Path:
        """Tell where the environment for a file of requirements is, or would be.

        Args:
            requirements: File that lists them, with hashes.
            python: Version, as 3.11.
        """
        return self._folder / hashlib.sha256(f"{python}\n".encode() + requirements.read_bytes()).hexdigest()

    def built(self) -> list[Path]:
        """Give the folders of all environments that are there, built for whichever model."""
        if not self._folder.is_dir():
            return []
        return [place for place in self._folder.iterdir() if not place.name.startswith(".")]

    async def get(self, requirements: Path, python: str, *, owner: str, say: Callable[[str], None]) -> Path:
        """Give the path of an environment's Python; the environment is built now if it was not before.

        Args:
            requirements: File that lists them, with hashes.
            python: Version, as 3.11.
            owner: Id of the user whose model it is for; those of one wait for each other.
            say: Told in words for people how far that is, as it goes on.

        Raises:
            EnvironmentFailed: It cannot be built, or could not a short while ago.
            OSError: It cannot be written.
        """
        folder = await asyncio.to_thread(self.place, requirements, python)
        if not environments.is_complete(folder):
            if folder in self._under_way:
                say("Waiting for the environment, which is being built.")
            else:
                self._check(folder)
                task = asyncio.create_task(self._build(folder, requirements, python, owner, say))
                self._under_way[folder] = task
                task.add_done_callback(lambda _: self._under_way.pop(folder))
            await asyncio.shield(self._under_way[folder])
            say("The environment is built.")
        os.utime(folder)  # Tells whoever removes what nobody uses.
        return environments.python_in(folder)

    def _check(self, folder: Path) -> None:
        until, words = self._failures.get(folder, (0, ""))
        if time.monotonic() < until:
            raise EnvironmentFailed(words)

    async def _build(
        self, folder: Path, requirements: Path, python: str, owner: str, say: Callable[[str], None]
    ) -> None:
        async with self._turn(owner, say):
            say(f"Building the environment, with Python {python}.")
            try:
                await apart(
                    lambda: environments.build(folder, requirements, python, uv=os.fsdecode(uv.find_uv_bin())),
                    name="environment",
                )
            except EnvironmentFailed as error:
                self._remember(folder, str(error))
                raise

    def _remember(self, folder: Path, words: str) -> None:
        self._failures.pop(folder, None)
        if len(self._failures) >= _MOST_REMEMBERED:
            del self._failures[next(iter(self._failures))]
        self._failures[folder] = (time.monotonic() + self._again_seconds, words)

    @contextlib.asynccontextmanager
    async def _turn(self, owner: str, say: Callable[[str], None]) -> AsyncIterator[None]:
        own = self._turns_of.setdefault(owner, asyncio.Semaphore(_OF_ONE_OWNER))
        if own.locked() or self._turns.locked():
            say("Waiting for other environments to be built.")
        async with own, self._turns:
            yield
