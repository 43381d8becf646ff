"""Inputs, held against the schemas of versions."""

import asyncio
import contextlib
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Iterable

import msgspec

from wriftai_server.http.problems import Fault, Malformed, malformed
from wriftai_server.predictions.misfits import Misfit, is_quick, misfits

_SECONDS = 2.0
_PROGRAM = (sys.executable, "-m", "wriftai_server.predictions.misfits")
_LONGEST_ANSWER = 16 * 1024 * 1024


class Costly(Exception):
    """To hold this input against this schema may take long: an `Inspector` does it, in no transaction.

    Attributes:
        schemas: Those of the version, as they are stored.
        text: The input, as JSON.
    """

    def __init__(self, schemas: str, text: str) -> None:
        super().__init__()
        self.schemas = schemas
        self.text = text


def check(schemas: str, text: str) -> None:
    """Check an input.

    Args:
        schemas: Those of a version, as they are stored.
        text: The input, as JSON.

    Raises:
        Malformed: It does not fit; the first faults, each with its place.
        Costly: That is not to be found out here.
    """
    if not is_quick(schemas, text):
        raise Costly(schemas, text)
    _refuse(misfits(schemas, text))


class Inspector:
    """Checks inputs in a process of its own, which is ended where that takes too long."""

    def __init__(self) -> None:
        self._process: Process | None = None
        self._one_at_a_time = asyncio.Lock()

    async def check(self, costly: Costly) -> None:
        """Check an input.

        Raises:
            Malformed: It does not fit, or that cannot be found out in time.
        """
        question = msgspec.json.encode((costly.schemas, msgspec.Raw(costly.text.encode())))
        async with self._one_at_a_time:
            try:
                answer = await self._answer(question + b"\n")
            except BaseException:
                await self._end()
                raise
            if not answer:
                await self._end()
                msg = (
                    f"To check this input takes longer than {_SECONDS:g} s: make it simpler, or leave that to "
                    "the model with the header 'Validate-Input: false'."
                )
                raise malformed("body", "input", msg=msg, type="input_too_costly")
        _refuse(msgspec.json.decode(answer, type=list[Misfit]))

    async def close(self) -> None:
        """End the process."""
        async with self._one_at_a_time:
            await self._end()

    async def _answer(self, question: bytes) -> bytes:
        if self._process is None:
            self._process = await asyncio.create_subprocess_exec(
                *_PROGRAM, stdin=PIPE, stdout=PIPE, limit=_LONGEST_ANSWER
            )
            await self._ask(b'["{\\"prediction\\":{\\"input\\":{}}}",null]\n')  # It takes a while to start.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_SECONDS):
                return await self._ask(question)
        return b""

    async def _ask(self, question: bytes) -> bytes:
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            return b""
        process.stdin.write(question)
        with contextlib.suppress(ConnectionError):
            await process.stdin.drain()
        return await process.stdout.readline()

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.communicate()


def _refuse(found: Iterable[Misfit]) -> None:
    faults = [Fault(("body", "input", *path), f"{words}.", "input_invalid") for path, words in found]
    if faults:
        raise Malformed(faults)
