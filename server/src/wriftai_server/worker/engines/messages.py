"""What a worker and a runtime say to each other: JSON objects, one a line.

What has an `id` is about one attempt: it is the `attempt_id` of its claim.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Raw, Struct

_MOST_MESSAGE = 4 * 1024
_MOST_TRACEBACK = 64 * 1024

Seconds = Annotated[float, Meta(ge=0, le=10_000_000)]


class Ready(Struct, tag="ready"):
    """The model is loaded.

    Attributes:
        seconds: How long that took, from the start of the process.
    """

    seconds: float


class Unusable(Struct, tag="unusable"):
    """The model cannot be loaded; the process ends.

    Attributes:
        message: Why, for whoever made the model; cut after 4,096 characters.
        traceback: Of the model's code; None or empty where that is not at fault. Of a long one, the end stays.
    """

    message: str
    traceback: str | None = None

    def __post_init__(self) -> None:
        self.message, self.traceback = _cut(self.message, self.traceback)


class Log(Struct, tag="log"):
    """A prediction printed a line, in a runtime that runs several side by side; otherwise lines come on pipes."""

    id: str
    line: str


class Output(Struct, tag="output"):
    """A prediction gave a piece of its output, as JSON."""

    id: str
    value: Raw


class Succeeded(Struct, tag="succeeded"):
    """A prediction ended with an output: JSON, and of one that came in pieces the list of these.

    Attributes:
        seconds: How long it ran; in what follows too.
    """

    id: str
    output: Raw
    seconds: Seconds


class Failed(Struct, tag="failed"):
    """A prediction ended with an error.

    Attributes:
        kind: What is at fault: the model's code, the input, or what the model gave as its output.
        message: Why, for the caller; cut after 4,096 characters.
        traceback: Of the model's code; None where that is not at fault. Of a long one, the end stays.
    """

    id: str
    kind: Literal["model", "input", "output"]
    message: str
    seconds: Seconds
    traceback: str | None = None

    def __post_init__(self) -> None:
        self.message, self.traceback = _cut(self.message, self.traceback)


class Cancelled(Struct, tag="cancelled"):
    """A prediction ended because it was told to, or the model cancelled itself."""

    id: str
    seconds: Seconds


Ending = Succeeded | Failed | Cancelled
Reply = Ready | Unusable | Log | Output | Ending

_decoder: msgspec.json.Decoder[Reply] = msgspec.json.Decoder(Reply)
STOP = b'{"type":"stop"}\n'


class NotJSON(ValueError):
    """What should be JSON is not."""


def decode(line: bytes) -> Reply:
    """Read what a runtime says.

    Raises:
        NotJSON: It is none of the messages.
    """
    try:
        return _decoder.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise NotJSON(str(error)) from error


def text_of(value: Raw) -> str:
    """Give a value as the text that is stored, checked to the last character.

    Raises:
        NotJSON: It is not JSON.
    """
    try:
        msgspec.json.decode(value)
        return bytes(value).decode()
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise NotJSON(str(error)) from error


def predict(attempt_id: str, folder: str, input_: str) -> bytes:
    """Write the message that starts a prediction.

    Args:
        attempt_id: Of the claim; each reply to it has it as `id`.
        folder: Empty, for the files of the input.
        input_: JSON.
    """
    head = msgspec.json.encode({"type": "predict", "id": attempt_id, "folder": folder})
    # In JSON a line break is nothing but white space.
    body = input_.encode().replace(b"\r", b" ").replace(b"\n", b" ")
    return head[:-1] + b',"input":' + body + b"}\n"


def cancel(attempt_id: str) -> bytes:
    """Write the message that asks an attempt to end; one that has ended already pays no heed."""
    return msgspec.json.encode({"type": "cancel", "id": attempt_id}) + b"\n"


def _cut(message: str, traceback: str | None) -> tuple[str, str | None]:
    # They are shown in every list and posted to every webhook; of a traceback the end says most.
    if len(message) > _MOST_MESSAGE:
        message = f"{message[:_MOST_MESSAGE]} …"
    return message, traceback and traceback[-_MOST_TRACEBACK:]
