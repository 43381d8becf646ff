"""What a caller writes, every resource both ways: checked by mypy and pyright as any user's file, never run."""

from collections.abc import AsyncGenerator, Generator
from typing import Any

import httpx
from typing_extensions import assert_type

from wriftai import APIStatusError, Client, ClientOptions, NotFoundError, PaginationOptions
from wriftai.authenticated_user import UpdateUserParams
from wriftai.common_types import JsonValue, SortDirection, User, Version
from wriftai.hardware import HardwareWithDetails
from wriftai.models import (
    CreateModelParams,
    Model,
    ModelPaginationOptions,
    ModelsResource,
    ModelsSortBy,
    ModelVisibility,
    UpdateModelParams,
)
from wriftai.pagination import PaginatedResponse
from wriftai.predictions import (
    AsyncWaitOptions,
    CreatePredictionParams,
    Prediction,
    PredictionEvent,
    PredictionWithIO,
    Status,
    TaskError,
    WaitOptions,
)
from wriftai.users import UserPaginationOptions, UsersSortBy
from wriftai.versions import CreateVersionParams

OPTIONS: ClientOptions = {
    "headers": {"X-Mine": "1"},
    "timeout": httpx.Timeout(5),
    "transport": httpx.MockTransport(lambda request: httpx.Response(200)),
}
PAGE: PaginationOptions = {"cursor": "c", "page_size": 5}
MODELS: ModelPaginationOptions = {
    "cursor": "c",
    "sort_by": ModelsSortBy.CREATED_AT,
    "sort_direction": SortDirection.ASC,
}
USERS: UserPaginationOptions = {"sort_by": UsersSortBy.CREATED_AT, "page_size": 1}
NEW: CreateModelParams = {"name": "resnet", "hardware_identifier": "cpu"}
CHANGES = UpdateModelParams(description=None, visibility=ModelVisibility.public)
VERSION: CreateVersionParams = {
    "release_notes": "First.",
    "schemas": {"prediction": {"input": {"type": "object"}, "output": {}}},
    "container_image_digest": "sha256:0",
}
RUN: CreatePredictionParams = {"input": {"n": [1, 2.5, None, {"deep": True}]}, "validate_input": True}
USER: UpdateUserParams = {"urls": ["https://ada.example"], "bio": None}


def told(prediction: PredictionWithIO) -> None:
    assert_type(prediction["status"], Status)
    assert_type(prediction["output"], JsonValue)
    assert_type(prediction["error"], TaskError | None)
    assert_type(prediction["updated_at"], str)


async def async_told(prediction: PredictionWithIO) -> None:
    told(prediction)


def blocking() -> None:
    with Client("http://hub.invalid/v1", "token", OPTIONS, max_retries=3) as client:
        assert_type(client, Client)
        assert_type(client.models.list(), PaginatedResponse[Model])
        assert_type(client.models.list(MODELS, owner="ada"), PaginatedResponse[Model])
        assert_type(client.models.get(owner="ada", name="resnet"), Model)
        assert_type(client.models.create(NEW), Model)
        assert_type(client.models.update("ada", "resnet", CHANGES), Model)
        assert_type(client.models.search("q", pagination_options=PAGE), PaginatedResponse[Model])
        client.models.delete("ada", "resnet")
        assert_type(client.versions.get("v1"), Version)
        assert_type(client.versions.list("ada", "resnet", PAGE), PaginatedResponse[Version])
        assert_type(client.versions.create("ada", "resnet", VERSION), Version)
        client.versions.delete("v1")
        assert_type(client.predictions.get("p1"), PredictionWithIO)
        assert_type(client.predictions.list(PAGE), PaginatedResponse[Prediction])
        assert_type(client.predictions.create(RUN, model="ada/resnet"), PredictionWithIO)
        options = WaitOptions(poll_interval=2, on_poll=told)
        client.predictions.create(RUN, version_id="v1", wait=True, wait_options=options)
        assert_type(client.predictions.wait("p1", options), PredictionWithIO)
        client.predictions.cancel("p1")
        assert_type(client.predictions.stream("p1", after_id="1"), Generator[PredictionEvent, None, None])
        assert_type(client.hardware.list(), PaginatedResponse[HardwareWithDetails])
        assert_type(client.users.get("ada"), User)
        assert_type(client.users.list(USERS), PaginatedResponse[User])
        assert_type(client.users.search("ada"), PaginatedResponse[User])
        assert_type(client.authenticated_user.get(), User)
        assert_type(client.authenticated_user.models(PAGE), PaginatedResponse[Model])
        assert_type(client.authenticated_user.update(USER), User)
        assert_type(client.api.request("GET", "/models"), Any)


async def awaiting() -> None:
    async with Client() as client:
        assert_type(client, Client)
        assert_type(await client.models.async_list(), PaginatedResponse[Model])
        assert_type(await client.models.async_list(MODELS, owner="ada"), PaginatedResponse[Model])
        assert_type(await client.models.async_get(owner="ada", name="resnet"), Model)
        assert_type(await client.models.async_create(NEW), Model)
        assert_type(await client.models.async_update("ada", "resnet", CHANGES), Model)
        assert_type(await client.models.async_search("q", pagination_options=PAGE), PaginatedResponse[Model])
        await client.models.async_delete("ada", "resnet")
        assert_type(await client.versions.async_get("v1"), Version)
        assert_type(await client.versions.async_list("ada", "resnet", PAGE), PaginatedResponse[Version])
        assert_type(await client.versions.async_create("ada", "resnet", VERSION), Version)
        await client.versions.async_delete("v1")
        assert_type(await client.predictions.async_get("p1"), PredictionWithIO)
        assert_type(await client.predictions.async_list(PAGE), PaginatedResponse[Prediction])
        assert_type(await client.predictions.async_create(RUN, model="ada/resnet"), PredictionWithIO)
        options = AsyncWaitOptions(poll_interval=2, on_poll=async_told)
        await client.predictions.async_create(RUN, version_id="v1", wait=True, wait_options=options)
        assert_type(await client.predictions.async_wait("p1", options), PredictionWithIO)
        await client.predictions.async_cancel("p1")
        assert_type(client.predictions.async_stream("p1"), AsyncGenerator[PredictionEvent, None])
        assert_type(await client.hardware.async_list(), PaginatedResponse[HardwareWithDetails])
        assert_type(await client.users.async_get("ada"), User)
        assert_type(await client.users.async_list(USERS), PaginatedResponse[User])
        assert_type(await client.users.async_search("ada"), PaginatedResponse[User])
        assert_type(await client.authenticated_user.async_get(), User)
        assert_type(await client.authenticated_user.async_models(PAGE), PaginatedResponse[Model])
        assert_type(await client.authenticated_user.async_update(USER), User)
        assert_type(await client.api.async_request("GET", "/models"), Any)


def pages(page: PaginatedResponse[Model]) -> list[str]:
    assert_type(page.items, list[Model])
    assert_type(page.next_cursor, str | None)
    for model in page:
        assert_type(model["owner"], User)
        assert_type(model["latest_version"], Version | None)
        assert_type(model["visibility"], ModelVisibility)
    return [model["name"] for model in page.iter_all()]


async def all_pages(page: PaginatedResponse[Model]) -> list[int]:
    return [model["predictions_count"] async for model in page.async_iter_all()]


def errors(models: ModelsResource) -> str | None:
    try:
        models.get("ada", "resnet")
    except NotFoundError as error:
        assert_type(error.detail, JsonValue)
        return error.request_id
    except APIStatusError as error:
        assert_type(error.status_code, int)
        raise
    except httpx.HTTPStatusError:
        raise
    return None
