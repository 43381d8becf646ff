"""What the hub refuses, the client raises: an error for each status, with what the hub said."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.client.sides import Side
from tests.hubs import Hub, running
from tests.system.folders import add_user
from tests.system.payloads import model
from wriftai import (
    APIStatusError,
    AuthenticationError,
    Client,
    ConflictError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    UnprocessableEntityError,
)

_numbers = itertools.count()


@pytest.fixture(scope="module")
def client(hub: Hub) -> Iterator[Client]:
    with Client(hub.url, add_user(hub.data_dir, "refused")) as client:
        yield client


@pytest.fixture
def name() -> str:
    return f"refused-{next(_numbers)}"


def test_each_refusal_is_an_error_of_its_own(client: Client, hub: Hub, side: Side, name: str) -> None:
    side.call(client.models.create, model(name, visibility="public"))
    stranger, nobody = (Client(hub.url, token) for token in (add_user(hub.data_dir, f"for-{name}"), ""))
    refused: list[tuple[type[APIStatusError], int, Callable[..., Any], tuple[Any, ...]]] = [
        (AuthenticationError, 401, nobody.models.create, (model(name),)),
        (PermissionDeniedError, 403, stranger.models.delete, ("refused", name)),
        (NotFoundError, 404, client.versions.get, ("../users",)),
        (ConflictError, 409, client.models.create, (model(name.upper()),)),
        (UnprocessableEntityError, 422, client.models.create, ({"name": "-"},)),
    ]
    with stranger, nobody:
        for kind, status, called, arguments in refused:
            with pytest.raises(kind) as caught:
                side.call(called, *arguments)

            error = caught.value
            assert error.status_code == status
            assert error.request_id == error.response.headers["x-request-id"]
            assert error.detail == error.response.json()["detail"]
            assert error.detail
            assert isinstance(error, httpx.HTTPStatusError)


def test_malformed_input_is_refused_with_all_its_faults(client: Client, side: Side) -> None:
    malformed: Any = {"name": "-", "visibility": 1}
    with pytest.raises(UnprocessableEntityError) as caught:
        side.call(client.models.create, malformed)

    places = {tuple(fault["loc"]) for fault in caught.value.response.json()["detail"]}
    assert places == {("body", "name"), ("body", "visibility"), ("body", "hardware_identifier")}


def test_too_many_calls_are_refused_with_the_time_to_come_back(tmp_path: Path) -> None:
    def call_often(client: Client) -> None:
        for _ in range(10):  # Even where a minute ends in between, it is too often.
            client.hardware.list()

    with (
        running(tmp_path / "data", "--rate-limit", "3") as hub,
        Client(hub.url, max_retries=0) as client,
        pytest.raises(RateLimitError, match="3 requests a minute") as caught,
    ):
        call_often(client)

    headers = caught.value.response.headers
    assert 1 <= int(headers["retry-after"]) <= 60
    assert (headers["x-ratelimit-limit"], headers["x-ratelimit-remaining"]) == ("3", "0")
    assert caught.value.request_id
