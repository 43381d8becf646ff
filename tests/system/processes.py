"""Processes of a hub and its callers that are killed and started again, and those that they started."""

import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from tests.hubs import Hub

_START_SECONDS = 120
_READY = re.compile(rb'"(listening|working|calling)"')


class Place:
    """A process, or the one that took its place after it was killed.

    Args:
        log: What they write to standard error; it says when they are ready.
        command: Starts one.
    """

    def __init__(self, log: Path, *command: str) -> None:
        self.log = log
        self.log.touch()
        self._command = command
        self.start()

    @property
    def is_up(self) -> bool:
        """Whether the process has said that it is ready."""
        return _READY.search(self.log.read_bytes()[self._offset :]) is not None

    def wait(self) -> None:
        """Wait until the process is ready."""
        for _ in range(_START_SECONDS * 20):
            if self.is_up:
                return
            time.sleep(0.05)
        raise TimeoutError(f"It did not start:\n{self.log.read_text()}")

    def start(self) -> None:
        """Start a process."""
        self._offset = self.log.stat().st_size
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=log)

    def kill(self) -> None:
        """End the process as a crash would."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def restart(self) -> bool:
        """Kill the process and start another, if it is ready; tell whether it was."""
        if not self.is_up:
            return False
        self.kill()
        self.start()
        return True

    def pause(self) -> bool:
        """Let the process stand still, as on an overloaded machine, if it is ready; tell whether it was."""
        if self.is_up:
            self.process.send_signal(signal.SIGSTOP)
        return self.is_up

    def go_on(self) -> None:
        """End a pause; nothing when there is none."""
        self.process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """Tell the process to end, and wait until it has."""
        self.process.terminate()
        try:
            self.process.wait(60)
        finally:
            self.process.kill()


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


def descendants(pid: int) -> list[int]:
    """Find the processes that a process has started, and those that they have."""
    children: dict[int, list[int]] = {}
    for child, parent in _parents():
        children.setdefault(parent, []).append(child)
    found = list(children.get(pid, ()))
    for each in found:
        found += children.get(each, ())
    return found


def processes_of(hub: Hub) -> list[int]:
    """Find the processes that answer requests, the first one first."""
    found = descendants(hub.process.pid)
    return sorted(pid for pid in found if b"processes.child" in Path(f"/proc/{pid}/cmdline").read_bytes())


def end(pid: int) -> None:
    """Kill a process that may have ended by now."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def is_alive(pid: int) -> bool:
    """Tell whether a process runs; one that nobody has waited for does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def _parents() -> Iterator[tuple[int, int]]:
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                stat = (folder / "stat").read_text()
            except OSError:
                continue
            yield int(folder.name), int(stat.rpartition(")")[2].split()[1])
