"""Requests whose bodies are checked as they are read."""

from collections.abc import AsyncIterator
from itertools import islice
from typing import Any

import msgspec
from litestar import Request
from litestar.exceptions import InternalServerException

from wriftai_server.http.bodies import decode, find_faults
from wriftai_server.http.problems import Malformed, Problem

_MOST_FAULTS = 20


class BodyRequest(Request[Any, Any, Any]):
    """A request whose body is checked as a whole when it is read."""

    async def body(self) -> bytes:
        """Read the body.

        Raises:
            Problem: 400, the caller left before it was whole.
        """
        try:
            return await super().body()
        except InternalServerException:
            raise _cut_off() from None

    async def pieces(self) -> AsyncIterator[bytes]:
        """Read the body bit by bit, as it comes.

        Raises:
            Problem: 400, the caller left before it was whole.
        """
        try:
            async for piece in self.stream():
                if piece:
                    yield piece
        except InternalServerException:
            raise _cut_off() from None

    async def json(self) -> Any:
        """Decode the body.

        Raises:
            Malformed: It is not JSON, or not what the route takes; the first faults.
        """
        value = decode(await self.body())
        field = self.route_handler.parsed_data_field
        if field is not None and not _fits(field.annotation, value):
            raise Malformed(list(islice(find_faults(field.annotation, value, ("body",)), _MOST_FAULTS)))
        return value


def _cut_off() -> Problem:
    # Litestar's own word for it would make the hub at fault.
    return Problem(400, "The body ended before it was whole.")


def _fits(kind: Any, value: Any) -> bool:
    # Looking for faults takes several times as long, and most bodies have none.
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return False
    return True
