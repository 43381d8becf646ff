"""Users: the people on a hub."""

from wriftai._operations import operation, twin
from wriftai._policy import path
from wriftai._resource import Resource
from wriftai.common_types import NotRequired, SortDirection, StrEnum, User
from wriftai.pagination import PaginatedResponse, PaginationOptions

__all__ = ["UserPaginationOptions", "UsersResource", "UsersSortBy"]


class UsersSortBy(StrEnum):
    """What a list of users is ordered by."""

    CREATED_AT = "created_at"


class UserPaginationOptions(PaginationOptions):
    """Which page of users to fetch, and in which order.

    Attributes:
        sort_by: What to order by; the hub's default is the time of creation.
        sort_direction: The hub's default is ascending.
    """

    sort_by: NotRequired[UsersSortBy]
    sort_direction: NotRequired[SortDirection]


class UsersResource(Resource):
    """Operations on users."""

    @operation
    async def get(self, username: str) -> User:
        """Fetch a user.

        Args:
            username: Without regard to case.

        Raises:
            NotFoundError: There is no such user.
        """
        user: User = await self._send("GET", path("users", username))
        return user

    async_get = twin(get)

    @operation
    async def list(self, pagination_options: UserPaginationOptions | None = None) -> PaginatedResponse[User]:
        """Fetch a page of the hub's users.

        Args:
            pagination_options: Where to start, how many, in which order.
        """
        return await self._page(path("users"), pagination_options)

    async_list = twin(list)

    @operation
    async def search(
        self, q: str, pagination_options: PaginationOptions | None = None
    ) -> PaginatedResponse[User]:
        """Find users, best match first.

        Args:
            q: A username, or words of what users say of themselves.
            pagination_options: Where to start, how many.
        """
        return await self._page(path("search", "users"), pagination_options, q=q)

    async_search = twin(search)
