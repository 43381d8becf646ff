"""Layers of a model's image, unpacked. Whoever may push has made them, so nothing in them is believed."""

import shutil
import tarfile
from pathlib import Path, PurePosixPath
from typing import IO

_MOST_FILES = 100_000
_MOST_BYTES = 20 * 1024**3
_LONGEST_NAME = 1024
_AT_TOP = ("model", "requirements.txt")


class BadImage(Exception):
    """An image is not of the form that models' images have."""


def unpack(layer: Path, target: Path) -> None:
    """Unpack a layer into a folder, where it may meet what another layer left.

    Args:
        layer: A tar, not compressed, with nothing but files and folders.
        target: The folder.

    Raises:
        BadImage: It is something else, or leads out of the folder, or is too large.
        OSError: The files cannot be written.
    """
    files = size = 0
    try:
        with tarfile.open(layer, "r:") as tar:
            for member in tar:
                place = target / _inside(member)
                files, size = files + 1, size + member.size
                if files > _MOST_FILES or size > _MOST_BYTES:
                    raise BadImage(f"a layer holds more than {_MOST_FILES:,} files or {_MOST_BYTES:,} bytes")
                if member.isdir():
                    _make_folder(place, target)
                else:
                    _write(tar, member, place, target)
    except tarfile.TarError as error:
        raise BadImage(f"a layer is not a tar: {error}") from error


def _inside(member: tarfile.TarInfo) -> PurePosixPath:
    path = PurePosixPath(member.name)
    if not member.name or len(member.name) > _LONGEST_NAME or "\0" in member.name:
        raise BadImage(f"{member.name[:100]!r} is not a name of a file")
    if path.is_absolute() or ".." in path.parts or path.parts[:1] not in [(name,) for name in _AT_TOP]:
        raise BadImage(f"{member.name} lies outside of the model's folder")
    if member.type not in (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.DIRTYPE) or member.issparse():
        raise BadImage(f"{member.name} is neither a file nor a folder")
    return path


def _make_folder(place: Path, target: Path) -> None:
    # Readable by whichever user the model runs as, whatever the mask of the hub is; only the hub comes that far.
    for folder in reversed([place, *place.parents]):
        if folder != target and folder.is_relative_to(target) and not folder.is_dir():
            try:
                folder.mkdir()
            except FileExistsError as error:
                raise BadImage(f"{folder.relative_to(target)} is a file and a folder") from error
            folder.chmod(0o755)


def _write(tar: tarfile.TarFile, member: tarfile.TarInfo, place: Path, target: Path) -> None:
    _make_folder(place.parent, target)
    content: IO[bytes] | None = tar.extractfile(member)
    if content is None or place.is_dir():
        raise BadImage(f"{member.name} is a file and a folder")
    with place.open("wb") as file:
        shutil.copyfileobj(content, file, 1024 * 1024)
    place.chmod(0o755 if member.mode & 0o100 else 0o644)
