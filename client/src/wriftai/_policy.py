"""What every call has in common, without doing any of it: paths, when to try again, and how long to wait."""

import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

_FIRST_DELAY = 0.5
_LONGEST_DELAY = 8.0
_LONGEST_HINT = 60.0


def path(*parts: str) -> str:
    """Join parts into a path that the hub takes apart the same way.

    Args:
        parts: Unquoted; whatever they hold, each stays one part.

    Raises:
        ValueError: A part is empty.
    """
    return "".join(f"/{_quoted(part)}" for part in parts)


def _quoted(part: str) -> str:
    if not part:
        raise ValueError("A part of the path is empty: owner, name, username and id must not be.")
    # Dots are never quoted by the rules of RFC 3986, yet "." and ".." would walk to another path.
    return part.replace(".", "%2E") if part in (".", "..") else quote(part, safe="")


def retry_delay(attempt: int, headers: Mapping[str, str]) -> float:
    """Tell how long to wait before the next attempt, in seconds.

    The hub's word counts first: `Retry-After` in seconds or as a date (RFC 9110, 10.2.3), then
    `x-ratelimit-reset` in Unix seconds, if the limit is used up; both up to a minute. Without either the delay
    doubles from 0.5 s to 8 s, less up to a quarter of it so that callers spread out.

    Args:
        attempt: How many attempts were made before the one that failed, from 0.
        headers: Of the reply, with case-insensitive names; empty when there was none.
    """
    # Each reply names the end of the limit, whatever it failed of: only who has no call left need wait for it.
    used_up = headers.get("x-ratelimit-remaining", "0") == "0"
    for hint in (
        _seconds_from_now(headers.get("retry-after")),
        _seconds_until(headers.get("x-ratelimit-reset") if used_up else None),
    ):
        if hint is not None:
            return min(max(hint, 0.0), _LONGEST_HINT)
    return min(_FIRST_DELAY * 2.0**attempt, _LONGEST_DELAY) * random.uniform(0.75, 1.0)


def _seconds_from_now(value: str | None) -> float | None:
    if value is None:
        return None
    if value.strip().isdecimal():
        return float(value)
    import email.utils  # Half of what this package takes to load, and no hub of ours sends dates.

    try:
        return email.utils.parsedate_to_datetime(value).timestamp() - time.time()
    except (ValueError, OverflowError):
        return None


def _seconds_until(value: str | None) -> float | None:
    return float(value) - time.time() if value is not None and value.strip().isdecimal() else None


@dataclass(frozen=True)
class Deadline:
    """The moment at which a whole call, retries included, must have ended.

    Attributes:
        at: On the monotonic clock, in seconds; None means never.
    """

    at: float | None

    @classmethod
    def after(cls, seconds: float | None) -> "Deadline":
        """Start the clock; None means that there is no limit."""
        return cls(None if seconds is None else time.monotonic() + seconds)

    def allows(self, seconds: float) -> bool:
        """Tell whether waiting that long leaves any time for another attempt."""
        return self.at is None or time.monotonic() + seconds < self.at
