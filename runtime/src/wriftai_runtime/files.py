"""Files: as data: or http(s) URLs in JSON, as paths in model code."""

import base64
import binascii
import mimetypes
import re
import urllib.parse
from collections.abc import Callable
from pathlib import Path, PurePath
from typing import Any

from wriftai_runtime.downloads import Download
from wriftai_runtime.faults import Fault, Unfit
from wriftai_runtime.kinds import Files, Kind, mismatch
from wriftai_runtime.urls import where

_SCHEMES = ("data:", "http://", "https://")
_LONGEST_NAME = 100
_MOST_OUTPUT = 64 << 20


class File(Kind):
    """A file.

    Args:
        make: Makes what model code gets for a path.
    """

    has_files = True

    def __init__(self, make: Callable[[Path], Any] = lambda path: path) -> None:
        super().__init__({"type": "string", "format": "uri"})
        self._make = make

    def read(self, value: Any, files: Files) -> Any:
        if not isinstance(value, str):
            raise mismatch("a data: or http(s) URL", value)
        if not value.lower().startswith(_SCHEMES):
            raise Unfit("must be a data: or http(s) URL")
        return self._make(files.fetch(value))

    def write(self, value: Any) -> str:
        if isinstance(value, str) and value.lower().startswith(_SCHEMES):
            return str.__str__(value)
        if isinstance(value, PurePath):
            return data_url(Path(value))
        if callable(getattr(value, "read", None)) and isinstance(name := getattr(value, "name", None), str):
            return data_url(Path(name))
        raise mismatch("a path of a file", value)


def data_url(path: Path) -> str:
    """Give a file as a data: URL, with the media type that its name tells.

    Raises:
        Unfit: It cannot be read, or is too large.
    """
    try:
        size = path.stat().st_size
        if size > _MOST_OUTPUT:
            raise Unfit(f"is a file of {size:,} bytes; at most {_MOST_OUTPUT:,} can be given back")
        content = path.read_bytes()
    except (OSError, ValueError) as error:
        raise Unfit(f"is a file that cannot be read: {getattr(error, 'strerror', None) or error}") from None
    media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return f"data:{media_type};base64,{base64.b64encode(content).decode()}"


class Folder:
    """The files of one prediction, in its own folder.

    Args:
        path: Of the folder, which exists and may be written to.
        download: Fetches what is behind http(s) URLs, and says how large a file may be.
    """

    def __init__(self, path: str, download: Download) -> None:
        self._path = path
        self._download = download
        self._count = 0

    def fetch(self, url: str) -> Path:
        """Store what a data: or http(s) URL leads to, each file in a folder of its own.

        Raises:
            Fault: It cannot be fetched, or is too large; of the kind "input".
            Unfit: It is not a URL.
        """
        url = url.strip()
        try:
            is_data = url[:5].lower() == "data:"
            path = self._place(_extension_name(url) if is_data else _name_in(url))
            if is_data:
                path.write_bytes(_decoded(url, self._download.most))
            else:
                self._download.store(url, path)
        except OSError as error:
            message = f"The file {where(url)} cannot be stored: {error.strerror or error}."
            raise Fault("input", message) from error
        return path

    def _place(self, name: str) -> Path:
        self._count += 1
        folder = Path(self._path, f"input-{self._count}")
        folder.mkdir(parents=True)
        return folder / name


def _decoded(url: str, most: int) -> bytes:
    head, comma, data = url[5:].partition(",")
    if not comma:
        raise Unfit("must be a data: URL with a comma before its data")
    content = urllib.parse.unquote_to_bytes(data)
    if head.lower().endswith(";base64"):
        try:
            content = b"".join(content.split()).rstrip(b"=")
            content = base64.b64decode(content + b"=" * (-len(content) % 4), validate=True)
        except binascii.Error:
            raise Unfit("must be a data: URL whose data is base64, as it says") from None
    if len(content) > most:
        raise Fault("input", f"The file in a data: URL has {len(content):,} bytes; at most {most:,} are taken.")
    return content


def _extension_name(url: str) -> str:
    media_type = url[5:].partition(",")[0].partition(";")[0].strip().lower()
    return f"file{mimetypes.guess_extension(media_type) or ''}"


def _name_in(url: str) -> str:
    """Keep the last part of the address as the name, of letters, digits and a few signs only."""
    path = re.split("[?#]", url.partition("://")[2])[0].partition("/")[2]
    last = urllib.parse.unquote(path).rpartition("/")[2]
    name = re.sub(r"[^A-Za-z0-9._-]", "_", last).lstrip(".-")
    stem, dot, extension = name.rpartition(".")
    if dot and len(extension) <= 10:
        return f"{stem[:_LONGEST_NAME] or 'file'}.{extension}"
    return name[:_LONGEST_NAME] or "file"
