"""Every operation that makes one request: how it is called, and what it must ask of its `api`."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.client.scripted import Sent
from wriftai.authenticated_user import AuthenticatedUser
from wriftai.hardware import HardwareResource
from wriftai.models import ModelsResource, ModelsSortBy, ModelVisibility
from wriftai.predictions import Predictions
from wriftai.users import UsersResource, UsersSortBy
from wriftai.versions import Versions

MODEL: dict[str, Any] = {"name": "resnet", "hardware_identifier": "cpu", "visibility": ModelVisibility.public}
CHANGES: dict[str, Any] = {"description": None, "name": "renamed"}
VERSION: dict[str, Any] = {
    "release_notes": "First.",
    "schemas": {"prediction": {"input": {}, "output": {}}},
    "container_image_digest": "sha256:" + "0" * 64,
}
RUN: dict[str, Any] = {"input": {"image": [1, 2]}, "webhook_url": "https://me.example/hook"}
USER: dict[str, Any] = {"username": "ada", "urls": ["https://ada.example"], "bio": None}
PAGE: dict[str, Any] = {"cursor": "c1", "page_size": 7}
SORTED: dict[str, Any] = {**PAGE, "sort_by": ModelsSortBy.PREDICTION_COUNT, "sort_direction": "desc"}
USERS_SORTED: dict[str, Any] = {**PAGE, "sort_by": UsersSortBy.CREATED_AT, "sort_direction": "asc"}


@dataclass(frozen=True)
class Operation:
    """One way to call one operation."""

    resource: Callable[[Any], Any]
    method: str
    arguments: tuple[Any, ...]
    sent: Sent
    keywords: dict[str, Any] = field(default_factory=dict)
    pages: bool = False

    def __str__(self) -> str:
        return f"{self.sent.method} {self.sent.path} {self.sent.params or ''}".rstrip()


def page(
    resource: Callable[[Any], Any], method: str, arguments: tuple[Any, ...], path: str, params: Any = None
) -> Operation:
    return Operation(resource, method, arguments, Sent("GET", path, params=params), pages=True)


OPERATIONS = [
    Operation(ModelsResource, "get", ("ada", "resnet"), Sent("GET", "/models/ada/resnet")),
    Operation(ModelsResource, "delete", ("ada", "resnet"), Sent("DELETE", "/models/ada/resnet")),
    Operation(ModelsResource, "create", (MODEL,), Sent("POST", "/models", body=MODEL)),
    Operation(
        ModelsResource, "update", ("ada", "resnet", CHANGES), Sent("PATCH", "/models/ada/resnet", body=CHANGES)
    ),
    page(ModelsResource, "list", (), "/models"),
    page(ModelsResource, "list", (SORTED,), "/models", SORTED),
    page(ModelsResource, "list", (PAGE, "ada"), "/models/ada", PAGE),
    page(ModelsResource, "search", ("res net",), "/search/models", {"q": "res net"}),
    page(ModelsResource, "search", ("", PAGE), "/search/models", {"q": "", **PAGE}),
    Operation(Versions, "get", ("v1",), Sent("GET", "/versions/v1")),
    Operation(Versions, "delete", ("v1",), Sent("DELETE", "/versions/v1")),
    Operation(
        Versions, "create", ("ada", "resnet", VERSION), Sent("POST", "/models/ada/resnet/versions", body=VERSION)
    ),
    page(Versions, "list", ("ada", "resnet"), "/models/ada/resnet/versions"),
    page(Versions, "list", ("ada", "resnet", PAGE), "/models/ada/resnet/versions", PAGE),
    Operation(Predictions, "get", ("p1",), Sent("GET", "/predictions/p1")),
    Operation(Predictions, "cancel", ("p1",), Sent("POST", "/predictions/p1/cancel")),
    Operation(
        Predictions, "create", (RUN, "ada/resnet"), Sent("POST", "/models/ada/resnet/predictions", body=RUN)
    ),
    Operation(Predictions, "create", (RUN, None, "v1"), Sent("POST", "/versions/v1/predictions", body=RUN)),
    Operation(
        Predictions,
        "create",
        ({**RUN, "validate_input": True}, "ada/resnet"),
        Sent("POST", "/models/ada/resnet/predictions", body=RUN, headers={"Validate-Input": "true"}),
    ),
    Operation(
        Predictions,
        "create",
        ({**RUN, "validate_input": False},),
        Sent("POST", "/versions/v1/predictions", body=RUN, headers={"Validate-Input": "false"}),
        {"version_id": "v1"},
    ),
    page(Predictions, "list", (), "/predictions"),
    page(Predictions, "list", (PAGE,), "/predictions", PAGE),
    page(HardwareResource, "list", (), "/hardware"),
    page(HardwareResource, "list", (PAGE,), "/hardware", PAGE),
    Operation(UsersResource, "get", ("ada",), Sent("GET", "/users/ada")),
    page(UsersResource, "list", (), "/users"),
    page(UsersResource, "list", (USERS_SORTED,), "/users", USERS_SORTED),
    page(UsersResource, "search", ("ada",), "/search/users", {"q": "ada"}),
    page(UsersResource, "search", ("ada", PAGE), "/search/users", {"q": "ada", **PAGE}),
    Operation(AuthenticatedUser, "get", (), Sent("GET", "/user")),
    Operation(AuthenticatedUser, "update", (USER,), Sent("PATCH", "/user", body=USER)),
    page(AuthenticatedUser, "models", (), "/user/models"),
    page(AuthenticatedUser, "models", (PAGE,), "/user/models", PAGE),
]
