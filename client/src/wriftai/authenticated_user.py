"""The user whose token the client sends."""

from wriftai._operations import operation, twin
from wriftai._policy import path
from wriftai._resource import Resource
from wriftai.common_types import NotRequired, TypedDict, User
from wriftai.models import Model
from wriftai.pagination import PaginatedResponse, PaginationOptions

__all__ = ["AuthenticatedUser", "UpdateUserParams"]


class UpdateUserParams(TypedDict):
    """What to change; keys left out stay as they are, and None clears those that may be None.

    Attributes:
        username: New handle: 1 to 63 letters, digits, underscores and dashes, the first a letter or digit.
        name: Display name.
        bio: A few words in the user's own voice.
        urls: Links to show; absolute http(s) URLs.
        company: Free text.
        location: Free text.
    """

    username: NotRequired[str]
    name: NotRequired[str | None]
    bio: NotRequired[str | None]
    urls: NotRequired[list[str] | None]
    company: NotRequired[str | None]
    location: NotRequired[str | None]


class AuthenticatedUser(Resource):
    """Operations on the user behind the token."""

    @operation
    async def get(self) -> User:
        """Fetch the user behind the token.

        Raises:
            AuthenticationError: The client has no valid token.
        """
        user: User = await self._send("GET", path("user"))
        return user

    async_get = twin(get)

    @operation
    async def models(self, pagination_options: PaginationOptions | None = None) -> PaginatedResponse[Model]:
        """Fetch a page of the user's own models, private ones included.

        Args:
            pagination_options: Where to start, how many.

        Raises:
            AuthenticationError: The client has no valid token.
        """
        return await self._page(path("user", "models"), pagination_options)

    async_models = twin(models)

    @operation
    async def update(self, params: UpdateUserParams) -> User:
        """Change the user behind the token.

        Args:
            params: What to change.

        Raises:
            AuthenticationError: The client has no valid token.
            ConflictError: The username is taken.
            UnprocessableEntityError: A field is malformed.
        """
        user: User = await self._send("PATCH", path("user"), body=params)
        return user

    async_update = twin(update)
