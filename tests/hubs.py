"""Real hubs for tests: the command, in a process of its own, on a folder of its own."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

COMMAND = (sys.executable, "-m", "wriftai_server")
_START_SECONDS = 60


class Hub(NamedTuple):
    """A hub that runs.

    Attributes:
        address: Without the `/v1`.
        data_dir: Its folder.
        process: The command.
        log: What it writes to standard error.
    """

    address: str
    data_dir: Path
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def url(self) -> str:
        """Address of the API."""
        return f"{self.address}/v1"

    def create_user(self, name: str, *options: str) -> str:
        """Add a user with the command; give the token."""
        return run("users", "create", name, *options, data_dir=self.data_dir).stdout.strip()

    def kill(self) -> None:
        """End it as a crash would."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


def run(*arguments: str, data_dir: Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run the command on a data folder to its end."""
    return subprocess.run(
        [*COMMAND, *arguments, "--data-dir", str(data_dir)],
        capture_output=True,
        text=True,
        check=check,
        timeout=120,
        env=_environment(),
    )


@contextmanager
def running(data_dir: Path, *options: str) -> Iterator[Hub]:
    """Run a hub on a folder and a free port; stop it at the end, unless it ended already."""
    data_dir.mkdir(parents=True, exist_ok=True)
    log = data_dir.parent / f"{data_dir.name}.log"
    offset = log.stat().st_size if log.exists() else 0
    with log.open("ab") as stderr:
        process = subprocess.Popen(
            [*COMMAND, "serve", "--port", "0", "--data-dir", str(data_dir), *options],
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            env=_environment(),
        )
    try:
        yield Hub(_address(process, log, offset), data_dir, process, log)
    finally:
        if process.poll() is None:
            process.terminate()
        try:
            process.wait(30)
        finally:
            process.kill()


def _address(process: subprocess.Popen[bytes], log: Path, offset: int) -> str:
    """Wait for the line that says where the hub listens."""
    for _ in range(_START_SECONDS * 20):
        for line in log.read_bytes()[offset:].splitlines():
            entry = json.loads(line) if line.startswith(b"{") else {}
            if entry.get("event") == "listening":
                return str(entry["address"])
        if process.poll() is not None:
            break
        time.sleep(0.05)
    raise RuntimeError(f"The hub did not start:\n{log.read_text()}")


def _environment() -> dict[str, str]:
    """Give the environment without settings that would change what is tested."""
    return {name: value for name, value in os.environ.items() if not name.startswith("WRIFTAI_")}
