"""What a parent and one of its processes say to each other, on the socket between them.

The parent begins with one `Start`, and the descriptors that go with it. From then on it sends connections: one
byte each, and the descriptor. A process sends lines, each of them a message in JSON.
"""

import os
import socket
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from wriftai_server.settings import Settings

_LENGTH_BYTES = 4
_MOST_DESCRIPTORS = 250


class Start(msgspec.Struct, frozen=True):
    """What a process needs to begin.

    Attributes:
        settings: Of the hub; only one of its processes has a worker.
        senders: How many of the descriptors lead to other processes.
    """

    settings: Settings
    senders: int


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """The process answers requests."""


class ConnectionsClosed(msgspec.Struct, frozen=True, tag="closed"):
    """The process has closed connections.

    Attributes:
        count: How many of all that it was ever handed are closed by now; it only grows.
    """

    count: int


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """The process cannot come up, or go on.

    Attributes:
        reason: Why, in a sentence for the operator.
    """

    reason: str


Message = Ready | ConnectionsClosed | Failed


class Shared(NamedTuple):
    """What the processes of a hub have in common, as descriptors.

    Attributes:
        receiver: Socket on which this process hears of changes that the others made.
        senders: Sockets of the others, to tell them of changes.
        counts: Memory in which all count the requests of each caller; None where requests are not limited.
    """

    receiver: int
    senders: list[int]
    counts: int | None


def start(channel: socket.socket, settings: Settings, shared: Shared) -> None:
    """Send a process what it needs to begin.

    Args:
        channel: Leads to it.
        settings: Of the hub, as this process is to have them.
        shared: Descriptors of this process, of which the other gets copies.
    """
    body = msgspec.json.encode(Start(settings, len(shared.senders)), enc_hook=str)
    counts = [] if shared.counts is None else [shared.counts]
    head = len(body).to_bytes(_LENGTH_BYTES, "big")
    socket.send_fds(channel, [head + body], [shared.receiver, *shared.senders, *counts])


def started(channel: socket.socket) -> tuple[Settings, Shared]:
    """Receive what the process needs to begin.

    Raises:
        EOFError: The parent is gone.
    """
    head, descriptors, *_ = socket.recv_fds(channel, _LENGTH_BYTES, _MOST_DESCRIPTORS)
    if not head:
        raise EOFError
    for descriptor in descriptors:
        os.set_inheritable(descriptor, False)
    body = channel.recv(int.from_bytes(head, "big"), socket.MSG_WAITALL)
    start = msgspec.json.decode(body, type=Start, dec_hook=_path)
    receiver, *others = descriptors
    senders, counts = others[: start.senders], others[start.senders :]
    return start.settings, Shared(receiver, senders, counts[0] if counts else None)


def line(message: Message) -> bytes:
    """Write a message of a process, as a line."""
    return msgspec.json.encode(message) + b"\n"


def read(text: bytes) -> Message:
    """Read a message of a process.

    Args:
        text: A line, without its end.
    """
    message: Message = msgspec.json.decode(text, type=Message)
    return message


def _path(_kind: type, text: Any) -> Path:
    return Path(text)
