"""Read server-sent events (WHATWG HTML, section 9.2) from pieces of a stream, without any I/O."""

import codecs
import io
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class ServerSentEvent:
    """One event of a stream.

    Attributes:
        id: The last id seen so far; empty before the first.
        event: Its kind; `message` when the stream names none.
        data: Its text, lines joined by a line feed.
    """

    id: str
    event: str
    data: str


class EventReader:
    """Turns bytes into events; remembers the last id from one event to the next."""

    def __init__(self) -> None:
        # Only these three end a line: CR, LF and both. `str.splitlines` knows more, which data may well hold.
        utf8 = codecs.getincrementaldecoder("utf-8-sig")("replace")
        self._decoder = io.IncrementalNewlineDecoder(utf8, translate=True)
        self._line = ""
        self._id = ""
        self._event = ""
        self._data: list[str] = []

    def feed(self, piece: bytes) -> Iterator[ServerSentEvent]:
        """Take what comes next, cut anywhere; give the events that it completes."""
        *lines, self._line = (self._line + self._decoder.decode(piece)).split("\n")
        for line in lines:
            event = self._read(line)
            if event is not None:
                yield event

    def _read(self, line: str) -> ServerSentEvent | None:
        if not line:
            return self._dispatch()
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "data":
            self._data.append(value)
        elif field == "event":
            self._event = value
        elif field == "id" and "\0" not in value:
            self._id = value
        return None

    def _dispatch(self) -> ServerSentEvent | None:
        kind, data = self._event, self._data
        self._event, self._data = "", []
        if not data:
            return None
        return ServerSentEvent(id=self._id, event=kind or "message", data="\n".join(data))
