"""Messages to and from the parent: one JSON object a line, over pipes that model code does not have."""

import json
import os
import threading
from collections.abc import Iterator
from typing import Any, NoReturn

from wriftai_runtime.faults import Unfit

_READ = 1 << 16
_encoder = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False, check_circular=False)


def encoded(value: Any) -> bytes:
    """Give a value as JSON.

    Raises:
        Unfit: JSON cannot hold it.
    """
    try:
        return _encoder.encode(value).encode()
    except UnicodeEncodeError:
        raise Unfit("holds text with half a surrogate pair, which is not Unicode") from None
    except ValueError as error:
        raise Unfit(f"cannot be JSON: {error}") from None


def take_stdin() -> int:
    """Move standard input where model code does not find it; model code reads nothing from its own."""
    mine = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.register_at_fork(after_in_child=lambda: os.close(mine))
    return mine


def lines(fd: int) -> Iterator[bytes]:
    """Read lines of any length until the other side closes."""
    parts: list[bytes] = []
    while chunk := os.read(fd, _READ):
        *complete, rest = chunk.split(b"\n")
        for part in complete:
            yield b"".join((*parts, part))
            parts.clear()
        if rest:
            parts.append(rest)


class Replies:
    """Sends messages to the parent, each whole, from any thread.

    Programs that model code starts do not inherit the pipe, and forks of this process lose it: it ends with this
    process.

    Args:
        fd: File descriptor to write to.
    """

    def __init__(self, fd: int) -> None:
        os.set_inheritable(fd, False)
        os.register_at_fork(after_in_child=self._forget)
        self._fd = fd
        self._turn = threading.Lock()
        self._is_forked = False

    def send(self, **message: Any) -> None:
        """Send a message; text that is not Unicode is mended."""
        text = _encoder.encode(message)
        self.send_line(text.encode(errors="replace"))

    def send_line(self, message: bytes) -> None:
        """Send a message that is JSON already."""
        if self._is_forked:
            _vanish()  # Model code forked, and its child came back here.
        rest = memoryview(message + b"\n")
        try:
            with self._turn:
                while rest:
                    rest = rest[os.write(self._fd, rest) :]
        except BrokenPipeError:
            _vanish()

    def _forget(self) -> None:
        self._is_forked = True
        os.close(self._fd)


def _vanish() -> NoReturn:
    """Leave without a word: nobody listens any more."""
    os._exit(1)
