"""Gets a version ready to run: its image, its environment, and a runtime in a sandbox."""

import asyncio
import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import wriftai_runtime
from wriftai.predictions import TaskError
from wriftai_runtime.environments import EnvironmentFailed
from wriftai_server.images.blobs import StoreUnavailable
from wriftai_server.settings import WorkerSettings
from wriftai_server.worker.confinement.sandbox import Sandboxes
from wriftai_server.worker.engines.local import Broken, Program, Runtime, external, internal
from wriftai_server.worker.environments import Environments
from wriftai_server.worker.event_buffer import EventBuffer
from wriftai_server.worker.images import Image, ImageMissing, Images
from wriftai_server.worker.store import Version
from wriftai_server.worker.unpacking import BadImage

_AGAIN = "push the model again with `wriftai push`"


class Loader:
    """Starts runtimes.

    Args:
        folder: Holds the runtime package, alone; models may read it.
        images: Unpack the image of a version.
        environments: Build the environment of a version.
        sandboxes: Make one for each runtime.
        settings: Limits of the runtimes.
        seconds: Image and environment of a version may take so long to be there, both together.

    Attributes:
        sandboxes: As they were given; whoever ends a runtime has its sandbox removed by them.
    """

    def __init__(
        self,
        folder: Path,
        images: Images,
        environments: Environments,
        sandboxes: Sandboxes,
        settings: WorkerSettings,
        *,
        seconds: float = 1800,
    ) -> None:
        self.sandboxes = sandboxes
        self._folder = folder
        self._images = images
        self._environments = environments
        self._settings = settings
        self._seconds = seconds

    def open(self) -> None:
        """Put the runtime package where models may read it, alone.

        Raises:
            OSError: It cannot be written.
        """
        source = Path(wriftai_runtime.__file__).parent
        shutil.copytree(source, self._folder / source.name, dirs_exist_ok=True)

    async def start(
        self, version: Version, buffers: list[EventBuffer], said: Callable[[EventBuffer], None]
    ) -> Runtime:
        """Start a runtime of a version, which is not loaded then; what it lacks is unpacked and built first.

        Args:
            version: What to run.
            buffers: Take lines on how far that is: those of the predictions that it is started for.
            said: Called with a buffer that something was added to, of these or of what runs later.

        Raises:
            Broken: It cannot be started: of the image, the requirements, the machine, or as it took too long.
        """

        def say(line: str) -> None:
            for buffer in buffers:
                buffer.add_line("setup_log", line.encode())
                said(buffer)

        try:
            return await self._start(await self._program(version, say), said)
        except EnvironmentFailed as error:
            raise Broken(_no_environment(str(error))) from error
        except OSError as error:
            raise Broken(out_of(error)) from error

    async def _program(self, version: Version, say: Callable[[str], None]) -> Program:
        deadline = asyncio.timeout(self._seconds)
        try:
            async with deadline:
                image = await self._image(version.digest)
                label = image.label
                python = await self._environments.get(
                    image.requirements, label.python, owner=version.owner_id, say=say
                )
        except TimeoutError as error:
            if not deadline.expired():
                raise  # It is one of the file system.
            words = f"The model's image and environment were not there within {self._seconds:g} s"
            raise Broken(internal(f"{words}: try again later.")) from error
        return Program(
            python=python,
            runtime=self._folder,
            model=image.folder,
            predictor=label.predictor,
            concurrency=label.concurrency,
            kept=(image.folder.parent, python.parent.parent),
            # The Python of an environment is a link to the one that it was made with, whose library it needs.
            base=python.resolve().parent.parent,
        )

    async def _start(self, program: Program, said: Callable[[EventBuffer], None]) -> Runtime:
        sandbox = self.sandboxes.make()
        try:
            return Runtime(sandbox, program, self._settings, said)
        except BaseException:
            await self.sandboxes.remove(sandbox)
            raise

    async def _image(self, digest: str) -> Image:
        try:
            return await self._images.get(digest)
        except ImageMissing as error:
            raise Broken(internal(f"The hub no longer holds all of the image {digest}: {_AGAIN}.")) from error
        except BadImage as error:
            raise Broken(
                external(f"The image {digest} cannot be run: {error}. Mend that, and {_AGAIN}.")
            ) from error
        except StoreUnavailable as error:
            raise Broken(
                internal("The image cannot be fetched at the moment: try again later.", str(error))
            ) from error


def out_of(error: OSError) -> TaskError:
    """Make the error of a prediction that cannot run as the machine lacks something; a full disk is named."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return _disk_full(str(error))
    words = f"The hub could not make ready what this runs in: {error.strerror}. Try again later."
    return internal(words, str(error))


def _no_environment(words: str) -> TaskError:
    if os.strerror(errno.ENOSPC) in words:
        return _disk_full(words)
    return internal(
        f"The model's environment could not be built. If its requirements are at fault, mend them, and {_AGAIN}.",
        {"uv": words},
    )


def _disk_full(detail: str) -> TaskError:
    return internal("The hub's disk is full: its operator has to make room.", detail)
