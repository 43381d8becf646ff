"""The interface of the other modules: one fact for each class, field, member, method and function."""

PAGE = "pagination_options: PaginationOptions | None = None"
USER_PAGE = "pagination_options: UserPaginationOptions | None = None"
OPTIONS = "WaitOptions(poll_interval=1.0, on_poll=None)"
CREATE = (
    "params: CreatePredictionParams, model: str | None = None, version_id: str | None = None, wait: bool = False"
)
IDENTIFIED = "model_owner: str, model_name: str"


def both(name: str, parameters: str, returns: str) -> dict[str, str]:
    """Give the facts of a method and its twin."""
    kind, _, method = name.partition(".")
    fact = f"({parameters}) -> {returns}"
    return {name: fact, f"{kind}.async_{method}": f"async {fact}"}


def streams(name: str, parameters: str, item: str) -> dict[str, str]:
    """Give the facts of a generator and its twin."""
    kind, _, method = name.partition(".")
    return {
        name: f"({parameters}) generates {item}",
        f"{kind}.async_{method}": f"async ({parameters}) generates {item}",
    }


def fields(name: str, bases: str, /, **fields: str) -> dict[str, str]:
    """Give the facts of a class and what is in it."""
    return {name: f"class({bases})"} | {f"{name}.{field}": fact for field, fact in fields.items()}


PREDICTION = {
    "url": "str",
    "id": "str",
    "version_id": "str",
    "created_at": "str",
    "status": "Status",
    "webhook_url": "str | None",
    "updated_at": "str",
    "setup_time": "str | None",
    "execution_time": "str | None",
    "hardware_id": "str",
    "error": "TaskError | None",
}

MODULES: dict[str, dict[str, str]] = {
    "common_types": {
        "JsonValue": "JSON",
        **fields("SortDirection", "StrEnum", ASC="'asc'", DESC="'desc'"),
        **fields(
            "User",
            "TypedDict",
            id="str",
            username="str",
            avatar_url="str",
            name="str | None",
            bio="str | None",
            urls="list[str] | None",
            location="str | None",
            company="str | None",
            created_at="str",
            updated_at="str | None",
        ),
        **fields("SchemaIO", "TypedDict", input="dict[str, Any]", output="dict[str, Any]"),
        **fields("Schemas", "TypedDict", prediction="SchemaIO"),
        **fields(
            "Version",
            "TypedDict",
            id="str",
            release_notes="str",
            created_at="str",
            schemas="Schemas",
            container_image_digest="str",
        ),
        **fields("Hardware", "TypedDict", name="str", identifier="str"),
    },
    "pagination": {
        "PaginatedResponse": (
            "class(Generic[T]), (items: list[T], next_cursor: str | None, previous_cursor: str | None,"
            " next_url: str | None, previous_url: str | None)"
        ),
        **streams("PaginatedResponse.iter_all", "", "T"),
        **fields("PaginationOptions", "TypedDict", cursor="NotRequired[str]", page_size="NotRequired[int]"),
    },
    "versions": {
        **fields(
            "CreateVersionParams",
            "TypedDict",
            release_notes="str",
            schemas="Schemas",
            container_image_digest="str",
        ),
        "Versions": "class(Resource), (api: API)",
        **both("Versions.get", "version_id: str", "Version"),
        **both("Versions.list", f"{IDENTIFIED}, {PAGE}", "PaginatedResponse[Version]"),
        **both("Versions.create", f"{IDENTIFIED}, options: CreateVersionParams", "Version"),
        **both("Versions.delete", "version_id: str", "None"),
    },
    "predictions": {
        **fields("ErrorSource", "StrEnum", internal="'internal'", external="'external'"),
        **fields(
            "Status",
            "StrEnum",
            pending="'pending'",
            started="'started'",
            failed="'failed'",
            succeeded="'succeeded'",
            cancelled="'cancelled'",
        ),
        **fields("TaskError", "TypedDict", source="ErrorSource", message="str", detail="JsonValue"),
        **fields("Prediction", "TypedDict", **PREDICTION),
        **fields(
            "PredictionWithIO",
            "Prediction",
            **PREDICTION,
            input="JsonValue",
            output="JsonValue",
            logs="list[str] | None",
            setup_logs="list[str] | None",
        ),
        **fields(
            "CreatePredictionParams",
            "TypedDict",
            input="JsonValue",
            webhook_url="NotRequired[str]",
            validate_input="NotRequired[bool]",
        ),
        **fields(
            "PredictionEvent",
            "TypedDict",
            id="str",
            event="Literal['init', 'output', 'log', 'error', 'done']",
            data="JsonValue",
        ),
        "WaitOptions": (
            "class(), (poll_interval: float = 1.0, on_poll: Callable[[PredictionWithIO], None] | None = None)"
        ),
        "AsyncWaitOptions": (
            "class(), (poll_interval: float = 1.0,"
            " on_poll: Callable[[PredictionWithIO], Awaitable[None]] | None = None)"
        ),
        "DEFAULT_WAIT_OPTIONS": OPTIONS,
        "DEFAULT_ASYNC_WAIT_OPTIONS": f"Async{OPTIONS}",
        "Predictions": "class(Resource), (api: API)",
        **both("Predictions.get", "prediction_id: str", "PredictionWithIO"),
        **both("Predictions.list", PAGE, "PaginatedResponse[Prediction]"),
        "Predictions.create": f"({CREATE}, wait_options: WaitOptions = {OPTIONS}) -> PredictionWithIO",
        "Predictions.async_create": (
            f"async ({CREATE}, wait_options: AsyncWaitOptions = Async{OPTIONS}) -> PredictionWithIO"
        ),
        "Predictions.wait": f"(predictionID: str, options: WaitOptions = {OPTIONS}) -> PredictionWithIO",
        "Predictions.async_wait": (
            f"async (predictionID: str, options: AsyncWaitOptions = Async{OPTIONS}) -> PredictionWithIO"
        ),
        **both("Predictions.cancel", "prediction_id: str", "None"),
        **streams("Predictions.stream", "prediction_id: str, after_id: str | None = None", "PredictionEvent"),
    },
    "hardware": {
        **fields(
            "HardwareWithDetails",
            "Hardware",
            name="str",
            identifier="str",
            gpus="int",
            cpus="int",
            ram_per_gpu_gb="int",
            ram_gb="int",
            created_at="str",
        ),
        "HardwareResource": "class(Resource), (api: API)",
        **both("HardwareResource.list", PAGE, "PaginatedResponse[HardwareWithDetails]"),
    },
    "users": {
        **fields("UsersSortBy", "StrEnum", CREATED_AT="'created_at'"),
        **fields(
            "UserPaginationOptions",
            "PaginationOptions",
            cursor="NotRequired[str]",
            page_size="NotRequired[int]",
            sort_by="NotRequired[UsersSortBy]",
            sort_direction="NotRequired[SortDirection]",
        ),
        "UsersResource": "class(Resource), (api: API)",
        **both("UsersResource.get", "username: str", "User"),
        **both("UsersResource.list", USER_PAGE, "PaginatedResponse[User]"),
        **both("UsersResource.search", f"q: str, {PAGE}", "PaginatedResponse[User]"),
    },
    "authenticated_user": {
        **fields(
            "UpdateUserParams",
            "TypedDict",
            username="NotRequired[str]",
            name="NotRequired[str | None]",
            bio="NotRequired[str | None]",
            company="NotRequired[str | None]",
            location="NotRequired[str | None]",
            urls="NotRequired[list[str] | None]",
        ),
        "AuthenticatedUser": "class(Resource), (api: API)",
        **both("AuthenticatedUser.get", "", "User"),
        **both("AuthenticatedUser.models", PAGE, "PaginatedResponse[Model]"),
        **both("AuthenticatedUser.update", "params: UpdateUserParams", "User"),
    },
    "errors": {
        **fields("APIStatusError", "_http.HTTPStatusError"),
        **fields("AuthenticationError", "APIStatusError"),
        **fields("PermissionDeniedError", "APIStatusError"),
        **fields("NotFoundError", "APIStatusError"),
        **fields("ConflictError", "APIStatusError"),
        **fields("UnprocessableEntityError", "APIStatusError"),
        **fields("RateLimitError", "APIStatusError"),
        **fields("ServerError", "APIStatusError"),
    },
    "webhooks": {
        **fields("WebhookVerificationError", "ValueError"),
        "verify_webhook": (
            "(payload: bytes | str, signature: str | None, secret: str, tolerance: float = 300)"
            " -> PredictionWithIO"
        ),
    },
}
