"""Versions: the immutable states of a model."""

from wriftai._operations import operation, twin
from wriftai._policy import path
from wriftai._resource import Resource
from wriftai.common_types import Schemas, TypedDict, Version
from wriftai.pagination import PaginatedResponse, PaginationOptions

__all__ = ["CreateVersionParams", "Versions"]


class CreateVersionParams(TypedDict):
    """What a new version is made of.

    Attributes:
        release_notes: What is new, at most 255 characters.
        schemas: JSON Schemas, draft 2020-12, of its interfaces.
        container_image_digest: `sha256:` and 64 lowercase hexadecimal digits.
    """

    release_notes: str
    schemas: Schemas
    container_image_digest: str


class Versions(Resource):
    """Operations on the versions of models."""

    @operation
    async def get(self, version_id: str) -> Version:
        """Fetch a version.

        Args:
            version_id: UUID.

        Raises:
            NotFoundError: There is no such version of a model that the caller may see.
        """
        version: Version = await self._send("GET", path("versions", version_id))
        return version

    async_get = twin(get)

    @operation
    async def list(
        self, model_owner: str, model_name: str, pagination_options: PaginationOptions | None = None
    ) -> PaginatedResponse[Version]:
        """Fetch a page of a model's versions, newest first.

        Args:
            model_owner: Username.
            model_name: Of the model.
            pagination_options: Where to start, how many.

        Raises:
            NotFoundError: There is no such model that the caller may see.
        """
        return await self._page(path("models", model_owner, model_name, "versions"), pagination_options)

    async_list = twin(list)

    @operation
    async def create(self, model_owner: str, model_name: str, options: CreateVersionParams) -> Version:
        """Add a version to a model; it becomes the latest.

        Args:
            model_owner: Username.
            model_name: Of the model.
            options: What it is made of.

        Raises:
            NotFoundError: There is no such model that the caller may see.
            PermissionDeniedError: The caller does not own the model.
            UnprocessableEntityError: A field is malformed, or a schema is not a JSON Schema.
        """
        version: Version = await self._send(
            "POST", path("models", model_owner, model_name, "versions"), body=options
        )
        return version

    async_create = twin(create)

    @operation
    async def delete(self, version_id: str) -> None:
        """Remove a version, for good.

        Args:
            version_id: UUID.

        Raises:
            NotFoundError: There is no such version of a model that the caller may see.
            PermissionDeniedError: The caller does not own the model.
        """
        await self._send("DELETE", path("versions", version_id))

    async_delete = twin(delete)
