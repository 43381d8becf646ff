"""The far end of a list."""

from benchmarks.session import Session

_SIZE = 25
_STEP = 100


def last_page(session: Session, path: str) -> str:
    """Walk a list to its end; give the path of the page of its last 25 entries.

    Args:
        session: Who asks.
        path: Of the first page; the list has more than 100 entries.
    """
    before, start, entries = "", "", _STEP
    following: str | None = path
    while following is not None:
        page = session.json(f"{following}&page_size={_STEP}")
        before, start, entries = start, following, len(page["items"])
        following = page["next_cursor"] and f"{path}&cursor={page['next_cursor']}"
    # The steps do not end 25 entries before the end: one more request, of just the right size, does.
    start, skipped = (start, entries - _SIZE) if entries > _SIZE else (before, _STEP + entries - _SIZE)
    cursor = session.json(f"{start}&page_size={skipped}")["next_cursor"]
    last = f"{path}&cursor={cursor}"
    page = session.json(last)
    assert (len(page["items"]), page["next_cursor"]) == (_SIZE, None), path
    return last
