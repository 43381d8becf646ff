"""The command of the hub, whose worker dies at the end of its first turn.

No part of the hub is replaced but for waiting for the next turn, which fails as it might where memory is short.
"""

from wriftai_server.cli import app
from wriftai_server.database.changes import Watch

_TICK_SECONDS = 1.0

_changed = Watch.changed


async def _doomed(watch: Watch, seconds: float) -> bool:
    if seconds == _TICK_SECONDS:
        raise MemoryError("struck by doom")
    return await _changed(watch, seconds)


if __name__ == "__main__":
    Watch.changed = _doomed  # type: ignore[method-assign, assignment]
    app()
