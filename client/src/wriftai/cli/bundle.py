"""Bundles: the files of a project, packed so that the same files always give the same bytes."""

import fnmatch
import hashlib
import io
import stat
import tarfile
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from wriftai.cli.refusals import Refusal

DEFAULT_LIMIT = 1 << 30
"""Bytes that the files of a bundle may have together."""

ALWAYS_EXCLUDED = (
    ".git",
    ".hg",
    ".svn",
    ".env",
    ".venv",
    "venv",
    "node_modules",
    "__pycache__",
    "*.pyc",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    ".ipynb_checkpoints",
    ".DS_Store",
)
"""Patterns of what never belongs to a model: histories, environments, caches and secrets."""


@dataclass(frozen=True)
class Member:
    """A file of a bundle.

    Attributes:
        name: Its path in the bundle, with slashes.
        source: Path of the file itself.
        size: In bytes.
        is_executable: Whether its owner may run it.
    """

    name: str
    source: Path
    size: int
    is_executable: bool


def members(folder: Path, exclude: Iterable[str] = (), limit: int = DEFAULT_LIMIT) -> list[Member]:
    """List the files of a project that belong to its bundle, in the order of their names.

    Args:
        folder: Of the project.
        exclude: Patterns beside those that always count. One that fits a name or a path leaves out the file, or
            the folder with all that is in it; `*` stands for slashes too.
        limit: Bytes that all files may have together.

    Raises:
        Refusal: A link leads out of the folder or nowhere, something is neither file nor folder, a name is not
            UTF-8, or the files are too large.
    """
    found = sorted(
        _files(folder, "", (*ALWAYS_EXCLUDED, *exclude), folder.resolve(), ()), key=lambda file: file.name
    )
    total = sum(file.size for file in found)
    if total > limit:
        largest = max(found, key=lambda file: file.size)
        raise Refusal(
            f"{folder} holds {total:,} bytes, more than the limit of {limit:,}; {largest.size:,} of them are in "
            f"{largest.name}. Leave files out with exclude in [tool.wriftai], or raise --limit."
        )
    return found


def _files(
    folder: Path, prefix: str, exclude: tuple[str, ...], root: Path, above: tuple[Path, ...]
) -> Generator[Member, None, None]:
    above = (*above, folder.resolve())
    for path in folder.iterdir():
        name = prefix + path.name
        if any(
            fnmatch.fnmatchcase(text, pattern.rstrip("/")) for pattern in exclude for text in (name, path.name)
        ):
            continue
        if not name.isprintable():
            raise Refusal(f"{name!r} has a name that cannot be packed: rename it, or leave it out with exclude.")
        if path.is_symlink():
            _check_link(path, root, above)
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            yield from _files(path, f"{name}/", exclude, root, above)
        elif stat.S_ISREG(status.st_mode):
            yield Member(name, path, status.st_size, bool(status.st_mode & stat.S_IXUSR))
        else:
            raise Refusal(f"{path} is neither a file nor a folder: leave it out with exclude in [tool.wriftai].")


def _check_link(link: Path, root: Path, above: tuple[Path, ...]) -> None:
    """Refuse a link that leads out of the project, nowhere, or to a folder that it is in."""
    try:
        target = link.resolve(strict=True)
    except (OSError, RuntimeError):  # A loop of links is a RuntimeError before Python 3.13.
        raise Refusal(f"{link} is a link that leads nowhere: mend it, or leave it out with exclude.") from None
    if not target.is_relative_to(root):
        raise Refusal(f"{link} is a link that leads out of the project: put the file itself there.")
    if target in above:
        raise Refusal(f"{link} is a link to a folder that it is in: remove it, or leave it out with exclude.")


def pack(files: Iterable[Member], folder: str, target: IO[bytes]) -> str:
    """Write a tar archive of files; give its digest.

    Nothing of the machine gets in: no times, owners, or rights but who may run a file.

    Args:
        files: In the order of their names.
        folder: Name of a folder in the archive that they are put into.
        target: Takes the archive.

    Raises:
        OSError: A file cannot be read, or changed while it was.
    """
    hashed = _Hashed(target)
    with tarfile.open(fileobj=hashed, mode="w", format=tarfile.PAX_FORMAT) as archive:
        made: set[str] = set()
        for file in files:
            for parent in _parents(f"{folder}/{file.name}"):
                if parent not in made:
                    made.add(parent)
                    archive.addfile(_entry(parent, tarfile.DIRTYPE, 0o755))
            with file.source.open("rb") as content:
                mode = 0o755 if file.is_executable else 0o644
                archive.addfile(_entry(f"{folder}/{file.name}", tarfile.REGTYPE, mode, file.size), content)
    return hashed.digest


def pack_text(name: str, text: str, target: IO[bytes]) -> str:
    """Write a tar archive of one file with this text; give its digest."""
    hashed = _Hashed(target)
    with tarfile.open(fileobj=hashed, mode="w", format=tarfile.PAX_FORMAT) as archive:
        content = text.encode()
        archive.addfile(_entry(name, tarfile.REGTYPE, 0o644, len(content)), io.BytesIO(content))
    return hashed.digest


def _parents(name: str) -> list[str]:
    """Give the folders that a file is in, outermost first."""
    parts = name.split("/")[:-1]
    return ["/".join(parts[: depth + 1]) for depth in range(len(parts))]


def _entry(name: str, kind: bytes, mode: int, size: int = 0) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode, entry.size = kind, mode, size
    return entry


class _Hashed(io.RawIOBase):
    """A file whose bytes are hashed while they are written."""

    def __init__(self, target: IO[bytes]) -> None:
        self._target = target
        self._hash = hashlib.sha256()
        self._position = 0

    @property
    def digest(self) -> str:
        return f"sha256:{self._hash.hexdigest()}"

    def tell(self) -> int:
        return self._position

    def write(self, data: bytes) -> int:  # type: ignore[override]  # A tar archive writes bytes alone.
        self._hash.update(data)
        self._target.write(data)
        self._position += len(data)
        return len(data)
