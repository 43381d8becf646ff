"""Wheels for tests, which uv finds in a folder, without a network."""

import hashlib
import zipfile
from pathlib import Path

import pytest


def only_from(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have uv find packages in a folder, and nowhere else."""
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_FIND_LINKS", str(folder))
    monkeypatch.setenv("UV_CACHE_DIR", str(folder / "cache"))


def add_wheel(folder: Path, name: str, *files: str) -> str:
    """Put a wheel into a folder; give the line of requirements that asks for it.

    Args:
        folder: Is there.
        name: Of the package.
        files: Their paths, beside the one module that it has.
    """
    about = f"{name}-1.0.dist-info"
    contents = dict.fromkeys((f"{name}.py", *files), "")
    contents[f"{about}/METADATA"] = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
    contents[f"{about}/WHEEL"] = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    contents[f"{about}/RECORD"] = "".join(f"{path},,\n" for path in (*contents, f"{about}/RECORD"))
    wheel = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, content in contents.items():
            archive.writestr(path, content)
    return f"{name}==1.0 --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n"
