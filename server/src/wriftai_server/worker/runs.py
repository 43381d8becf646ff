"""One attempt to run a prediction: what it is doing, why it is to stop, and how it ended."""

import asyncio
import enum
import time
from pathlib import Path

from wriftai.predictions import Status, TaskError
from wriftai_server.predictions.claims import Claim, Outcome
from wriftai_server.settings import WorkerSettings
from wriftai_server.worker.engines import messages
from wriftai_server.worker.engines.local import Broken, Interrupted, Runtime, external, too_long
from wriftai_server.worker.event_buffer import EventBuffer
from wriftai_server.worker.loading import out_of


class Stop(enum.Enum):
    """Why a run is to stop.

    Attributes:
        CANCELLED: Whoever made the prediction wants no more of it.
        TOO_LONG: It takes longer than the settings allow.
        LOST: Its lease ran out, and another attempt may be running.
    """

    CANCELLED = "its creator wants no more of it"
    TOO_LONG = "it takes longer than it may"
    LOST = "it is not held any more"


class Run:
    """An attempt to run a prediction, from its claim to its outcome.

    Args:
        claim: Holds the prediction.
        settings: Limits of its time and its output.

    Attributes:
        claim: Holds the prediction.
        buffer: Takes what it says on its way.
        stop: Why it is to stop; None when it is not.
        setup_seconds: How long it waited for its version to be loaded; None when that was done already.
    """

    def __init__(self, claim: Claim, settings: WorkerSettings) -> None:
        self.claim = claim
        self.buffer = EventBuffer(claim, settings.max_output_bytes)
        self.stop: Stop | None = None
        self.setup_seconds: float | None = None
        self._settings = settings
        self._runtime: Runtime | None = None

    def end(self, why: Stop) -> None:
        """Have it stop, for the first reason that is given; one that waits for a runtime stops when it has it."""
        if self.stop is None:
            self.stop = why
            if self._runtime is not None:
                self._runtime.cancel(self.claim)

    async def in_runtime(self, runtime: Runtime) -> Outcome | None:
        """Run it to its end; None when it did not come to one, and is to be given back.

        Args:
            runtime: Has loaded its version, and has room for one more prediction.
        """
        if self.stop is not None:
            return self.cut()
        try:
            folder = runtime.sandbox.take_folder()
        except OSError as error:
            return self.failed(out_of(error))
        limit = self._settings.prediction_seconds
        timer = asyncio.get_running_loop().call_later(limit, self.end, Stop.TOO_LONG)
        try:
            return await self._predict(runtime, folder)
        finally:
            timer.cancel()
            await runtime.sandbox.empty_folder(folder)

    async def _predict(self, runtime: Runtime, folder: Path) -> Outcome | None:
        began = time.monotonic()
        self._runtime = runtime
        try:
            ending = await runtime.predict(self.buffer, folder)
        except Interrupted:
            return self.cut(time.monotonic() - began)
        except Broken as error:
            seconds = time.monotonic() - began
            return self.cut(seconds) or self.failed(error.error, seconds)
        finally:
            self._runtime = None
        match ending:
            case messages.Succeeded():
                return self._succeeded(ending)
            case messages.Failed():
                detail = {"kind": ending.kind, "traceback": ending.traceback}
                return self.failed(external(ending.message, detail), ending.seconds)
            case messages.Cancelled():
                by_itself = external("The model cancelled the prediction by itself.")
                return self.cut(ending.seconds) or self.failed(by_itself, ending.seconds)

    def cut(self, seconds: float | None = None) -> Outcome | None:
        """Give the outcome of having been stopped; None when it was not, or is lost: then there is none to store.

        Args:
            seconds: How long it ran; None when it did not begin.
        """
        match self.stop:
            case Stop.CANCELLED:
                return Outcome(Status.cancelled, None, None, self.setup_seconds, seconds)
            case Stop.TOO_LONG:
                words = f"The prediction took longer than {self._settings.prediction_seconds:g} s."
                return self.failed(external(words), seconds)
        return None

    def failed(self, error: TaskError, seconds: float | None = None) -> Outcome:
        """Give the outcome of an error.

        Args:
            error: As whoever made the prediction sees it.
            seconds: How long it ran; None when it did not begin.
        """
        return Outcome(Status.failed, None, error, self.setup_seconds, seconds)

    def _succeeded(self, ending: messages.Succeeded) -> Outcome:
        try:
            output = messages.text_of(ending.output)
        except messages.NotJSON as error:
            return self.failed(external("The output is not JSON.", str(error)), ending.seconds)
        most = self._settings.max_output_bytes
        if len(ending.output) > most:
            return self.failed(too_long(most), ending.seconds)
        return Outcome(Status.succeeded, output, None, self.setup_seconds, ending.seconds)
