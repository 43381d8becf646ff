"""Calls functions for the hub, a line each; a program that the kernel ends where one takes too long or too much.

A line is a JSON array of a module, a function in it, and the texts that it is called with; the answer is a line
with what it gave. The limits are set here and kept by the kernel: nothing else is done during a call, and the hub
may be gone.
"""

import contextlib
import os
import resource
import signal
import sys
from importlib import import_module

import msgspec

SECONDS = 2
GIBIBYTES = 1


def main() -> None:
    """Answer line by line, until there are no more."""
    most = GIBIBYTES * 1024**3
    with contextlib.suppress(ValueError):  # It is limited to less already.
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # An end without an answer says enough: what a library has to say of memory is no line of the hub's log.
    sys.stderr = os.fdopen(os.dup(2), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    with contextlib.suppress(MemoryError):
        for line in sys.stdin.buffer:
            module, name, texts = msgspec.json.decode(line, type=tuple[str, str, list[str]])
            work = getattr(import_module(module), name)  # To load it takes a while, and is none of its time.
            signal.setitimer(signal.ITIMER_REAL, SECONDS)
            answer = msgspec.json.encode(work(*texts))
            signal.setitimer(signal.ITIMER_REAL, 0)
            sys.stdout.buffer.write(answer + b"\n")
            sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
