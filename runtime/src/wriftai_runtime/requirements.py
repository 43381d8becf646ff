"""Requirements files of models: pinned versions with hashes, and nothing else.

A requirements file can also name files to read and addresses to fetch from. One that comes with a model is not to
do so on the machine that installs it.
"""

import re
from collections.abc import Iterator

MOST_BYTES = 1024 * 1024
_LONGEST_LINE = 64 * 1024
# Each part of a pattern ends where the next one begins, so that none is tried at more than one place.
_PINNED = re.compile(
    r"""
    [A-Za-z0-9][A-Za-z0-9._-]*                      # name
    (?:\[[A-Za-z0-9._,\ -]+\])?                     # extras
    ==[A-Za-z0-9._!+-]+                             # version
    (?:\ ?;[A-Za-z0-9_.<>=!~'"()\ +*-]+)?           # for which systems
    """,
    re.VERBOSE,
)
_HASH = re.compile(r"[0-9a-f]{64}")


def check(text: str) -> None:
    """Check a requirements file.

    Raises:
        ValueError: It is too long, or a line is something else; says which.
    """
    if len(text) > MOST_BYTES:
        raise ValueError(f"Requirements are longer than {MOST_BYTES:,} bytes.")
    for line in _joined(text):
        if line and not _is_pinned(line):
            raise ValueError(
                "Requirements must be of the form name==version --hash=sha256:…, for each comes from an index; "
                f"{line[:200]!r} is not."
            )


def _joined(text: str) -> Iterator[str]:
    """Give the lines without comments, those that go on as one; a comment never goes on."""
    parts: list[str] = []
    for line in text.splitlines():
        if not parts and line.startswith("#"):
            continue
        goes_on = line.endswith("\\")
        part = line.removesuffix("\\").rstrip()
        parts.append(part.lstrip() if parts else part)
        if not goes_on:
            yield _one(parts)
            parts = []
    if parts:
        yield _one(parts)


def _one(parts: list[str]) -> str:
    line = " ".join(parts).rstrip()
    if len(line) > _LONGEST_LINE:
        raise ValueError(
            f"A line of the requirements is longer than {_LONGEST_LINE:,} characters: {line[:200]!r}."
        )
    return line


def _is_pinned(line: str) -> bool:
    pinned, *hashes = line.split(" --hash=sha256:")
    return (
        bool(hashes)
        and _PINNED.fullmatch(pinned.rstrip(" ")) is not None
        and all(_HASH.fullmatch(each.rstrip(" ")) for each in hashes)
    )
