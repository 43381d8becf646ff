"""What an attempt says on its way, until it is stored; bounded, so that no chatty model fills the database."""

import asyncio
from typing import Literal

from wriftai_server.predictions.claims import Claim, Event

LINE_BYTES = 16 * 1024
_MOST_LINES = 10_000
_MOST_BYTES = 1024 * 1024
_PIECE_BYTES = 64  # What each piece takes beside its text: its row, and its event.
_CUT = "The log was cut here: it is longer than 10,000 lines or 1 MiB."


class EventBuffer:
    """Log lines and pieces of output of one attempt that are not stored yet.

    Args:
        claim: Of the attempt.
        max_output_bytes: So long may the pieces of its output be together, as JSON in UTF-8, each counted for 64
            bytes more than it has.

    Attributes:
        claim: Of the attempt.
        pending: What is to be stored, in order; whoever has stored some of it removes that.
        storing: Held by whoever stores what is pending, so that nobody else stores the same.
        is_cut: Whether the log was cut: then no more lines are taken.
    """

    def __init__(self, claim: Claim, max_output_bytes: int) -> None:
        self.claim = claim
        self.pending: list[Event] = []
        self.storing = asyncio.Lock()
        self._lines = self._bytes = 0
        self.is_cut = False
        self._output_left = max_output_bytes

    def add_line(self, kind: Literal["setup_log", "log"], line: bytes) -> None:
        """Take a line that was printed; after 10,000 lines or 1 MiB one last line says that the log was cut.

        Args:
            kind: `setup_log` while the model is loaded, `log` afterwards.
            line: Without its end; bytes that are not UTF-8 are replaced. Of what carriage returns part, only the
                last stays.
        """
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
        """Take a piece of the output, as JSON; False, and not taken, when the output would be too long."""
        self._output_left -= len(text.encode()) + _PIECE_BYTES
        if self._output_left < 0:
            return False
        self.pending.append(Event("output", text))
        return True
