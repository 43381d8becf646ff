"""One prediction: from its message to its terminal reply."""

import contextlib
import json
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from wriftai_runtime.downloads import Download
from wriftai_runtime.faults import Cancelled, Fault, Unfit, model_traceback, words
from wriftai_runtime.files import Folder
from wriftai_runtime.pipes import Replies, encoded
from wriftai_runtime.signature import Signature


@dataclass(frozen=True)
class Terms:
    """What holds for all predictions of a process.

    Attributes:
        signature: What the predictor takes and gives.
        replies: Takes messages to the parent.
        download: Fetches files of inputs.
        most_output: Bytes that an output may have as JSON, all pieces together.
    """

    signature: Signature
    replies: Replies
    download: Download
    most_output: int


class Job:
    """One prediction. As a context it sends exactly one terminal reply, whatever happens inside.

    Args:
        message: Of the type `predict`: the prediction's id, its input, and a folder for its files.
        terms: What holds for all predictions.

    Attributes:
        id: What the parent calls it in messages, and each reply with it.
        is_begun: Whether its context was entered.
        is_cancelled: Whether the parent asked for its end; to be set by whoever hears of that.
        at_end: Called in this order before the terminal reply.
    """

    def __init__(self, message: Mapping[str, Any], terms: Terms) -> None:
        self.id: str = message["id"]
        self.is_begun = self.is_cancelled = False
        self.at_end: list[Callable[[], None]] = []
        self._input = message["input"]
        self._files = Folder(message["folder"], terms.download)
        self._signature = terms.signature
        self._replies = terms.replies
        self._most_output = self._room = terms.most_output
        self._begin = time.perf_counter()
        self._tag = json.dumps(self.id).encode()
        self._pieces: list[bytes] = []
        self._output = b""

    def arguments(self) -> Any:
        """Read the input into keyword arguments, and fetch its files.

        Raises:
            Fault: The input does not fit, or a file cannot be fetched.
            Cancelled: The parent asked for its end.
        """
        self.check()
        try:
            return self._signature.input.read(self._input, self._files)
        except Unfit as fault:
            raise Fault("input", fault.told("input")) from None

    def check(self) -> None:
        """Stop here if the parent asked for the end.

        Raises:
            Cancelled: It did.
        """
        if self.is_cancelled:
            raise Cancelled

    def emit(self, piece: Any) -> None:
        """Send a piece of the output.

        Raises:
            Fault: It does not fit the schema, or the output is too long with it.
            Cancelled: The parent asked for its end.
        """
        self.check()
        value = self._written(piece)
        self._pieces.append(value)
        self._replies.send_line(b'{"type":"output","id":%b,"value":%b}' % (self._tag, value))

    def finish(self, output: Any) -> None:
        """Take the output, which is sent when the context is left.

        Raises:
            Fault: It does not fit the schema, or is too long.
            Cancelled: The parent asked for its end.
        """
        self.check()
        self._output = self._written(output)

    def finish_pieces(self) -> None:
        """Take the list of the pieces so far as the output.

        Raises:
            Cancelled: The parent asked for its end.
        """
        self.check()
        self._output = b"[%b]" % b",".join(self._pieces)

    def log(self, line: str) -> None:
        """Send a line that model code printed."""
        self._replies.send(type="log", id=self.id, line=line)

    def __enter__(self) -> "Job":
        self.is_begun = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        for end in self.at_end:
            end()
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(Exception):  # Model code may have closed or replaced them.
                stream.flush()
        seconds = time.perf_counter() - self._begin
        if error is None:
            reply = b'{"type":"succeeded","id":%b,"output":%b,"seconds":%.6f}'
            self._replies.send_line(reply % (self._tag, self._output, seconds))
        elif isinstance(error, Cancelled):
            self._replies.send(type="cancelled", id=self.id, seconds=seconds)
        else:
            self._replies.send(type="failed", id=self.id, **_failure(error), seconds=seconds)
        return True

    def _written(self, value: Any) -> bytes:
        try:
            written = encoded(self._signature.output.write(value))
        except Unfit as fault:
            raise Fault("output", fault.told("output")) from None
        self._room -= len(written)
        if self._room < 0:
            raise Fault("output", f"The output has more than {self._most_output:,} bytes as JSON.")
        return written


def _failure(error: BaseException) -> dict[str, Any]:
    if isinstance(error, Fault):
        return {"kind": error.kind, "message": str(error), "traceback": None}
    return {"kind": "model", "message": words(error), "traceback": model_traceback(error)}
