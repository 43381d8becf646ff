"""Values that rows are made of."""

import os
import string
import time
from datetime import UTC, datetime

_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


def new_id() -> str:
    """Make a UUID (RFC 9562, version 7): later ones sort behind, so new rows lie side by side in an index."""
    milliseconds, noise = time.time_ns() // 1_000_000, int.from_bytes(os.urandom(10), "big")
    text = f"{milliseconds << 80 | noise & ~(0xF << 76) & ~(3 << 62) | 7 << 76 | 2 << 62:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def fold(text: str) -> str:
    """Fold case as `lower()` of the database does: that of A to Z alone.

    Python's own would let letters pass for others (the lower case of the Kelvin sign is a k), and find no word
    with another capital letter, which the database leaves as it is.
    """
    return text.lower() if text.isascii() else text.translate(_LOWER)


def popularity(predictions_count: int) -> int:
    """Give the popularity that equally good matches of a search are ranked by first: from 0 to 511, higher first.

    It tells small counts apart, and large ones by their four leading bits, so that it changes seldom.
    """
    dropped = max(predictions_count.bit_length() - 4, 0)
    return 8 * dropped + (predictions_count >> dropped)


def timestamp(moment: datetime) -> str:
    """Write a moment in RFC 3339, UTC, with six digits of fraction, so that times sort as text."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def now() -> str:
    """Write the present moment."""
    return timestamp(datetime.now(UTC))
