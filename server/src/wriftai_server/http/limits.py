"""How often a caller may call: so many requests in each minute of the clock."""

import time
from typing import NamedTuple

from wriftai_server.http.counts import Counts
from wriftai_server.http.problems import Problem


class Allowance(NamedTuple):
    """What a caller has left.

    Attributes:
        limit: Requests in a minute.
        remaining: Requests that are left in this one.
        reset: When the next one begins, in Unix seconds.
    """

    limit: int
    remaining: int
    reset: int

    def headers(self) -> list[tuple[bytes, bytes]]:
        """Give the headers that tell the caller, as ASGI has them."""
        return [
            (b"x-ratelimit-limit", b"%d" % self.limit),
            (b"x-ratelimit-remaining", b"%d" % self.remaining),
            (b"x-ratelimit-reset", b"%d" % self.reset),
        ]


class Limits:
    """Lets each caller send so many requests in a minute.

    Args:
        per_minute: How many.
        counts: Say how many there were.
    """

    def __init__(self, per_minute: int, counts: Counts) -> None:
        self._per_minute = per_minute
        self._counts = counts

    def take(self, caller: str) -> Allowance:
        """Count a request; give what its caller has left.

        Args:
            caller: Id of a user, or address of an anonymous one.

        Raises:
            Problem: 429, it was one too many.
        """
        seconds = time.time()
        minute = int(seconds // 60)
        count = self._counts.add(caller, minute)
        reset = (minute + 1) * 60
        allowance = Allowance(self._per_minute, max(self._per_minute - count, 0), reset)
        if count > self._per_minute:
            headers = {name.decode(): value.decode() for name, value in allowance.headers()}
            headers["Retry-After"] = str(max(1, round(reset - seconds)))
            raise Problem(
                429, f"At most {self._per_minute} requests a minute: wait for the next minute.", headers
            )
        return allowance
