"""Whether the files of an index are whole: a damaged one could end the process that reads it.

Files are mapped into memory, and reading behind the end of one that became shorter is not an error that can be
caught. So files are looked at before they are opened, and again and again while they are. Each ends with a
footer, which has a checksum of all before it. It was checked once; from then on size and time of the last
change tell.
"""

import contextlib
import json
import os
import struct
import tempfile
import zlib
from pathlib import Path
from typing import NamedTuple

from wriftai_server.search.damage import is_exhausted

_LENGTHS = struct.Struct("<II")
_LONGEST_FOOTER = 4096
_MAGIC = 1337
_PIECE = 1024 * 1024
_CHECKED = "checked.json"


class Mark(NamedTuple):
    """What a file that nobody has touched keeps."""

    size: int
    changed_ns: int


Census = dict[str, Mark]


def census_of(folder: Path) -> Census:
    """Look at the files that an index consists of.

    Raises:
        ValueError: One is missing, or what says which there are is damaged.
    """
    try:
        listed = json.loads((folder / "meta.json").read_bytes())
        segments = {each["segment_id"].replace("-", ""): 0 for each in listed["segments"]}
        census = {}
        with os.scandir(folder) as entries:
            for entry in entries:
                segment = entry.name.partition(".")[0]
                if segment in segments:
                    segments[segment] += 1
                    status = entry.stat()
                    census[entry.name] = Mark(status.st_size, status.st_mtime_ns)
    except (OSError, KeyError, TypeError, AttributeError) as error:
        if is_exhausted(error):
            raise
        raise ValueError(f"The index in {folder} cannot be read: {error!r}.") from error
    if not all(segments.values()):
        raise ValueError(f"Files of the index in {folder} are missing.")
    return census


def check(folder: Path) -> Census:
    """Check the files that were not checked before.

    Raises:
        ValueError: One is damaged.
    """
    census, checked = census_of(folder), _checked(folder)
    for name, mark in census.items():
        if checked.get(name) != mark and not _is_whole(folder / name):
            raise ValueError(f"The file {folder / name} is damaged.")
    return census


def remember(folder: Path, census: Census) -> None:
    """Note which files were checked, so that they need not be read when the hub starts again.

    Without the note, as on a full disk, they are.
    """
    with contextlib.suppress(OSError), tempfile.NamedTemporaryFile("w", dir=folder, delete=False) as begun:
        try:
            begun.write(json.dumps(census))
            begun.close()
            Path(begun.name).replace(folder / _CHECKED)
        except BaseException:
            Path(begun.name).unlink(missing_ok=True)
            raise


def is_untouched(folder: Path, census: Census) -> bool:
    """Tell whether no file changed since a census was taken."""
    try:
        for name, mark in census.items():
            status = (folder / name).stat()
            if status.st_size != mark.size or status.st_mtime_ns != mark.changed_ns:
                return False
    except OSError:
        return False
    return True


def _checked(folder: Path) -> Census:
    try:
        known = json.loads((folder / _CHECKED).read_bytes())
        return {name: Mark(*mark) for name, mark in known.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _is_whole(file: Path) -> bool:
    try:
        with file.open("rb") as content:
            size = os.fstat(content.fileno()).st_size
            content.seek(max(0, size - _LONGEST_FOOTER))
            end = content.read()
            length, magic = _LENGTHS.unpack(end[-_LENGTHS.size :])
            footer = json.loads(end[-_LENGTHS.size - length : -_LENGTHS.size])
            if magic != _MAGIC:
                return False
            content.seek(0)
            left, checksum = size - length - _LENGTHS.size, 0
            while left > 0 and (piece := content.read(min(left, _PIECE))):
                checksum = zlib.crc32(piece, checksum)
                left -= len(piece)
            return bool(left == 0 and checksum == footer["crc"])
    except (OSError, ValueError, struct.error, KeyError, TypeError) as error:
        if is_exhausted(error):
            raise
        return False
