"""The command of the hub, whose worker dies at the end of its first turn.

No part of the hub is replaced: waiting for the next turn is what fails, as it might where memory is short.
"""

import asyncio

from wriftai_server.cli import app

_TICK_SECONDS = 1.0

_timeout = asyncio.timeout


def _doomed(delay: float | None) -> asyncio.Timeout:
    if delay == _TICK_SECONDS:
        raise MemoryError("struck by doom")
    return _timeout(delay)


if __name__ == "__main__":
    asyncio.timeout = _doomed
    app()
