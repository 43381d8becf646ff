"""The one shape of an error, and the one place that writes it; under /v2 it is that of another protocol.

A problem knows its HTTP status and says what to do next; services raise problems, nothing else turns into an
answer. Everything unforeseen is a 500 that names the request and nothing more.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
import structlog
from litestar import MediaType, Request, Response
from litestar.exceptions import (
    HTTPException,
    MethodNotAllowedException,
    NotFoundException,
    ValidationException,
)

from wriftai_server.database.driver import DatabaseUnavailable
from wriftai_server.http import registry

_MISSING = re.compile(r"Missing required (\w+) parameter '([^']+)'")

_NOWHERE = "There is nothing at this address: paths of the API begin with /v1, and /v1/docs lists them."

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


def render(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Write the answer for any error."""
    problem = error if isinstance(error, Problem) else _translated(error)
    body: dict[str, Any] = {"detail": problem.detail}
    headers = problem.headers
    if registry.spoken_at(request.scope["path"]):
        detail = problem.detail if isinstance(problem, Malformed) else None
        body = registry.error(problem.status, str(problem), problem.code, detail)
        challenge = {"WWW-Authenticate": registry.CHALLENGE} if problem.status == 401 else {}
        headers = {**headers, **registry.VERSION_HEADER, **challenge}
    return Response(
        msgspec.json.encode(body),
        status_code=problem.status,
        headers=headers,
        media_type=MediaType.JSON,
    )


def _translated(error: Exception) -> Problem:
    match error:
        case ValidationException():
            return Malformed(_faults(error))
        case NotFoundException():
            return Problem(404, _NOWHERE)
        case MethodNotAllowedException():
            return Problem(405, "This address does not take this method.", error.headers)
        case HTTPException() if error.status_code == 413:
            return Problem(413, "The body is too large.")
        case HTTPException():
            return Problem(error.status_code, error.detail)
        case DatabaseUnavailable():
            return unavailable(error)
    _log.error("unexpected error", exc_info=error)
    return Problem(500, "The hub failed on this request. Its operator finds the reason under the x-request-id.")


def _faults(error: ValidationException) -> list[Fault]:
    entries: Any = error.extra
    if entries:
        return [_fault(entry) for entry in entries]
    missing = _MISSING.search(error.detail)
    if missing is None:
        return [Fault(("body",), "The body is empty: send a JSON object.", "field_missing")]
    return [Fault((missing[1], missing[2]), "This parameter is missing.", "field_missing")]


def _fault(entry: Mapping[str, str]) -> Fault:
    if entry.get("key", "data") == "data":
        return Fault(("body",), "The body is empty: send a JSON object.", "field_missing")
    # Of a header the name of the function's parameter is known.
    key = entry["key"].replace("_", "-").title() if entry["source"] == "header" else entry["key"]
    return Fault((entry["source"], *key.split(".")), f"{entry['message']}.", "value_invalid")
