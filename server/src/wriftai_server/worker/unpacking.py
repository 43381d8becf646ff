"""Layers of a model's image, unpacked. Whoever may push has made them, so nothing in them is believed."""

import errno
import re
import shutil
import tarfile
from pathlib import Path, PurePosixPath
from typing import IO

_MOST_FILES = 100_000
_MOST_BYTES = 20 * 1024**3
_LONGEST_NAME = 1024
_DEEPEST = 100
_LONGEST_HEADER = 16 * 1024  # Has room for such a name.
_MOST_IN_A_ROW = 3
_LENGTH = re.compile(rb"([0-9]{1,5}) ")
_NO_TEXT = re.compile("[\0\ud800-\udfff]")
_AT_TOP = ("model", "requirements.txt")
_THEIR_FAULTS = (errno.EINVAL, errno.ENAMETOOLONG, errno.EILSEQ)


class BadImage(Exception):
    """An image is not of the form that models' images have."""


class Room:
    """What an image may still hold: 100,000 files and folders, and 20 GiB, over all its layers."""

    def __init__(self) -> None:
        self._files, self._bytes = _MOST_FILES, _MOST_BYTES

    def take(self, files: int, size: int) -> None:
        """Take some of it.

        Args:
            files: Number of files and folders.
            size: Their bytes.

        Raises:
            BadImage: That is more than there is.
        """
        self._files, self._bytes = self._files - files, self._bytes - size
        if self._files < 0 or self._bytes < 0:
            raise BadImage(f"it holds more than {_MOST_FILES:,} files or {_MOST_BYTES:,} bytes")


def unpack(layer: Path, target: Path, room: Room) -> None:
    """Unpack a layer into a folder, over what earlier layers left there.

    Args:
        layer: File to unpack: a tar, not compressed, of `model/` and `requirements.txt`, and of nothing but files
            and folders.
        target: Folder to unpack into.
        room: What the image may still hold.

    Raises:
        BadImage: It is something else, or leads out of the folder, or is too large.
        OSError: The files cannot be written.
    """
    try:
        with _Tar.open(layer, "r:") as tar:
            while (member := tar.next()) is not None:
                tar.members.clear()  # It keeps them all, with what they say of themselves.
                place = target / _inside(member)
                room.take(1, member.size)
                if member.isdir():
                    _make_folder(place, target, room)
                else:
                    _write(tar, member, place, target, room)
    except (tarfile.TarError, RecursionError, ValueError, OverflowError) as error:
        raise BadImage(f"a layer is not a tar: {str(error)[:200]!a}") from error
    except OSError as error:
        if error.errno in _THEIR_FAULTS:
            raise BadImage(f"a layer cannot be unpacked: {error.strerror}") from error
        raise


class _Member(tarfile.TarInfo):
    """A member whose further headers are looked at before tarfile reads them, which it does whole."""

    def _proc_member(self, tar: "_Tar") -> tarfile.TarInfo:
        if self.type in (tarfile.GNUTYPE_SPARSE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE):
            raise BadImage(f"a layer has a header of the type {self.type!a}, which models' images have not")
        if self.type in (tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK):
            tar.in_a_row += 1
            if not 0 <= self.size <= _LONGEST_HEADER or tar.in_a_row > _MOST_IN_A_ROW:
                raise BadImage(f"a layer has a header of over {_LONGEST_HEADER:,} bytes, or too many in a row")
            if self.type == tarfile.XHDTYPE:
                tar.look_at_records(self.size)
        else:
            tar.in_a_row = 0
        member: tarfile.TarInfo = super()._proc_member(tar)  # type: ignore[misc]  # not public
        return member


class _Tar(tarfile.TarFile):
    tarinfo = _Member
    in_a_row = 0
    members: list[tarfile.TarInfo]

    def look_at_records(self, size: int) -> None:
        """Refuse records that would cost tarfile much: those that overlap, and those of sparse files."""
        begin = self.fileobj.tell()
        block = self.fileobj.read(size + -size % tarfile.BLOCKSIZE)
        self.fileobj.seek(begin)
        content, padding = block[:size], block[size:]
        if padding.strip(b"\0"):
            raise BadImage("a layer has a header that is longer than it says")
        position = 0
        while position < len(content):
            length = _LENGTH.match(content, position)
            end = position + int(length[1]) if length else 0
            record = content[length.end() if length else position : end]
            key, equals, _ = record.partition(b"=")
            if not key or not equals or not record.endswith(b"\n") or end > len(content):
                raise BadImage("a layer has a header that is not made of records")
            if key.startswith(b"GNU.sparse") or re.search(rb"[0-9]{256}", record):
                raise BadImage(f"a layer has a header with {key[:100]!a}, which models' images have not")
            position = end


def _inside(member: tarfile.TarInfo) -> PurePosixPath:
    path = PurePosixPath(member.name)
    if not member.name or len(member.name) > _LONGEST_NAME or _NO_TEXT.search(member.name):
        raise BadImage(f"{member.name[:100]!a} is not a name of a file")
    if path.is_absolute() or ".." in path.parts or path.parts[:1] not in [(name,) for name in _AT_TOP]:
        raise BadImage(f"{member.name} lies outside of the model's folder")
    if len(path.parts) > _DEEPEST:
        raise BadImage(f"{member.name} lies deeper than {_DEEPEST} folders")
    if member.type not in (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.DIRTYPE) or member.issparse():
        raise BadImage(f"{member.name} is neither a file nor a folder")
    if member.size < 0:
        raise BadImage(f"{member.name} has less than no bytes")
    return path


def _make_folder(place: Path, target: Path, room: Room) -> None:
    missing = []
    while place != target and not place.is_dir():
        missing.append(place)
        place = place.parent
    for folder in reversed(missing):
        room.take(1, 0)
        try:
            folder.mkdir()
        except FileExistsError as error:
            raise BadImage(f"{folder.relative_to(target)} is a file and a folder") from error
        folder.chmod(0o755)  # Readable by whichever user the model runs as; only the hub comes that far.


def _write(tar: tarfile.TarFile, member: tarfile.TarInfo, place: Path, target: Path, room: Room) -> None:
    _make_folder(place.parent, target, room)
    content: IO[bytes] | None = tar.extractfile(member)
    if content is None or place.is_dir():
        raise BadImage(f"{member.name} is a file and a folder")
    with place.open("wb") as file:
        shutil.copyfileobj(content, file, 1024 * 1024)
    place.chmod(0o755 if member.mode & 0o100 else 0o644)
