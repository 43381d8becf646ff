"""How blobs, manifests and parts of bodies are named in requests."""

import re
from typing import NamedTuple

from wriftai_server.http.patterns import DIGEST
from wriftai_server.http.problems import Problem

_DIGEST = re.compile(DIGEST)
_TAG = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}")
_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")
_CHUNK = re.compile(r"([0-9]{1,18})-([0-9]{1,18})")


def is_digest(reference: str) -> bool:
    """Tell whether a reference to a manifest is meant as a digest: tags have no colon."""
    return ":" in reference


def digest(text: str | None) -> str:
    """Check a digest.

    Raises:
        Problem: 400, it is none, or not a SHA-256.
    """
    if text is None or not _DIGEST.fullmatch(text):
        raise Problem(400, "A digest reads 'sha256:' and 64 lowercase hexadecimal digits.", code="DIGEST_INVALID")
    return text


def is_tag(text: str) -> bool:
    """Tell whether a text can be a tag."""
    return _TAG.fullmatch(text) is not None


class Part(NamedTuple):
    """A part of a blob, from its first byte to the one behind its last."""

    start: int
    end: int


def part(header: str | None, size: int) -> Part | None:
    """Read the header `Range` (RFC 9110, section 14).

    Args:
        header: None stands for the whole, and so does what is not understood or names several parts.
        size: Of the blob, in bytes.

    Raises:
        Problem: 416, the part lies behind the end.
    """
    match = _RANGE.fullmatch(header or "")
    if match is None or match[0] == "bytes=-":
        return None
    first, last = match[1], match[2]
    found = Part(max(size - int(last), 0), size) if not first else Part(int(first), size)
    if first and last:
        if int(last) < int(first):
            return None
        found = Part(int(first), min(int(last) + 1, size))
    if found.start >= found.end:
        raise Problem(416, f"The blob has {size} bytes.", {"Content-Range": f"bytes */{size}"})
    return found


def chunk(header: str | None) -> Part | None:
    """Read the header `Content-Range` of a chunk; None when there is none.

    Raises:
        ValueError: It is malformed.
    """
    if header is None:
        return None
    match = _CHUNK.fullmatch(header)
    if match is None or int(match[2]) < int(match[1]):
        raise ValueError(header)
    return Part(int(match[1]), int(match[2]) + 1)
