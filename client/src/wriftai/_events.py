"""Read server-sent events (WHATWG HTML, section 9.2) from lines of text, without any I/O."""

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
    """Turns lines into events; remembers the last id from one event to the next."""

    def __init__(self) -> None:
        self._id = ""
        self._event = ""
        self._data: list[str] = []

    def feed(self, line: str) -> ServerSentEvent | None:
        """Take a line without its end; give an event when the line completes one."""
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
