"""Models: what they are made of, and how to create, find, change and delete them."""

from wriftai._operations import operation, twin
from wriftai._policy import path
from wriftai._resource import Resource
from wriftai.common_types import Hardware, NotRequired, SortDirection, StrEnum, TypedDict, User, Version
from wriftai.pagination import PaginatedResponse, PaginationOptions

__all__ = [
    "CreateModelParams",
    "Model",
    "ModelPaginationOptions",
    "ModelVisibility",
    "ModelsResource",
    "ModelsSortBy",
    "UpdateModelParams",
]


class ModelVisibility(StrEnum):
    """Who sees a model: its owner alone, or everyone."""

    private = "private"
    public = "public"


class Model(TypedDict):
    """A model as the hub shows it.

    Attributes:
        id: UUID; stays when the model is renamed.
        name: Unique among its owner's models, without regard to case.
        created_at: RFC 3339, UTC.
        visibility: Who sees it.
        description: Free text, at most 10,000 characters.
        updated_at: RFC 3339, UTC; None until the first change.
        source_url: Where its code is.
        license_url: Under which terms it may be used.
        paper_url: Where the research behind it is written up.
        owner: Who created it.
        latest_version: The newest version; None while there is none.
        hardware: What its predictions run on.
        predictions_count: Predictions ever created, over all versions.
    """

    id: str
    name: str
    created_at: str
    visibility: ModelVisibility
    description: str | None
    updated_at: str | None
    source_url: str | None
    license_url: str | None
    paper_url: str | None
    owner: User
    latest_version: Version | None
    hardware: Hardware
    predictions_count: int


class ModelsSortBy(StrEnum):
    """What a list of models is ordered by."""

    CREATED_AT = "created_at"
    PREDICTION_COUNT = "prediction_count"


class ModelPaginationOptions(PaginationOptions):
    """Which page of models to fetch, and in which order.

    Attributes:
        sort_by: What to order by; the hub's default is the time of creation.
        sort_direction: The hub's default is ascending.
    """

    sort_by: NotRequired[ModelsSortBy]
    sort_direction: NotRequired[SortDirection]


class UpdateModelParams(TypedDict):
    """What to change; keys left out stay as they are, and None clears those that may be None.

    Attributes:
        name: Renames the model; its id stays.
        description: At most 10,000 characters.
        visibility: Who sees it.
        hardware_identifier: What its predictions run on, as listed by the hub.
        source_url: Absolute http(s) URL.
        license_url: Absolute http(s) URL.
        paper_url: Absolute http(s) URL.
    """

    name: NotRequired[str]
    description: NotRequired[str | None]
    visibility: NotRequired[ModelVisibility]
    hardware_identifier: NotRequired[str]
    source_url: NotRequired[str | None]
    license_url: NotRequired[str | None]
    paper_url: NotRequired[str | None]


class CreateModelParams(TypedDict):
    """What a new model starts with.

    Attributes:
        name: 1 to 128 letters, digits, dots, underscores and dashes, the first a letter or digit.
        hardware_identifier: What its predictions run on, as listed by the hub.
        visibility: Who sees it; the hub's default is private.
        description: At most 10,000 characters.
        source_url: Absolute http(s) URL.
        license_url: Absolute http(s) URL.
        paper_url: Absolute http(s) URL.
    """

    name: str
    hardware_identifier: str
    visibility: NotRequired[ModelVisibility]
    description: NotRequired[str | None]
    source_url: NotRequired[str | None]
    license_url: NotRequired[str | None]
    paper_url: NotRequired[str | None]


class ModelsResource(Resource):
    """Operations on models."""

    @operation
    async def delete(self, owner: str, name: str) -> None:
        """Remove a model with all its versions, for good.

        Args:
            owner: Username.
            name: Of the model.

        Raises:
            NotFoundError: There is no such model that the caller may see.
            PermissionDeniedError: The caller does not own it.
        """
        await self._send("DELETE", path("models", owner, name))

    async_delete = twin(delete)

    @operation
    async def list(
        self, pagination_options: ModelPaginationOptions | None = None, owner: str | None = None
    ) -> PaginatedResponse[Model]:
        """Fetch a page of the models that the caller may see.

        Args:
            pagination_options: Where to start, how many, in which order.
            owner: Username of the one owner whose models to list; None lists everyone's.

        Raises:
            NotFoundError: There is no such owner.
            UnprocessableEntityError: The cursor belongs to another order or owner.
        """
        where = path("models") if owner is None else path("models", owner)
        return await self._page(where, pagination_options)

    async_list = twin(list)

    @operation
    async def get(self, owner: str, name: str) -> Model:
        """Fetch a model.

        Args:
            owner: Username.
            name: Of the model.

        Raises:
            NotFoundError: There is no such model that the caller may see.
        """
        model: Model = await self._send("GET", path("models", owner, name))
        return model

    async_get = twin(get)

    @operation
    async def create(self, params: CreateModelParams) -> Model:
        """Create a model that the caller owns.

        Args:
            params: What it starts with.

        Raises:
            AuthenticationError: The client has no valid token.
            ConflictError: The caller has a model of that name.
            UnprocessableEntityError: A field is malformed, or there is no such hardware.
        """
        model: Model = await self._send("POST", path("models"), body=params)
        return model

    async_create = twin(create)

    @operation
    async def update(self, owner: str, name: str, params: UpdateModelParams) -> Model:
        """Change a model.

        Args:
            owner: Username.
            name: Of the model, before a rename.
            params: What to change.

        Raises:
            NotFoundError: There is no such model that the caller may see.
            PermissionDeniedError: The caller does not own it.
            ConflictError: The new name is taken.
            UnprocessableEntityError: A field is malformed, or there is no such hardware.
        """
        model: Model = await self._send("PATCH", path("models", owner, name), body=params)
        return model

    async_update = twin(update)

    @operation
    async def search(
        self, q: str, pagination_options: PaginationOptions | None = None
    ) -> PaginatedResponse[Model]:
        """Find models that the caller may see, best match first.

        Args:
            q: A name, `owner/name`, or words of a name, an owner or a description.
            pagination_options: Where to start, how many.
        """
        return await self._page(path("search", "models"), pagination_options, q=q)

    async_search = twin(search)
