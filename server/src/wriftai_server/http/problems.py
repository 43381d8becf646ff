"""Problems: what services raise where a request cannot be answered as asked.

A problem knows its HTTP status and says what to do next.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import structlog

_log = structlog.get_logger()


class Fault(NamedTuple):
    """One thing that is wrong with the input.

    Attributes:
        loc: Where: `body`, `query` or `header`, then the way to the value.
        msg: What is wrong, for people.
        type: What is wrong, for programs.
    """

    loc: tuple[str | int, ...]
    msg: str
    type: str


class Problem(Exception):
    """A request cannot be answered as asked.

    Args:
        status: HTTP status.
        detail: A sentence for the caller.
        headers: Sent with the answer.
        code: What the protocol under /v2 calls it; None is the usual one for the status.
    """

    def __init__(
        self, status: int, detail: str, headers: Mapping[str, str] | None = None, *, code: str | None = None
    ) -> None:
        super().__init__(detail)
        self.code = code
        self.status = status
        self.detail: Any = detail
        self.headers = dict(headers or {})


class Malformed(Problem):
    """Some of the input is malformed: 422.

    Args:
        faults: At least one.
    """

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(422, "The input is malformed.")
        self.detail = [fault._asdict() for fault in faults]


def malformed(*loc: str | int, msg: str, type: str = "value_error") -> Malformed:  # noqa: A002  its name on the wire
    """Make the problem that one value is malformed."""
    return Malformed([Fault(loc, msg, type)])


def not_found(what: str) -> Problem:
    """Make the answer for what is absent and for what the caller may not see: the same."""
    return Problem(404, f"There is no such {what}, or you may not see it.")


def forbidden(what: str) -> Problem:
    """Make the answer for what the caller may see and not change."""
    return Problem(403, f"Only its owner may change this {what}.")


def unavailable(reason: object, *, what: str = "store anything") -> Problem:
    """Make the answer when something cannot be done now, and tell the operator why."""
    _log.error("unavailable", cannot=what, reason=str(reason))
    return Problem(503, f"The hub cannot {what} at the moment; try again later.", {"Retry-After": "2"})


def unauthenticated(detail: str) -> Problem:
    """Make the answer for what needs a token, or a valid one."""
    return Problem(401, detail, {"WWW-Authenticate": "Bearer"})
