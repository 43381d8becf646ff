"""The command `serve`, as a process whose end is of interest."""

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.hubs import COMMAND


class Served(NamedTuple):
    """A hub that runs.

    Attributes:
        process: The command.
        announced: What it printed when it was ready.
        log: What it writes to standard error.
    """

    process: subprocess.Popen[str]
    announced: str
    log: Path

    @property
    def address(self) -> str:
        """Where it listens, as it says."""
        found = re.search(r"http://\S+?(?=[,.]? )", self.announced)
        assert found, self.announced + self.log.read_text()
        return found[0]

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])


@contextmanager
def serving(tmp_path: Path, *options: str, **environment: str) -> Iterator[Served]:
    """Run a hub on the folder `data` and wait until it is ready, or has ended."""
    log = tmp_path / "log"
    with (
        log.open("wb") as stderr,
        subprocess.Popen(
            [*COMMAND, "serve", *options],
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            env={**os.environ, "WRIFTAI_DATA_DIR": str(tmp_path / "data"), "WRIFTAI_PORT": "0", **environment},
        ) as process,
    ):
        assert process.stdout is not None
        try:
            yield Served(process, process.stdout.readline(), log)
        finally:
            if process.poll() is None:
                process.kill()


def refused(tmp_path: Path, *options: str, **environment: str) -> str:
    """Run a hub that must not come up; give what it says of it."""
    with serving(tmp_path, *options, **environment) as served:
        assert served.process.wait(60) == 1
        assert served.announced == ""
    return served.log.read_text()
