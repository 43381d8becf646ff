"""What is different under /v2, where the OCI distribution protocol is spoken.

Programs that copy images know one shape of errors, and no tokens: they are asked for a username and a password
(Basic), and the password is a token.
"""

from typing import Any

VERSION_HEADER = {"Docker-Distribution-Api-Version": "registry/2.0"}
CHALLENGE = 'Basic realm="WriftAI"'

_CODES = {
    401: "UNAUTHORIZED",
    403: "DENIED",
    404: "NAME_UNKNOWN",
    405: "UNSUPPORTED",
    413: "SIZE_INVALID",
    429: "TOOMANYREQUESTS",
    503: "UNAVAILABLE",
}


def spoken_at(path: str) -> bool:
    """Tell whether an address is one of the protocol."""
    # U+FFFD is what an empty part of a path has become by now.
    return path.startswith("/v2") and path[3:4] in ("", "/", "\ufffd")


def error(status: int, message: str, code: str | None, detail: Any = None) -> dict[str, Any]:
    """Word an error as the protocol does.

    Args:
        status: HTTP status.
        message: For people.
        code: One of the specification's; None takes the usual one for the status.
        detail: Any JSON that helps.
    """
    fallback = "UNSUPPORTED" if status < 500 else "UNKNOWN"
    return {"errors": [{"code": code or _CODES.get(status, fallback), "message": message, "detail": detail}]}
