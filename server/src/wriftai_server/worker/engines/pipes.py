"""Pipes to and from a process, read and written by the event loop without a task for each."""

import asyncio
import os
from collections.abc import Callable

_PIECE_BYTES = 64 * 1024  # What a pipe holds.
_DRAIN_PIECES = 16


class LineReader:
    """Reads lines from a descriptor as they come.

    Args:
        descriptor: To read from; owned, and closed at its end.
        longest: Bytes of a line; longer ones are given in several pieces.
        take: Given each line or piece, without the end of the line, and whether it is the last piece of its line.
        end: Called once, when the other side has closed and all was given; not after `close`.

    Attributes:
        is_muted: Whether what comes is thrown away unseen.
    """

    def __init__(
        self,
        descriptor: int,
        longest: int,
        take: Callable[[bytes, bool], None],
        end: Callable[[], None] = lambda: None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._descriptor = descriptor
        self._longest = longest
        self._take, self._end = take, end
        self._rest = bytearray()
        self._is_open = True
        self.is_muted = False
        os.set_blocking(descriptor, False)
        self._loop.add_reader(descriptor, self._read)

    def drain(self) -> None:
        """Give what has come already, up to 1 MiB, and a line that has only begun too."""
        pieces = 0
        while self._is_open and pieces < _DRAIN_PIECES and self._read():
            pieces += 1
        self._take_rest()

    def close(self) -> None:
        """Read no more, and close the descriptor; nothing when that was done."""
        if self._is_open:
            self._is_open = False
            self._loop.remove_reader(self._descriptor)
            os.close(self._descriptor)

    def _read(self) -> bool:
        try:
            piece = os.read(self._descriptor, _PIECE_BYTES)
        except BlockingIOError:
            return False
        if not piece:
            self._take_rest()
            self.close()
            self._end()
            return False
        self._split(piece)
        return True

    def _split(self, piece: bytes) -> None:
        *lines, last = piece.split(b"\n") if not self.is_muted else [b""]
        for line in lines:
            self._rest += line
            self._take_rest(always=True)
        self._rest += last
        if len(self._rest) > self._longest:
            self._take_rest(keep=len(self._rest) % self._longest)

    def _take_rest(self, *, always: bool = False, keep: int = 0) -> None:
        """Hand over what was read of a line; a long one in several parts, of which only the last is whole."""
        size = len(self._rest) - keep
        if not (size or always):
            return
        line, self._rest = bytes(self._rest[:size]), self._rest[size:]
        for start in range(0, max(size, int(always)), self._longest):
            end = start + self._longest
            if self._is_open and not self.is_muted:
                self._take(line[start:end], end >= size and not keep)


class Writer:
    """Writes to a descriptor, as fast as the other side reads.

    Args:
        descriptor: To write to; owned.
    """

    def __init__(self, descriptor: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._descriptor = descriptor
        self._left = memoryview(b"")
        self._is_open = True
        os.set_blocking(descriptor, False)

    def write(self, data: bytes) -> None:
        """Write some bytes, and keep in memory what there is no room for yet; lost when nobody reads any more."""
        if not self._is_open:
            return
        if self._left:
            self._left = memoryview(bytes(self._left) + data)
            return
        self._left = memoryview(data)
        self._write()
        if self._left:
            self._loop.add_writer(self._descriptor, self._write)

    def close(self) -> None:
        """Close the descriptor, which the other side sees; what was kept is lost."""
        if self._is_open:
            self._is_open = False
            self._left = memoryview(b"")
            self._loop.remove_writer(self._descriptor)
            os.close(self._descriptor)

    def _write(self) -> None:
        try:
            self._left = self._left[os.write(self._descriptor, self._left) :]
        except BlockingIOError:
            return
        except BrokenPipeError:
            self.close()
            return
        if not self._left:
            self._loop.remove_writer(self._descriptor)
