"""What predictions that run side by side print, kept apart."""

import contextlib
import contextvars
import io
import sys
import threading
from collections.abc import Iterator
from typing import TextIO

from wriftai_runtime.jobs import Job

_current: contextvars.ContextVar[Job | None] = contextvars.ContextVar("prediction", default=None)
_LONGEST = 1 << 16


def separate() -> None:
    """Put writers in place of `sys.stdout` and `sys.stderr` that send each prediction's lines as its own."""
    sys.stdout = Writer(sys.stdout)
    sys.stderr = Writer(sys.stderr)


@contextlib.contextmanager
def attributed(job: Job) -> Iterator[None]:
    """Count what this thread or task prints as a prediction's, until its terminal reply."""
    token = _current.set(job)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, Writer):
            stream.follow(job)
    try:
        yield
    finally:
        _current.reset(token)


class Writer(io.TextIOBase):
    """Sends whole lines as messages of the prediction that prints them; what no prediction prints goes through.

    Args:
        original: Takes what no prediction prints.
    """

    def __init__(self, original: TextIO) -> None:
        self._original = original
        self._unfinished: dict[str, str] = {}
        self._turn = threading.Lock()

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._original.fileno()

    def flush(self) -> None:
        self._original.flush()

    def write(self, text: str) -> int:
        job = _current.get()
        with self._turn:
            if job is None or job.id not in self._unfinished:  # Or by a task that outlives its prediction.
                return self._original.write(text)
            *whole, rest = (self._unfinished[job.id] + text).split("\n")
            if len(rest) > _LONGEST:
                whole, rest = [*whole, rest], ""
            self._unfinished[job.id] = rest
        for line in whole:
            job.log(line)
        return len(text)

    def follow(self, job: Job) -> None:
        """Collect a prediction's lines; what is left without an end of line is sent at its end."""
        self._unfinished[job.id] = ""
        job.at_end.append(lambda: self._end(job))

    def _end(self, job: Job) -> None:
        with self._turn:
            rest = self._unfinished.pop(job.id)
        if rest:
            job.log(rest)
