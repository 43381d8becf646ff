"""Requirements files of models: pinned versions with hashes, and nothing else.

A requirements file can also name files to read and addresses to fetch from. One that comes with a model is not to
do so on the machine that installs it.
"""

import re

_PINNED = re.compile(
    r"""
    [A-Za-z0-9][A-Za-z0-9._-]*                      # name
    (?:\[[A-Za-z0-9._,\ -]+\])?                     # extras
    ==[A-Za-z0-9._!+-]+                             # version
    (?:\ ?;[A-Za-z0-9_.<>=!~'"()\ +*-]+?)?          # for which systems
    (?:\ +--hash=sha256:[0-9a-f]{64})+
    """,
    re.VERBOSE,
)


def check(text: str) -> None:
    """Check a requirements file.

    Raises:
        ValueError: A line is something else; says which.
    """
    joined = re.sub(r"\s*\\\n\s*", " ", text)
    for line in joined.splitlines():
        if line.strip() and not line.startswith("#") and not _PINNED.fullmatch(line.rstrip()):
            raise ValueError(
                "Requirements must be of the form name==version --hash=sha256:…, for each comes from an index; "
                f"{line[:200]!r} is not."
            )
