"""Values that rows are made of."""

import uuid
from datetime import UTC, datetime


def new_id() -> str:
    """Make a UUID (RFC 9562, version 4)."""
    return str(uuid.uuid4())


def timestamp(moment: datetime) -> str:
    """Write a moment in RFC 3339, UTC, with six digits of fraction, so that times sort as text."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def now() -> str:
    """Write the present moment."""
    return timestamp(datetime.now(UTC))
