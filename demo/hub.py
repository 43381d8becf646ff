"""A hub on a folder of its own that goes away with the demonstration."""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

_SERVER = (sys.executable, "-m", "wriftai_server")
_CLIENT = (str(Path(sys.executable).with_name("wriftai")),)


class Hub(NamedTuple):
    """A hub that runs.

    Attributes:
        address: Without the `/v1`.
        data_dir: Its folder.
    """

    address: str
    data_dir: Path

    @property
    def url(self) -> str:
        """Address of the API."""
        return f"{self.address}/v1"

    def command(self, *arguments: str) -> str:
        """Run `wriftai-server` on its folder and give what it prints; its progress stays on the screen."""
        return _said([*_SERVER, *arguments, "--data-dir", str(self.data_dir)])

    def client_command(self, *arguments: str, token: str) -> str:
        """Run `wriftai` as a user of this hub and give what it prints; its progress stays on the screen."""
        return _said([*_CLIENT, *arguments], WRIFTAI_API_BASE_URL=self.url, WRIFTAI_ACCESS_TOKEN=token)


@contextmanager
def temporary_hub() -> Iterator[Hub]:
    """Run a hub in a temporary folder and on a free port."""
    with tempfile.TemporaryDirectory(prefix="wriftai-demo-") as folder:
        data_dir = Path(folder) / "data"
        process = subprocess.Popen(
            [*_SERVER, "serve", "--port", "0", "--log-level", "error", "--data-dir", str(data_dir)],
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            said = process.stdout.readline() if process.stdout is not None else ""
            address = re.search(r"http://\S+?(?=,)", said)
            if address is None:
                raise RuntimeError(f"The hub did not start: {said}")
            yield Hub(address[0], data_dir)
        finally:
            process.terminate()
            process.communicate(timeout=30)


def _said(command: list[str], **environment: str) -> str:
    return subprocess.run(
        command, check=True, stdout=subprocess.PIPE, text=True, env=os.environ | environment
    ).stdout.strip()
