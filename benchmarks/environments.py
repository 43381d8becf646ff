"""Environments of others' servers: each is made once and kept in the user's cache."""

import os
import subprocess
import sys
from pathlib import Path

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "wriftai-benchmarks"


def environment(package: str, version: str) -> Path:
    """Make the environment of a package, unless there is one; give the folder of its commands."""
    python_version = ".".join(map(str, sys.version_info[:2]))
    pinned = f"{package}=={version}"
    folder = CACHE / f"{pinned}-python{python_version}"
    complete = folder / "complete"
    if not complete.exists():
        uv = (sys.executable, "-m", "uv")
        python = folder / "bin" / "python"
        subprocess.run([*uv, "venv", "--quiet", "--clear", "--python", sys.executable, folder], check=True)
        subprocess.run(
            [*uv, "pip", "install", "--quiet", "--only-binary", ":all:", "--python", python, pinned],
            check=True,
            env={**os.environ, "UV_SYSTEM_CERTS": "true"},
        )
        complete.touch()
    return folder / "bin"
