"""Posts: callers each of whom asks again the moment that the last answer is whole; what each one took is kept.

It is made of raw sockets, as the load of gets is, but an answer may be a refusal.
"""

import selectors
import socket
import statistics
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from typing import NamedTuple, Self

from benchmarks.machine import cpu_seconds, family
from benchmarks.session import Server

_PATIENCE = 30.0
_READ = 1 << 16
_WARM_UP = 0.1


class Call(NamedTuple):
    """What a caller asks, of whom.

    Attributes:
        server: Answers.
        requests: Heads and bodies, of one request after another; they never end.
        proof: In the body of each answer that is what was asked for.
    """

    server: Server
    requests: Iterator[bytes]
    proof: bytes


class Answers(NamedTuple):
    """What a server answered.

    Attributes:
        seconds: It was asked for.
        took: Seconds from each request to what it asked for, whole.
        refused: Answers that are something else.
        server_cpu: Seconds that the server's processes computed; 0 where the system does not say.
    """

    seconds: float
    took: list[float]
    refused: int
    server_cpu: float

    @property
    def rate(self) -> float:
        """Good answers a second, by the clock."""
        return len(self.took) / self.seconds

    @property
    def rate_of_core(self) -> float:
        """Good answers in a second of a core: of the time that the server computed, else of what went by."""
        return len(self.took) / (self.server_cpu or self.seconds)

    @property
    def p50(self) -> float:
        """Milliseconds that half of the good answers took at most."""
        return 1e3 * statistics.median(self.took)

    @property
    def p99(self) -> float:
        """Milliseconds that all but one in a hundred took at most."""
        return 1e3 * (statistics.quantiles(self.took, n=100)[-1] if len(self.took) > 1 else self.took[0])


def post(
    server: Server, path: str, body: bytes, headers: dict[str, str] | None = None, *, method: str = "POST"
) -> bytes:
    """Write a request.

    Args:
        server: It goes to.
        path: From the root.
        body: JSON.
        headers: Beside those of any JSON body.
        method: Of those that have a body.
    """
    lines = {
        "host": f"{server.host}:{server.port}",
        "content-type": "application/json",
        "content-length": str(len(body)),
        **(headers or {}),
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body


def once(call: Call) -> None:
    """Ask once.

    Raises:
        RuntimeError: The answer is not what was asked for.
    """
    with _Caller(call) as caller:
        caller.ask()
        while (is_good := caller.read()) is None:
            pass
        if not is_good:
            raise RuntimeError(f"The server answered {caller.answer}")


def drive(call: Call, *, callers: int, seconds: float) -> Answers:
    """Let callers ask for a while, after a moment to warm up.

    Args:
        call: All callers take their requests from it.
        callers: How many, each on a connection of its own.
        seconds: How long to measure.

    Raises:
        RuntimeError: No answer comes, none is good, or one is no HTTP with a length.
    """
    with ExitStack() as stack:
        processes = family(call.server.pid)
        ready = stack.enter_context(selectors.DefaultSelector())
        asking = [stack.enter_context(_Caller(call)) for _ in range(callers)]
        for caller in asking:
            ready.register(caller.socket, selectors.EVENT_READ, caller)
            caller.ask()
        _listen(processes, ready, seconds * _WARM_UP)
        answers = _listen(processes, ready, seconds)
        # The server is left idle, because another one is measured next.
        for caller in asking:
            while caller.read() is None:
                pass
    if not answers.took:
        raise RuntimeError(f"The server refused all {answers.refused} requests.")
    return answers


def drive_alone(call: Call, *, seconds: float) -> list[float]:
    """Let one caller ask for a while, after a moment to warm up; give the seconds that each answer took.

    Args:
        call: What it asks.
        seconds: How long to measure; there is one answer at least.

    Raises:
        RuntimeError: An answer is not what was asked for.
    """
    with _Caller(call) as caller:
        _ask_alone(caller, seconds * _WARM_UP)
        return _ask_alone(caller, seconds)


def _ask_alone(caller: "_Caller", seconds: float) -> list[float]:
    took = list[float]()
    end = time.perf_counter() + seconds
    while True:
        caller.ask()
        while (is_good := caller.read()) is None:
            pass
        now = time.perf_counter()
        if not is_good:
            raise RuntimeError(f"The server answered {caller.answer}")
        took.append(now - caller.asked)
        if now >= end:
            return took


def _listen(processes: Iterable[int], ready: selectors.BaseSelector, seconds: float) -> Answers:
    """Keep what was answered within some time; ask again for each."""
    took, refused, computed = list[float](), 0, sum(map(cpu_seconds, processes))
    started = now = time.perf_counter()
    while now < started + seconds:
        events = ready.select(_PATIENCE)
        if not events:
            raise RuntimeError("The server does not answer.")
        for key, _ in events:
            caller: _Caller = key.data
            is_good = caller.read()
            if is_good is None:
                continue
            if is_good:
                took.append(time.perf_counter() - caller.asked)
            else:
                refused += 1
            caller.ask()
        now = time.perf_counter()
    return Answers(now - started, took, refused, sum(map(cpu_seconds, processes)) - computed)


class _Caller:
    """A connection with one request under way.

    Args:
        call: What it asks.
    """

    def __init__(self, call: Call) -> None:
        self.socket = socket.create_connection((call.server.host, call.server.port), _PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.asked = 0.0
        self._call = call
        self._answer = bytearray()

    def ask(self) -> None:
        """Send the request."""
        self._answer.clear()
        request = next(self._call.requests)
        self.asked = time.perf_counter()
        self.socket.sendall(request)

    def read(self) -> bool | None:
        """Read what has come; tell whether it is what was asked for, None while it is not whole."""
        piece = self.socket.recv(_READ)
        if not piece:
            raise RuntimeError(f"The server hung up after {self.answer}")
        self._answer += piece
        end = self._answer.find(b"\r\n\r\n") + 4
        if end < 4 or len(self._answer) < end + _length(self._answer[:end]):
            return None
        return self._answer.startswith(b"HTTP/1.1 2") and self._call.proof in self._answer[end:]

    @property
    def answer(self) -> str:
        """The last answer, as far as it has come."""
        return self._answer.decode(errors="replace")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()


def _length(head: bytearray) -> int:
    """Take from the head of an answer how long its body is."""
    _, found, after = head.lower().partition(b"\r\ncontent-length: ")
    if not found:
        raise RuntimeError(f"The server sent a head without a length: {bytes(head)!r}")
    return int(after.partition(b"\r\n")[0])
