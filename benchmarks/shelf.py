"""Folders that take long to fill: each is filled once, and kept until the code that fills it changes."""

import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

_ROOT = Path(__file__).parents[1]
_SERVER = _ROOT / "server" / "src" / "wriftai_server"
OUR_CODE = (
    *(_SERVER / domain for domain in ("database", "models", "users", "search", "moving")),
    *(_ROOT / "benchmarks" / file for file in ("catalogue.py", "folder.py", "growth/hubs.py")),
)


def kept(shelf: Path, name: str, fill: Callable[[Path], None], *, code: tuple[Path, ...] = OUR_CODE) -> Path:
    """Give the folder of a name, filled; those that other code filled are removed.

    Args:
        shelf: Holds all folders.
        name: Says what is in it.
        fill: Is given an empty folder.
        code: Files, and folders of them, that decide what is in it.
    """
    folder = shelf / f"{name}-{_summed_up(code)}"
    if not folder.exists():
        shelf.mkdir(parents=True, exist_ok=True)
        for old in shelf.glob(f"{name}-*"):
            shutil.rmtree(old)
        with tempfile.TemporaryDirectory(prefix=".filling-", dir=shelf) as place:
            filling = Path(place) / name
            filling.mkdir()
            fill(filling)
            filling.rename(folder)
    return folder


def copied(source: Path, target: Path) -> Path:
    """Copy a folder with owners and times, and give the copy; what is kept is only ever used in copies."""
    subprocess.run(["cp", "-a", source, target], check=True)
    return target


@cache
def _summed_up(code: tuple[Path, ...]) -> str:
    files = sorted(file for part in code for file in ([part] if part.is_file() else part.rglob("*.py")))
    digest = hashlib.blake2b(digest_size=6)
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()
