"""The published interface of `wriftai.models`: one fact for each entry of its reference page, in its order."""

COUNT = 54

PUBLISHED = {
    "ModelVisibility": "class(StrEnum)",
    "ModelVisibility.private": "'private'",
    "ModelVisibility.public": "'public'",
    "Model": "class(TypedDict)",
    "Model.id": "str",
    "Model.name": "str",
    "Model.created_at": "str",
    "Model.visibility": "ModelVisibility",
    "Model.description": "str | None",
    "Model.updated_at": "str | None",
    "Model.source_url": "str | None",
    "Model.license_url": "str | None",
    "Model.paper_url": "str | None",
    "Model.owner": "User",
    "Model.latest_version": "Version | None",
    "Model.hardware": "Hardware",
    "Model.predictions_count": "int",
    "ModelsSortBy": "class(StrEnum)",
    "ModelsSortBy.CREATED_AT": "'created_at'",
    "ModelsSortBy.PREDICTION_COUNT": "'prediction_count'",
    "ModelPaginationOptions": "class(PaginationOptions)",
    "ModelPaginationOptions.sort_by": "NotRequired[ModelsSortBy]",
    "ModelPaginationOptions.sort_direction": "NotRequired[SortDirection]",
    "ModelPaginationOptions.cursor": "NotRequired[str]",
    "ModelPaginationOptions.page_size": "NotRequired[int]",
    "UpdateModelParams": "class(TypedDict)",
    "UpdateModelParams.name": "NotRequired[str]",
    "UpdateModelParams.description": "NotRequired[str | None]",
    "UpdateModelParams.visibility": "NotRequired[ModelVisibility]",
    "UpdateModelParams.hardware_identifier": "NotRequired[str]",
    "UpdateModelParams.source_url": "NotRequired[str | None]",
    "UpdateModelParams.license_url": "NotRequired[str | None]",
    "UpdateModelParams.paper_url": "NotRequired[str | None]",
    "CreateModelParams": "class(TypedDict)",
    "CreateModelParams.name": "str",
    "CreateModelParams.hardware_identifier": "str",
    "CreateModelParams.visibility": "NotRequired[ModelVisibility]",
    "CreateModelParams.description": "NotRequired[str | None]",
    "CreateModelParams.source_url": "NotRequired[str | None]",
    "CreateModelParams.license_url": "NotRequired[str | None]",
    "CreateModelParams.paper_url": "NotRequired[str | None]",
    "ModelsResource": "class(Resource), (api: API)",
    "ModelsResource.delete": "(owner: str, name: str) -> None",
    "ModelsResource.async_delete": "async (owner: str, name: str) -> None",
    "ModelsResource.list": (
        "(pagination_options: ModelPaginationOptions | None = None, owner: str | None = None)"
        " -> PaginatedResponse[Model]"
    ),
    "ModelsResource.async_list": (
        "async (pagination_options: ModelPaginationOptions | None = None, owner: str | None = None)"
        " -> PaginatedResponse[Model]"
    ),
    "ModelsResource.get": "(owner: str, name: str) -> Model",
    "ModelsResource.async_get": "async (owner: str, name: str) -> Model",
    "ModelsResource.create": "(params: CreateModelParams) -> Model",
    "ModelsResource.async_create": "async (params: CreateModelParams) -> Model",
    "ModelsResource.update": "(owner: str, name: str, params: UpdateModelParams) -> Model",
    "ModelsResource.async_update": "async (owner: str, name: str, params: UpdateModelParams) -> Model",
    "ModelsResource.search": (
        "(q: str, pagination_options: PaginationOptions | None = None) -> PaginatedResponse[Model]"
    ),
    "ModelsResource.async_search": (
        "async (q: str, pagination_options: PaginationOptions | None = None) -> PaginatedResponse[Model]"
    ),
}
