"""Pages: cursors that hold a place in an order, and the page that is cut out there.

A cursor is a place, not a count: the sort keys of the row to go on from. Rows that come and go elsewhere do not
move it, and a page costs the same wherever it is.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

import msgspec

from wriftai_server.database.driver import Row
from wriftai_server.http.problems import Malformed, malformed

if TYPE_CHECKING:
    from litestar import Request

T = TypeVar("T")

Key = tuple[str | int, ...]


class Page(msgspec.Struct, Generic[T]):
    """One page of a list.

    Attributes:
        items: Entries, in order.
        next_cursor: Leads to the page after this one; None on the last page.
        previous_cursor: Leads to the page before this one; None on the first page.
        next_url: Absolute address of the page after this one.
        previous_url: Absolute address of the page before this one.
    """

    items: list[T]
    next_cursor: str | None
    previous_cursor: str | None
    next_url: str | None
    previous_url: str | None


class Place(NamedTuple):
    """Where a page begins, and which way it goes on from there.

    Attributes:
        key: Sort keys of the row to go on from; None stands for the end that the walk starts at.
        backward: Whether the page lies before that row, so that the walk goes toward the beginning.
    """

    key: Key | None = None
    backward: bool = False

    def values(self) -> dict[str, str | int]:
        """Give the sort keys by the names that statements made by `keyset` have for them."""
        return {f"key_{n}": part for n, part in enumerate(self.key or ())}


class Cut(NamedTuple):
    """Rows of a page, and where its neighbours are.

    Attributes:
        rows: In the order of the list, whichever way they were found.
        following: Where the next page is; None on the last one.
        preceding: Where the previous page is; None on the first one.
    """

    rows: list[Row]
    following: Place | None
    preceding: Place | None


def cut(rows: Sequence[Row], place: Place, size: int, key_of: Callable[[Row], Key]) -> Cut:
    """Cut a page out of what a keyset query found.

    Args:
        rows: In the direction of the walk, so from the last to the first where that goes backward; at most one
            more than the size, which tells that there are more.
        place: Where the query started.
        size: How many rows the page may have.
        key_of: Gives the sort keys of a row.
    """
    kept = list(rows[:size])
    # Behind the page, seen in the direction of the walk, and the way that the walk came from.
    ahead = Place(key_of(kept[-1]), place.backward) if len(rows) > size else None
    behind = None if place.key is None else Place(key_of(kept[0]) if kept else None, not place.backward)
    if place.backward:
        return Cut(kept[::-1], following=behind, preceding=ahead)
    return Cut(kept, following=ahead, preceding=behind)


def read_cursor(cursor: str | None, order: str, key_types: tuple[type, ...]) -> Place:
    """Take a cursor apart.

    Args:
        cursor: From the query; None stands for the first page.
        order: Names the sort and the filter; a cursor of another one is refused.
        key_types: Of the sort keys.

    Raises:
        Malformed: It is not a cursor of this hub, or one of another order.
    """
    if cursor is None:
        return Place()
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        made_for, backward, key = msgspec.json.decode(text, type=tuple[str, bool, tuple[Any, ...] | None])
    except (ValueError, binascii.Error, RecursionError, msgspec.MsgspecError):
        raise not_a_cursor() from None
    if made_for != _tag(order):
        raise _bad_cursor("This cursor belongs to another order or filter: start again without a cursor.")
    if key is not None and not _fits(key, key_types):
        raise not_a_cursor()
    return Place(key, backward)


def not_a_cursor() -> Malformed:
    """Make the problem that what was sent as a cursor is none."""
    return _bad_cursor("This is not a cursor: take it from a page, and leave it out for the first one.")


def page(items: list[T], cut: Cut, order: str, request: Request[Any, Any, Any]) -> Page[T]:
    """Make the page that a route answers with.

    Args:
        items: What the rows of the cut became.
        cut: Says where the neighbours are.
        order: Goes into the cursors.
        request: Whose address the neighbours vary.
    """
    tag = _tag(order)
    following, preceding = _cursor(cut.following, tag), _cursor(cut.preceding, tag)
    return Page(items, following, preceding, _address(request, following), _address(request, preceding))


def _cursor(place: Place | None, tag: str) -> str | None:
    if place is None:
        return None
    text = msgspec.json.encode((tag, place.backward, place.key))
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def _tag(order: str) -> str:
    return hashlib.blake2b(order.encode("utf-8", "replace"), digest_size=6).hexdigest()


def _address(request: Request[Any, Any, Any], cursor: str | None) -> str | None:
    if cursor is None:
        return None
    query = request.scope["query_string"].decode("latin-1").split("&")
    kept = [part for part in query if part and not part.startswith("cursor=")]
    return f"{request.user.hub_url}{request.scope['path']}?{'&'.join([*kept, f'cursor={cursor}'])}"


def _fits(key: Key, key_types: tuple[type, ...]) -> bool:
    return len(key) == len(key_types) and all(
        type(part) is kind and (not isinstance(part, int) or 0 <= part < 2**63)
        for part, kind in zip(key, key_types, strict=True)
    )


def _bad_cursor(msg: str) -> Malformed:
    return malformed("query", "cursor", msg=msg, type="cursor_invalid")
