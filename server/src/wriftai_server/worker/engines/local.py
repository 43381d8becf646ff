"""Runtimes that are processes of this machine, each in a sandbox."""

import asyncio
import contextlib
import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from wriftai.predictions import ErrorSource, TaskError
from wriftai_server.predictions.claims import Claim
from wriftai_server.settings import WorkerSettings
from wriftai_server.worker.confinement.sandbox import Process, Sandbox
from wriftai_server.worker.engines import messages
from wriftai_server.worker.engines.pipes import LineReader, Writer
from wriftai_server.worker.event_buffer import LINE_BYTES, EventBuffer

_ENVELOPE_BYTES = 64 * 1024  # What a reply may have around an output: a message and a traceback.
_FORCE_SECONDS = 4.0
_STOP_SECONDS = 1.0


class Program(NamedTuple):
    """What a runtime runs, and where that lies.

    Attributes:
        python: Path of the Python of the model's environment.
        runtime: Folder to import the package `wriftai_runtime` from.
        model: The model's own folder, in the unpacked image.
        predictor: File in it and class, as `predict.py:Predictor`.
        concurrency: How many predictions it runs at a time, 1 or more.
        kept: Folders that must stay while it runs: the unpacked image, and the environment.
        base: Folder of the Python that the environment was made with.
    """

    python: Path
    runtime: Path
    model: Path
    predictor: str
    concurrency: int
    kept: tuple[Path, Path]
    base: Path

    @property
    def readable(self) -> list[str]:
        """The folders that it has to read, beside those of the system."""
        return [str(path) for path in (self.runtime, self.model, self.kept[1], self.base)]


class Broken(Exception):
    """A runtime cannot be used (any more), and the predictions that it had fail of it.

    Args:
        error: Why, as those who made them are told.
    """

    def __init__(self, error: TaskError) -> None:
        super().__init__(error["message"])
        self.error = error


class Interrupted(Exception):
    """A prediction was cut off through no fault of its own, and may run again."""


def external(message: str, detail: Any = None) -> TaskError:
    """Make an error that the model is to blame for, or its input."""
    return TaskError(source=ErrorSource.external, message=message, detail=detail)


def too_long(most: int) -> TaskError:
    """Make the error of an output that is longer than so many bytes."""
    return external(f"The output is longer than {most:,} bytes.")


def internal(message: str, detail: Any = None) -> TaskError:
    """Make an error that the hub is to blame for."""
    return TaskError(source=ErrorSource.internal, message=message, detail=detail)


class Job:
    """A prediction in a runtime.

    Args:
        buffer: Takes what it says.
        ended: Is given how it ended, or raises `Broken` or `Interrupted`.

    Attributes:
        is_cancelled: Whether it was asked to end.
    """

    def __init__(self, buffer: EventBuffer, ended: "asyncio.Future[messages.Ending]") -> None:
        self.buffer = buffer
        self.ended = ended
        self.is_cancelled = False


class Runtime:
    """A live process that loads one version and runs predictions of it.

    It is started at once. Its process is watched until it is gone: `end` it in any case.

    Args:
        sandbox: Where it runs; whoever made that removes it after the end.
        program: What to run.
        settings: Limits of time and size.
        said: Called with a buffer that something was added to.

    Attributes:
        sandbox: Where it runs.
        program: What it runs.
        gone: Set when its process, and all that it started, has ended.

    Raises:
        OSError: It cannot be started.
    """

    def __init__(
        self, sandbox: Sandbox, program: Program, settings: WorkerSettings, said: Callable[[EventBuffer], None]
    ) -> None:
        loop = asyncio.get_running_loop()
        self.sandbox = sandbox
        self.program = program
        self._settings = settings
        self._said = said
        self._jobs: dict[str, Job] = {}
        self._setup_buffers: list[EventBuffer] = []
        self._setup: asyncio.Future[float] = loop.create_future()
        self.gone = asyncio.Event()
        self._status: dict[str, Any] = {}
        self._reason: Callable[[], Exception] | None = None
        self._started_at = time.monotonic()
        self._launch(program)

    @property
    def is_alive(self) -> bool:
        """Whether its process lives, and nothing has happened for which it is being ended."""
        return self._reason is None and not self.gone.is_set()

    async def load(self, buffers: list[EventBuffer]) -> float:
        """Wait until the model is loaded; give the seconds since the process was started.

        Args:
            buffers: Take what it prints meanwhile: those of the predictions that it is loaded for.

        Raises:
            Broken: It cannot be loaded, or not in the time that the settings give it.
            Interrupted: The runtime was ended meanwhile.
        """
        self._setup_buffers = buffers
        seconds = self._settings.setup_seconds
        try:
            async with asyncio.timeout(seconds):
                await self._setup
        except TimeoutError:
            error = external(f"The model was not ready within {seconds:g} s of setup.")
            self._break(lambda: Broken(error))
            raise Broken(error) from None
        finally:
            self._setup_buffers = []
        return time.monotonic() - self._started_at

    async def predict(self, buffer: EventBuffer, folder: Path) -> messages.Ending:
        """Run a prediction to its end, beside those that run already.

        Args:
            buffer: Holds its claim, and takes what it says.
            folder: Of the sandbox, empty; for the files of its input.

        Raises:
            Broken: The runtime broke before the prediction ended.
            Interrupted: The runtime was ended, for reasons that were not its own.
        """
        if not self.is_alive:
            raise Interrupted  # Whatever ended it, it was not this prediction.
        claim = buffer.claim
        # By attempt: of one prediction, an attempt that was lost may still run beside the one that counts.
        job = self._jobs[claim.attempt_id] = Job(buffer, asyncio.get_running_loop().create_future())
        self._stdout.is_muted = self._stderr.is_muted = False
        self._stdin.write(messages.predict(claim.attempt_id, str(folder), claim.input))
        try:
            return await job.ended
        finally:
            del self._jobs[claim.attempt_id]

    def cancel(self, claim: Claim) -> None:
        """Ask a prediction to end; when it has not after 4 s, the runtime is ended, with all that it runs."""
        job = self._jobs.get(claim.attempt_id)
        if job is None or job.is_cancelled:
            return
        job.is_cancelled = True
        self._stdin.write(messages.cancel(claim.attempt_id))
        loop = asyncio.get_running_loop()
        force = loop.call_later(_FORCE_SECONDS, self._break, Interrupted)
        job.ended.add_done_callback(lambda _: force.cancel())

    async def end(self) -> None:
        """End the process, and all that it started; one that is idle is given 1 s to do so by itself.

        What still runs raises `Interrupted`.
        """
        if self.is_alive and not self._jobs and self._setup.done():
            self._stdin.write(messages.STOP)
            self._stdin.close()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_STOP_SECONDS):
                    await self.gone.wait()
        self._break(Interrupted)
        await self.gone.wait()
        await asyncio.to_thread(self._process.launcher.wait)

    def _launch(self, program: Program) -> None:
        ends = [os.pipe() for _ in range(4)]
        (stdin, to_stdin), (from_stdout, stdout), (from_stderr, stderr), (from_replies, replies) = ends
        command = [str(program.python), "-m", "wriftai_runtime", "serve", "--predictor", program.predictor]
        command += ["--concurrency", str(program.concurrency), "--replies", str(replies)]
        command += ["--output-limit", str(self._settings.max_output_bytes)]
        command += ["--file-limit", str(self._settings.max_file_bytes)]
        command += ["--allow-private-addresses"] if self._settings.allow_private_addresses else []
        command += [str(program.model)]
        variables = {"PYTHONPATH": str(program.runtime), "PYTHONDONTWRITEBYTECODE": "1"}
        try:
            self._process: Process = self.sandbox.start(
                command,
                program.readable,
                environment=variables,
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                keep=[replies],
            )
        except BaseException:
            for descriptor in (to_stdin, from_stdout, from_stderr, from_replies):
                os.close(descriptor)
            raise
        finally:
            for descriptor in (stdin, stdout, stderr, replies):
                os.close(descriptor)
        longest = self._settings.max_output_bytes + _ENVELOPE_BYTES
        self._stdin = Writer(to_stdin)
        self._stdout = LineReader(from_stdout, LINE_BYTES, self._take_print)
        self._stderr = LineReader(from_stderr, LINE_BYTES, self._take_print)
        self._replies = LineReader(from_replies, longest, self._take_reply, self._take_silence)
        self._status_lines = LineReader(self._process.status, LINE_BYTES, self._take_status, self._take_end)

    def _take_print(self, line: bytes, _: bool) -> None:
        if not self._setup.done():
            buffers = self._setup_buffers
            for buffer in buffers:
                buffer.add_line("setup_log", line)
        else:
            # What no prediction can be told to have printed belongs to nobody.
            buffers = [job.buffer for job in self._jobs.values()] if len(self._jobs) == 1 else []
            for buffer in buffers:
                buffer.add_line("log", line)
        for buffer in buffers:
            self._said(buffer)
        if all(buffer.is_cut for buffer in buffers):
            self._stdout.is_muted = self._stderr.is_muted = bool(buffers)

    def _take_reply(self, line: bytes, is_whole: bool) -> None:
        if not self.is_alive:
            return  # What it said before is why it is ended.
        if not is_whole:
            self._break(lambda: Broken(too_long(self._settings.max_output_bytes)))
            return
        try:
            self._dispatch(messages.decode(line))
        except messages.NotJSON as error:
            detail = {"reason": str(error), "line": line[:200].decode(errors="replace")}
            self._break(lambda: Broken(external("The model's process sent what is no reply.", detail)))

    def _dispatch(self, reply: messages.Reply) -> None:
        match reply:
            case messages.Ready():
                self._drain()
                self._settle_setup(None)
            case messages.Unusable():
                self._drain()
                error = external(reply.message, {"traceback": reply.traceback})
                self._settle_setup(Broken(error))
                self._break(lambda: Broken(error))
            case messages.Log() if job := self._jobs.get(reply.id):
                job.buffer.add_line("log", reply.line.encode(errors="replace")[:LINE_BYTES])
                self._said(job.buffer)
            case messages.Output() if job := self._jobs.get(reply.id):
                self._add_output(job, messages.text_of(reply.value))
            case messages.Succeeded() | messages.Failed() | messages.Cancelled():
                self._drain()
                if (job := self._jobs.get(reply.id)) and not job.ended.done():
                    job.ended.set_result(reply)

    def _add_output(self, job: Job, text: str) -> None:
        if job.buffer.add_output(text):
            self._said(job.buffer)
        else:
            self._break(lambda: Broken(too_long(self._settings.max_output_bytes)))

    def _drain(self) -> None:
        self._stdout.drain()
        self._stderr.drain()

    def _take_status(self, line: bytes, _: bool) -> None:
        self._status |= json.loads(line)

    def _take_silence(self) -> None:
        """Nothing can reply any more: mostly the process is about to end, and its end tells why."""
        error = external("The model's process closed the pipe that it replies on.")
        asyncio.get_running_loop().call_later(_STOP_SECONDS, self._break, lambda: Broken(error))

    def _take_end(self) -> None:
        """All processes are gone."""
        self._drain()
        self._replies.drain()
        for pipe in (self._stdout, self._stderr, self._replies):
            pipe.close()
        self._stdin.close()
        self.gone.set()
        self._fail(self._reason or (lambda: Broken(self._cause())))

    def _break(self, reason: Callable[[], Exception]) -> None:
        """End the process, for the reason that comes first."""
        if self.is_alive:
            self._reason = reason
            self._process.kill()

    def _fail(self, reason: Callable[[], Exception]) -> None:
        self._reason = reason
        self._settle_setup(reason())
        for job in self._jobs.values():
            if not job.ended.done():
                job.ended.set_exception(reason())

    def _settle_setup(self, error: Exception | None) -> None:
        if self._setup.done():
            return
        if error is None:
            self._setup.set_result(0)
        else:
            self._setup.set_exception(error)
            self._setup.exception()  # Nobody may be waiting for it.

    def _cause(self) -> TaskError:
        match self._status:
            case {"fault": str(fault)}:
                return internal(f"The model's process could not be started: {fault}.")
            case {"excess": "memory" as kind}:
                return external("The model used more memory than it may.", {"excess": kind})
            case {"excess": "processes" as kind}:
                return external("The model started more processes and threads than it may.", {"excess": kind})
            case {"excess": "disk" as kind}:
                message = f"The model's files took more than {self._settings.disk_mb:,} MiB."
                return external(message, {"excess": kind})
            case {"signal": int(number)}:
                name = _signal_name(number)
                hint = ": the machine may have run out of memory" if number == signal.SIGKILL else ""
                return external(f"The model's process was ended by {name}{hint}.", {"signal": name})
            case {"exit": int(code)}:
                return external(f"The model's process ended by itself, with exit status {code}.", {"exit": code})
        return internal("The model's process was ended from outside.")


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"  # Real-time signals have no names of their own.
