"""Pages: their fields, going over them, and what a copy of one can still do."""

import asyncio
import copy
import dataclasses
import pickle
from typing import Any

import httpx
import pytest

from tests.client.operations import OPERATIONS, Operation
from tests.client.scripted import RecordingAPI, Reply, ScriptedHub
from tests.client.sides import Side
from wriftai import ServerError
from wriftai.models import ModelsResource
from wriftai.pagination import PaginatedResponse
from wriftai.users import UsersResource

FIELDS = ["items", "next_cursor", "previous_cursor", "next_url", "previous_url"]
LISTS = [operation for operation in OPERATIONS if operation.pages]


def body(*items: Any, following: str | None = None) -> dict[str, Any]:
    return {"items": list(items), "next_cursor": following}


def first_page(side: Side, api: Any, *arguments: Any) -> PaginatedResponse[Any]:
    page: PaginatedResponse[Any] = side.call(ModelsResource(api).list, *arguments)
    return page


def test_a_page_has_exactly_the_published_fields_in_their_order() -> None:
    assert [field.name for field in dataclasses.fields(PaginatedResponse)] == FIELDS
    page = PaginatedResponse([1], "n", "p", "nu", "pu")
    assert dataclasses.asdict(page) == dict(zip(FIELDS, [[1], "n", "p", "nu", "pu"], strict=True))
    assert repr(page) == (
        "PaginatedResponse(items=[1], next_cursor='n', previous_cursor='p', next_url='nu', previous_url='pu')"
    )


@pytest.mark.parametrize("operation", LISTS, ids=str)
def test_a_page_is_filled_from_the_answer(side: Side, operation: Operation) -> None:
    answer: dict[str, Any] = dict(zip(FIELDS, [[{"id": "1"}], "n", "p", "http://n", "http://p"], strict=True))
    method = getattr(operation.resource(RecordingAPI(answer)), operation.method)
    page = side.call(method, *operation.arguments)
    assert type(page) is PaginatedResponse
    assert dataclasses.asdict(page) == answer
    assert page == PaginatedResponse(**answer)


@pytest.mark.parametrize("answer", [{}, dict.fromkeys(FIELDS), {"items": []}], ids=["none", "nulls", "items"])
def test_missing_keys_read_as_none(side: Side, answer: dict[str, Any]) -> None:
    assert first_page(side, RecordingAPI(answer)) == PaginatedResponse([], None, None, None, None)


def test_going_over_a_page_gives_its_own_items_only(side: Side) -> None:
    api = RecordingAPI(body(1, 2, following="c2"), body(3))
    page = first_page(side, api)
    assert [*page, *page] == [1, 2, 1, 2]
    assert len(api.sent) == 1


@pytest.mark.parametrize("operation", LISTS, ids=str)
def test_going_on_keeps_the_filter_the_order_and_the_size(side: Side, operation: Operation) -> None:
    api = RecordingAPI(body(1, 2, following="c2"), body(following="c3"), body(3))
    page = side.call(getattr(operation.resource(api), operation.method), *operation.arguments)
    assert side.collect(page.iter_all) == [1, 2, 3]
    asked = operation.sent.params or {}
    assert [sent.path for sent in api.sent] == [operation.sent.path] * 3
    assert [sent.params for sent in api.sent] == [
        operation.sent.params,
        {**asked, "cursor": "c2"},
        {**asked, "cursor": "c3"},
    ]


def test_going_over_all_pages_can_begin_again(side: Side) -> None:
    api = RecordingAPI(body(1, following="c2"), body(2))
    page = first_page(side, api)
    assert side.collect(page.iter_all) == [1, 2]
    assert side.collect(page.iter_all) == [1, 2]
    assert len(api.sent) == 3


def test_a_page_is_fetched_only_when_it_is_reached(side: Side) -> None:
    api = RecordingAPI(body(1, following="c2"), body(2))
    page = first_page(side, api)
    assert side.first(page.iter_all) == [1]
    assert len(api.sent) == 1


def test_each_page_may_be_fetched_by_the_other_side(side: Side) -> None:
    async def awaited(page: PaginatedResponse[Any]) -> list[Any]:
        return [item async for item in page.async_iter_all()]

    page = first_page(side, RecordingAPI(body(1, following="c2"), body(2), body(2)))
    assert list(page.iter_all()) == asyncio.run(awaited(page)) == [1, 2]


def test_an_error_on_the_way_comes_through(side: Side) -> None:
    hub = ScriptedHub(Reply(body(1, following="c2")), Reply(status=503))
    page = side.call(hub.client(max_retries=0).models.list)
    with pytest.raises(ServerError):
        side.collect(page.iter_all)


@pytest.mark.parametrize(
    "cursors", [["a", "a"], ["a", "b", "a"], ["a", "b", "c", "b"], ["a", "b", "b"]], ids="-".join
)
def test_pages_that_lead_in_a_circle_are_an_error(side: Side, cursors: list[str]) -> None:
    answers = [body(number, following=cursor) for number, cursor in enumerate(cursors)]
    api = RecordingAPI(*answers, *answers[1:] * 3, LookupError("asked on and on"))
    page = first_page(side, api)
    with pytest.raises(RuntimeError, match="leads"):
        side.collect(page.iter_all)
    assert len(api.sent) == len(cursors)


@pytest.mark.parametrize(
    "again",
    [
        copy.copy,
        copy.deepcopy,
        dataclasses.replace,
        *(lambda page, n=n: pickle.loads(pickle.dumps(page, n)) for n in range(pickle.HIGHEST_PROTOCOL + 1)),  # noqa: S301
    ],
)
def test_a_copied_page_keeps_its_fields_and_says_that_it_cannot_go_on(side: Side, again: Any) -> None:
    client = ScriptedHub(Reply(body(1, following="c2")), Reply(body(2))).client()
    page = side.call(client.models.list)
    copied = again(page)
    assert copied == page
    assert copied is not page
    assert list(copied) == [1]
    with pytest.raises(RuntimeError, match="next_cursor"):
        side.collect(copied.iter_all)
    assert side.collect(page.iter_all) == [1, 2]


def test_a_page_made_by_hand_without_a_successor_can_be_gone_over(side: Side) -> None:
    page: PaginatedResponse[int] = PaginatedResponse([1, 2], None, None, None, None)
    assert side.collect(page.iter_all) == [1, 2]


def test_the_callers_options_are_not_kept(side: Side) -> None:
    options: Any = {"page_size": 1}
    api: Any = RecordingAPI(body(1, following="c2"), body(2))
    page = side.call(UsersResource(api).list, options)
    options["page_size"] = 50
    side.collect(page.iter_all)
    assert api.sent[1].params == {"page_size": 1, "cursor": "c2"}


def test_cursors_are_opaque(side: Side) -> None:
    cursor = "a+b/c=&d e?ü"
    hub = ScriptedHub(Reply(body(1, following=cursor)), Reply(body(2)))
    page = side.call(hub.client().users.search, "a b&c")
    side.collect(page.iter_all)
    assert dict(httpx.QueryParams(hub.requests[1].url.query)) == {"q": "a b&c", "cursor": cursor}
