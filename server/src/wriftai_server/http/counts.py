"""How many requests each caller has sent in a minute, in this process or in all processes of a hub."""

import fcntl
import hashlib
import mmap
import secrets
import struct
import tempfile
from typing import IO, Protocol

_SALT_BYTES = 16
_ROWS = 8192
_PLACES = 8
# Whom a place is for, in which minute, and how many requests there were.
_PLACE = struct.Struct("=8sII")
_ROW_BYTES = _PLACES * _PLACE.size
_TABLE_BYTES = _SALT_BYTES + _ROWS * _ROW_BYTES


class Counts(Protocol):
    """Counts the requests of each caller in the present minute."""

    def add(self, caller: str, minute: int) -> int:
        """Count a request; give how many there were in this minute, it included."""
        ...


class OwnCounts:
    """Counts the requests to this process."""

    def __init__(self) -> None:
        self._minute = 0
        self._counts: dict[str, int] = {}

    def add(self, caller: str, minute: int) -> int:
        """Count a request."""
        if minute != self._minute:
            self._minute, self._counts = minute, {}
        count = self._counts[caller] = self._counts.get(caller, 0) + 1
        return count


class SharedCounts:
    """Counts the requests to all processes that share a table.

    A caller has a place in one of the rows of the table. Where a row is full, because there are tens of thousands
    of callers, whoever has sent least makes room.

    Args:
        descriptor: Of the table.
    """

    def __init__(self, descriptor: int) -> None:
        self._file = descriptor
        self._table = mmap.mmap(descriptor, _TABLE_BYTES)
        self._salt = self._table[:_SALT_BYTES]

    def add(self, caller: str, minute: int) -> int:
        """Count a request."""
        digest = hashlib.blake2b(caller.encode(), digest_size=8, key=self._salt).digest()
        row = int.from_bytes(digest, "big") % _ROWS
        # The kernel lets go of it too when the process dies meanwhile.
        fcntl.lockf(self._file, fcntl.LOCK_EX, 1, row)
        try:
            place, count = self._find(_SALT_BYTES + row * _ROW_BYTES, digest, minute)
            _PLACE.pack_into(self._table, place, digest, minute, count + 1)
        finally:
            fcntl.lockf(self._file, fcntl.LOCK_UN, 1, row)
        return count + 1

    def _find(self, row: int, digest: bytes, minute: int) -> tuple[int, int]:
        """Find the place of a caller in a row, or else the one to take, and the count so far."""
        least, taken = row, -1
        for place in range(row, row + _ROW_BYTES, _PLACE.size):
            owner, when, count = _PLACE.unpack_from(self._table, place)
            current = count if when == minute else 0
            if owner == digest:
                return place, current
            if taken < 0 or current < taken:
                least, taken = place, current
        return least, 0


def table() -> IO[bytes]:
    """Make a table in which nobody has sent anything; it is gone when nobody has it open any more.

    Raises:
        OSError: There is no room for it.
    """
    file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115  # whoever asked for it closes it
    # Written out, so that room is there when a count needs it.
    file.write(secrets.token_bytes(_SALT_BYTES) + bytes(_TABLE_BYTES - _SALT_BYTES))
    return file
