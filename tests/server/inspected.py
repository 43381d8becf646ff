"""What tests have an inspector call, and the processes that inspectors of this one have started."""

import os
import re
from pathlib import Path

_kept: list[bytearray] = []


def process() -> int:
    """Give the id of the process that this is called in."""
    return os.getpid()


def for_ever() -> None:
    while True:
        pass


def keep(mebibytes: str) -> int:
    """Take memory and keep it; give the id of the process."""
    _kept.append(bytearray(int(mebibytes) * 1024**2))
    return os.getpid()


def programs() -> set[int]:
    """Give the processes of inspectors that this process has started."""
    return {int(path.name) for path in Path("/proc").glob("[0-9]*") if _is_program(path)}


def _is_program(process: Path) -> bool:
    try:
        status, command = (process / "status").read_bytes(), (process / "cmdline").read_bytes()
    except OSError:
        return False
    parent = re.search(rb"^PPid:\t(\d+)$", status, re.MULTILINE)
    return parent is not None and int(parent[1]) == os.getpid() and b"wriftai_server.inspection" in command
