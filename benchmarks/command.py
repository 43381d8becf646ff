"""The command `wriftai-server`, for as long as it takes."""

import subprocess
from pathlib import Path
from time import perf_counter

from tests.hubs import COMMAND


def timed(*arguments: str | Path) -> float:
    """Run it to its end; give the seconds that it took."""
    started = perf_counter()
    done = subprocess.run([*COMMAND, *arguments], stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"wriftai-server {arguments[0]} ended with status {done.returncode}: {done.stderr}")
    return perf_counter() - started
