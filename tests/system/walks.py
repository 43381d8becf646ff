"""Walks over pages, and what must hold of them while rows come, change and go."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

Fetch = Callable[["Listing", dict[str, Any]], dict[str, Any]]


class Listing(NamedTuple):
    """A list that can be walked over.

    Attributes:
        path: Of the list.
        viewer: Username of who looks; None is anonymous.
        params: Sort, or search.
        moved_by: Which changes of a row move it in this list: `count`, `name`.
    """

    path: str
    viewer: str | None = None
    params: tuple[tuple[str, str], ...] = ()
    moved_by: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return " ".join([self.path, *(value for _, value in self.params), "for", self.viewer or "anyone"])


class Page(NamedTuple):
    """What a walk has seen.

    Attributes:
        ids: Of its rows.
        size: How many rows were asked for.
        forward: Whether it was reached from the page before it.
        is_first: Whether it says that there is nothing before it.
        is_last: Whether it says that there is nothing after it.
    """

    ids: list[str]
    size: int
    forward: bool
    is_first: bool
    is_last: bool


class Walk:
    """A walk over a list, both ways, that checks itself at each step.

    Only rows that were there at the start and that nothing has moved since are looked at: wherever the walk
    turns, each page must go on with just those that come next, none twice and none left out.

    Args:
        listing: To walk over.
        fetch: Gets a page of it.
        size: Of the first page.
    """

    def __init__(self, listing: Listing, fetch: Fetch, size: int) -> None:
        self.listing = listing
        self._fetch = fetch
        self._still = {item["id"] for item in self._whole()}
        self._pages: list[Page] = []
        self._cursors: tuple[str | None, str | None] = (None, None)
        self._read(None, size, forward=True)

    def move(self, size: int, *, forward: bool) -> bool:
        """Go one page on or back, if there is one; tell whether there was."""
        cursor = self._cursors[0 if forward else 1]
        if cursor is not None:
            self._read(cursor, size, forward=forward)
        return cursor is not None

    def leave_out(self, row_ids: Iterable[str]) -> None:
        """Look no longer at rows that were moved."""
        self._still.difference_update(row_ids)

    def seen(self) -> list[list[str]]:
        """Give the ids of the rows of each page."""
        return [page.ids for page in self._pages]

    def _read(self, cursor: str | None, size: int, *, forward: bool) -> None:
        place = {} if cursor is None else {"cursor": cursor}
        page = self._fetch(self.listing, {**place, "page_size": size})
        self._cursors = page["next_cursor"], page["previous_cursor"]
        ids = [item["id"] for item in page["items"]]
        is_first, is_last = page["previous_cursor"] is None, page["next_cursor"] is None
        self._pages.append(Page(ids, size, forward, is_first, is_last))
        self._check()

    def _check(self) -> None:
        order = [item["id"] for item in self._whole() if item["id"] in self._still]
        assert set(order) == self._still
        start = end = 0
        for page in self._pages:
            part = [row_id for row_id in page.ids if row_id in self._still]
            start, end = (end, end + len(part)) if page.forward else (start - len(part), start)
            assert start >= 0
            assert part == order[start:end]
            assert len(page.ids) <= page.size
            # Where the page says that more follows in its direction, it is a full one.
            assert len(page.ids) == page.size or (page.is_last if page.forward else page.is_first)
            assert end == len(order) or not page.is_last
            assert start == 0 or not page.is_first

    def _whole(self) -> list[dict[str, Any]]:
        page = self._fetch(self.listing, {"page_size": 100})
        assert page["next_cursor"] is None
        items: list[dict[str, Any]] = page["items"]
        return items
