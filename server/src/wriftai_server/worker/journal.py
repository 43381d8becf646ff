"""What a run says on its way, until it is stored; bounded, so that no model fills the database by chatting."""

import asyncio
from typing import Literal

from wriftai_server.predictions.claims import Claim, Event

LINE_BYTES = 16 * 1024
_MOST_LINES = 10_000
_MOST_BYTES = 1024 * 1024
_PIECE_BYTES = 64  # What each piece takes beside its text: its row, and its event.
_CUT = "The log was cut here: it is longer than 10,000 lines or 1 MiB."


class Journal:
    """Events of one claim that are not stored yet.

    Args:
        claim: Whose events they are.
        max_output_bytes: Of the pieces of its output, together.

    Attributes:
        pending: In order.
        storing: Held by whoever stores what is pending, so that nobody else stores the same.
        is_cut: Whether no more lines are taken.
    """

    def __init__(self, claim: Claim, max_output_bytes: int) -> None:
        self.claim = claim
        self.pending: list[Event] = []
        self.storing = asyncio.Lock()
        self._lines = self._bytes = 0
        self.is_cut = False
        self._output_left = max_output_bytes

    def add_line(self, kind: Literal["setup_log", "log"], line: bytes) -> None:
        """Note a line; what would be too much is left out, and one line says so."""
        # A carriage return writes over what stands before it, as progress bars do.
        shown = line.rstrip(b"\r").rpartition(b"\r")[2]
        text = shown.decode(errors="replace").replace("\0", "\N{REPLACEMENT CHARACTER}")
        self._lines += 1
        self._bytes += len(line)
        if self._lines <= _MOST_LINES and self._bytes <= _MOST_BYTES:
            self.pending.append(Event(kind, text))
        elif not self.is_cut:
            self.is_cut = True
            self.pending.append(Event(kind, _CUT))

    def add_output(self, text: str) -> bool:
        """Note a piece of the output, as JSON; False when that is more than there may be."""
        self._output_left -= len(text.encode()) + _PIECE_BYTES
        if self._output_left < 0:
            return False
        self.pending.append(Event("output", text))
        return True
