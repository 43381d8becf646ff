"""The one shape of an error, and the one place that writes it; under /v2 it is that of another protocol.

Nothing but a problem turns into an answer. What nobody foresaw is a 500 that names the request and nothing more.
"""

import re
from collections.abc import Mapping
from typing import Any

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
from wriftai_server.http import oci
from wriftai_server.http.problems import Fault, Malformed, Problem, unavailable

_MISSING = re.compile(r"Missing required (\w+) parameter '([^']+)'")

_NOWHERE = "There is nothing at this address: paths of the API begin with /v1, and /v1/docs lists them."

_log = structlog.get_logger()


def render(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Write the answer for any error."""
    problem = error if isinstance(error, Problem) else _translated(error, reads=request.method in ("GET", "HEAD"))
    body: dict[str, Any] = {"detail": problem.detail}
    headers = problem.headers
    if oci.spoken_at(request.scope["path"]):
        detail = problem.detail if isinstance(problem, Malformed) else None
        body = oci.error(problem.status, str(problem), problem.code, detail)
        challenge = {"WWW-Authenticate": oci.CHALLENGE} if problem.status == 401 else {}
        headers = {**headers, **oci.VERSION_HEADER, **challenge}
    return Response(
        msgspec.json.encode(body),
        status_code=problem.status,
        headers=headers,
        media_type=MediaType.JSON,
    )


def _translated(error: Exception, *, reads: bool) -> Problem:
    match error:
        case ValidationException():
            return Malformed(_faults(error))
        case NotFoundException():
            return Problem(404, _NOWHERE)
        case MethodNotAllowedException():
            taken = ", ".join(sorted((error.headers or {}).get("allow", "").split(", ")))
            return Problem(405, f"This address does not take this method, but {taken}.", error.headers)
        case HTTPException() if error.status_code == 413:
            return Problem(413, "The body is too large.")
        case HTTPException():
            return Problem(error.status_code, error.detail)
        case DatabaseUnavailable():
            return unavailable(error, what="read this" if reads else "store anything")
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
