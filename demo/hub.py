"""A hub on a folder of its own that goes away with the demonstration."""

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_COMMAND = (sys.executable, "-m", "wriftai_server")


def command(*arguments: str, data_dir: Path) -> str:
    """Run `wriftai-server` on a folder and give what it prints; its progress stays on the screen."""
    line = [*_COMMAND, *arguments, "--data-dir", str(data_dir)]
    return subprocess.run(line, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


@contextmanager
def temporary_hub() -> Iterator[tuple[str, Path]]:
    """Run a hub in a temporary folder and on a free port; give its address and its folder."""
    with tempfile.TemporaryDirectory(prefix="wriftai-demo-") as folder:
        data_dir = Path(folder) / "data"
        process = subprocess.Popen(
            [*_COMMAND, "serve", "--port", "0", "--log-level", "warning", "--data-dir", str(data_dir)],
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            said = process.stdout.readline() if process.stdout is not None else ""
            address = re.search(r"http://\S+?(?=,)", said)
            if address is None:
                raise RuntimeError(f"The hub did not start: {said}")
            yield address[0], data_dir
        finally:
            process.terminate()
            process.communicate(timeout=30)
