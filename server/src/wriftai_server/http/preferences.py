"""How long a caller would rather wait for an answer that is whole (the `Prefer` header, RFC 7240)."""

import re
from typing import Annotated, Any

from litestar import Request
from litestar.params import HeaderParameter

MOST_SECONDS = 60

Prefer = Annotated[
    str | None,
    HeaderParameter(
        name="Prefer",
        max_length=1000,
        description=f"`wait=N` lets the answer come when the prediction has ended, or after N seconds, at most "
        f"{MOST_SECONDS}. What else it may hold does not matter.",
    ),
]

_WAIT = re.compile(r'\s*wait\s*=\s*"?(\d{1,9})"?\s*(?:;.*)?', re.IGNORECASE)


def patience(request: Request[Any, Any, Any], prefer: str | None) -> int | None:
    """Give the number of seconds that a caller would rather wait; None means not at all.

    A preference that is not understood does not count, as if it was not there (RFC 7240, section 2).

    Args:
        request: May have the header several times, which is one list.
        prefer: The first of them, as the route takes it.
    """
    if prefer is None:
        return None
    for preference in ",".join(request.headers.getall("prefer")).split(","):
        if found := _WAIT.fullmatch(preference):
            return min(int(found[1]), MOST_SECONDS)
    return None
