"""What all resources share."""

from collections.abc import Mapping
from typing import Any

from wriftai._operations import Step
from wriftai.api import API
from wriftai.pagination import PaginatedResponse


class Resource:
    """A group of operations on one kind of thing.

    Args:
        api: Carries the requests; any object with its `request` and `async_request` will do.
    """

    def __init__(self, api: API) -> None:
        self._api = api

    def _send(self, method: str, path: str, **options: Any) -> Step[Any]:
        return Step(
            lambda: self._api.request(method, path, **options),
            lambda: self._api.async_request(method, path, **options),
        )

    async def _page(self, path: str, options: Mapping[str, Any] | None, **filters: Any) -> PaginatedResponse[Any]:
        """Fetch a page that knows how to fetch the ones after it."""
        asked = {**filters, **(options or {})}
        params = {name: value for name, value in asked.items() if value is not None}
        body = await self._send("GET", path, **({"params": params} if params else {}))
        page: PaginatedResponse[Any] = PaginatedResponse(
            items=body.get("items") or [],
            next_cursor=body.get("next_cursor"),
            previous_cursor=body.get("previous_cursor"),
            next_url=body.get("next_url"),
            previous_url=body.get("previous_url"),
        )
        page._follow = lambda cursor: self._page(path, {**params, "cursor": cursor})
        return page
