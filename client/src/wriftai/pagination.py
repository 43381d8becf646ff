"""Pages of results, and walking over all of them."""

from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from dataclasses import dataclass, fields
from typing import Any, Generic, TypeVar

from wriftai._operations import stream_operation, stream_twin
from wriftai.common_types import NotRequired, TypedDict

__all__ = ["PaginatedResponse", "PaginationOptions"]

T = TypeVar("T")


class PaginationOptions(TypedDict):
    """Which page to fetch; what is left out is left to the hub.

    Attributes:
        cursor: Where to go on, from an earlier page.
        page_size: 1 to 100; the hub's default is 25.
    """

    cursor: NotRequired[str]
    page_size: NotRequired[int]


@dataclass
class PaginatedResponse(Generic[T]):
    """One page of a list.

    Iterating goes over the page's own items; `iter_all` and `async_iter_all` go on through the pages after it.

    Attributes:
        items: Entries of this page, in order.
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

    def __post_init__(self) -> None:
        self._follow: Callable[[str], Coroutine[Any, Any, PaginatedResponse[T]]] | None = None

    def __iter__(self) -> Iterator[T]:
        return iter(self.items)

    @stream_operation
    async def iter_all(self) -> AsyncGenerator[T, None]:
        """Iterate over this page's items and those of every page after it.

        Pages are fetched as the iteration reaches them, with the size, sort and filter of this one.

        Raises:
            RuntimeError: The page has a successor and no client to fetch it with (it was made by hand, copied
                or unpickled), or the hub answered a page that leads back to one before it.
        """
        page = self
        followed = set[str]()
        while True:
            for item in page.items:
                yield item
            if page.next_cursor is None:
                return
            if page._follow is None:
                raise RuntimeError("This page was not fetched by a client: list again with its next_cursor.")
            if page.next_cursor in followed:
                raise RuntimeError("The hub answered a page that leads back to one before it.")
            followed.add(page.next_cursor)
            page = await page._follow(page.next_cursor)

    async_iter_all = stream_twin(iter_all)

    def __getstate__(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in fields(self)} | {"_follow": None}
