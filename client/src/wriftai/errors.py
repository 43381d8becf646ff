"""What a call raises when the hub says no.

    httpx.HTTPStatusError
    └── APIStatusError
        ├── AuthenticationError       401  the token is missing or not valid
        ├── PermissionDeniedError     403  the caller may see it and not do this
        ├── NotFoundError             404  absent, or not visible to the caller
        ├── ConflictError             409  the name is taken, or the state does not allow it
        ├── UnprocessableEntityError  422  the input is malformed
        ├── RateLimitError            429  too many calls
        └── ServerError               5xx  the hub failed

Failures of the network are those of httpx (`httpx.TransportError`).
"""

from collections.abc import Mapping
from typing import Any

from wriftai import _http
from wriftai.common_types import JsonValue

__all__ = [
    "APIStatusError",
    "AuthenticationError",
    "ConflictError",
    "NotFoundError",
    "PermissionDeniedError",
    "RateLimitError",
    "ServerError",
    "UnprocessableEntityError",
]


class APIStatusError(_http.HTTPStatusError):
    """The hub answered with a status that is not a success.

    Attributes:
        status_code: HTTP status.
        detail: What the hub said: a sentence, or for malformed input one entry a fault with `loc`, `msg` and
            `type`. None when the reply was not the hub's JSON.
        request_id: To find the request in the hub's logs; None when the reply carries none.
    """

    def __init__(self, message: str, *, request: _http.Request, response: _http.Response) -> None:
        self.status_code: int = response.status_code
        self.detail: JsonValue = _detail(response)
        self.request_id: str | None = response.headers.get("x-request-id")
        said = _sentences(self.detail)
        super().__init__(f"{message}\n{said}" if said else message, request=request, response=response)


class AuthenticationError(APIStatusError):
    """401: the token is missing or not valid."""


class PermissionDeniedError(APIStatusError):
    """403: the caller may see it and not do this."""


class NotFoundError(APIStatusError):
    """404: it does not exist, or the caller may not see it."""


class ConflictError(APIStatusError):
    """409: the name is taken, or the present state does not allow the change."""


class UnprocessableEntityError(APIStatusError):
    """422: the input is malformed; `detail` tells where."""


class RateLimitError(APIStatusError):
    """429: too many calls; the reply says when to try again."""


class ServerError(APIStatusError):
    """5xx: the hub, or something before it, failed."""


_BY_STATUS: dict[int, type[APIStatusError]] = {
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    422: UnprocessableEntityError,
    429: RateLimitError,
}

PASSING = (RateLimitError, ServerError, *_http.CONNECTION_FAILURES)
"""Failures that another attempt may not meet."""


def raise_for_status(response: _http.Response) -> None:
    """Raise the error that fits the status of a reply; do nothing when it is a success.

    Raises:
        APIStatusError: Its subclass for the status, where there is one.
    """
    try:
        response.raise_for_status()
    except _http.HTTPStatusError as error:
        status = response.status_code
        kind = _BY_STATUS.get(status, ServerError if status >= 500 else APIStatusError)
        raise kind(str(error), request=error.request, response=response) from None


def reply_headers(error: Exception) -> Mapping[str, str]:
    """Give the headers of the reply behind an error, empty when there was no reply."""
    return error.response.headers if isinstance(error, APIStatusError) else {}


def _detail(response: _http.Response) -> JsonValue:
    try:
        body = response.json()
    except ValueError:
        return None
    return body.get("detail") if isinstance(body, dict) else None


def _sentences(detail: JsonValue) -> str:
    faults = detail if isinstance(detail, list) else [detail]
    return "\n".join(_sentence(fault) for fault in faults if fault is not None)


def _sentence(fault: Any) -> str:
    if not isinstance(fault, dict) or "msg" not in fault:
        return str(fault)
    place = fault.get("loc")
    where = ".".join(str(part) for part in place) if isinstance(place, list) else ""
    return f"{where}: {fault['msg']}" if where else str(fault["msg"])
