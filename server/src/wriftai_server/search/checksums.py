"""Checksums: whether the files of an index are intact; a damaged one could end the process that reads it.

Files are mapped into memory, and reading behind the end of one that became shorter is not an error that can be
caught. So files are checked before they are opened, and again and again while they are. Each ends with a footer,
which has a checksum of all before it. That is computed once; from then on a stamp, size and time of the last
change, tells whether the file is still the same.
"""

import contextlib
import json
import os
import struct
import tempfile
import zlib
from pathlib import Path
from typing import NamedTuple

from wriftai_server.search.errors import is_out_of_resources

_LENGTHS = struct.Struct("<II")
_LONGEST_FOOTER = 4096
_MAGIC = 1337
_PIECE = 1024 * 1024
_CHECKED = "checked.json"


class FileStamp(NamedTuple):
    """What tells that a file has changed.

    Attributes:
        size: In bytes.
        changed_ns: When it was last changed, in nanoseconds since 1970.
    """

    size: int
    changed_ns: int


Stamps = dict[str, FileStamp]


def stamps_of(folder: Path) -> Stamps:
    """Take the stamps of all files of an index.

    Raises:
        ValueError: One is missing, or the list of segments cannot be read.
    """
    try:
        listed = json.loads((folder / "meta.json").read_bytes())
        segments = {each["segment_id"].replace("-", ""): 0 for each in listed["segments"]}
        stamps = {}
        with os.scandir(folder) as entries:
            for entry in entries:
                segment = entry.name.partition(".")[0]
                if segment in segments:
                    segments[segment] += 1
                    status = entry.stat()
                    stamps[entry.name] = FileStamp(status.st_size, status.st_mtime_ns)
    except (OSError, KeyError, TypeError, AttributeError) as error:
        if is_out_of_resources(error):
            raise
        raise ValueError(f"The index in {folder} cannot be read: {error!r}.") from error
    if not all(segments.values()):
        raise ValueError(f"Files of the index in {folder} are missing.")
    return stamps


def check(folder: Path) -> Stamps:
    """Take the stamps of all files, and verify the checksums of those that were not verified before.

    Raises:
        ValueError: A file is damaged or missing.
    """
    stamps, checked = stamps_of(folder), _checked(folder)
    for name, stamp in stamps.items():
        if checked.get(name) != stamp and not _is_intact(folder / name):
            raise ValueError(f"The file {folder / name} is damaged.")
    return stamps


def remember(folder: Path, stamps: Stamps) -> None:
    """Store the stamps of files that were verified, so that they need not be when the hub starts again.

    Where that cannot be stored, as on a full disk, they are verified again.
    """
    with contextlib.suppress(OSError), tempfile.NamedTemporaryFile("w", dir=folder, delete=False) as new:
        try:
            new.write(json.dumps(stamps))
            new.close()
            Path(new.name).replace(folder / _CHECKED)
        except BaseException:
            Path(new.name).unlink(missing_ok=True)
            raise


def is_unchanged(folder: Path, stamps: Stamps) -> bool:
    """Tell whether no file changed since its stamp was taken."""
    try:
        for name, stamp in stamps.items():
            status = (folder / name).stat()
            if status.st_size != stamp.size or status.st_mtime_ns != stamp.changed_ns:
                return False
    except OSError:
        return False
    return True


def _checked(folder: Path) -> Stamps:
    try:
        stored = json.loads((folder / _CHECKED).read_bytes())
        return {name: FileStamp(*stamp) for name, stamp in stored.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _is_intact(file: Path) -> bool:
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
        if is_out_of_resources(error):
            raise
        return False
