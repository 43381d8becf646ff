"""Environments of models, built once for all that have the same requirements."""

import asyncio
import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import uv

from wriftai_runtime import environments
from wriftai_server.threads import apart


class Environments:
    """Builds environments, one at a time.

    Args:
        folder: Holds a folder for each.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()
        self._turn = asyncio.Lock()

    def place(self, requirements: Path, python: str) -> Path:
        """Tell where the environment for a file of requirements is."""
        return self._folder / hashlib.sha256(f"{python}\n".encode() + requirements.read_bytes()).hexdigest()

    def built(self) -> list[Path]:
        """Give the folders of all environments that are built."""
        if not self._folder.is_dir():
            return []
        return [place for place in self._folder.iterdir() if not place.name.startswith(".")]

    async def get(self, requirements: Path, python: str, say: Callable[[str], None]) -> Path:
        """Give the Python of an environment, which is built now if it was not before.

        Args:
            requirements: File that lists them, with hashes.
            python: Version, as 3.11.
            say: Told how far it is.

        Raises:
            EnvironmentFailed: It cannot be built.
            OSError: It cannot be written.
        """
        folder = self.place(requirements, python)
        if not environments.is_complete(folder):
            if self._turn.locked():
                say("Waiting for another environment to be built.")
            async with self._turn:
                say(f"Building the environment, with Python {python}.")
                await apart(
                    lambda: environments.build(folder, requirements, python, uv=os.fsdecode(uv.find_uv_bin())),
                    name="environment",
                )
                say("The environment is built.")
        os.utime(folder)  # Tells whoever removes what nobody uses.
        return environments.python_in(folder)
