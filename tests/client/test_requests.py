"""What each operation asks of its `api`, and what it makes of the answer."""

import copy
import inspect
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.client.operations import OPERATIONS, PAGE, Operation
from tests.client.scripted import RecordingAPI, Reply, ScriptedHub
from tests.client.sides import Side
from wriftai import Client
from wriftai.common_types import SortDirection
from wriftai.models import ModelsResource, ModelsSortBy
from wriftai.pagination import PaginatedResponse
from wriftai.predictions import Predictions

each_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=str)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda values: st.lists(values) | st.dictionaries(st.text(), values),
    max_leaves=8,
)


def perform(side: Side, operation: Operation, api: Any) -> Any:
    return side.call(
        getattr(operation.resource(api), operation.method), *operation.arguments, **operation.keywords
    )


@each_operation
def test_one_request_is_made_and_nothing_is_sent_that_was_not_given(side: Side, operation: Operation) -> None:
    api = RecordingAPI({})
    perform(side, operation, api)
    assert api.sent == [operation.sent]


@each_operation
def test_the_answer_is_given_as_it_came(side: Side, operation: Operation) -> None:
    answer = {"id": "1", "a key of a later hub": {"items": [1]}}
    result = perform(side, operation, RecordingAPI(answer))
    if operation.pages:
        assert result == PaginatedResponse([], None, None, None, None)
    elif operation.method in ("delete", "cancel"):
        assert result is None
    else:
        assert result is answer


@each_operation
def test_the_arguments_are_not_written_to(side: Side, operation: Operation) -> None:
    before = copy.deepcopy((operation.arguments, operation.keywords))
    perform(side, operation, RecordingAPI({}))
    assert (operation.arguments, operation.keywords) == before


@each_operation
def test_arguments_may_be_named(side: Side, operation: Operation) -> None:
    api = RecordingAPI({})
    method = getattr(operation.resource(api), operation.method)
    named = inspect.signature(method).bind(*operation.arguments, **operation.keywords).arguments
    side.call(method, **named)
    assert api.sent == [operation.sent]


@each_operation
def test_an_error_of_the_api_comes_through(side: Side, operation: Operation) -> None:
    error = LookupError("from the api")
    with pytest.raises(LookupError) as caught:
        perform(side, operation, RecordingAPI(error))
    assert caught.value is error


def test_every_operation_is_in_the_table() -> None:
    client = Client("http://hub.invalid/v1")
    resources = [thing for name, thing in vars(client).items() if not name.startswith("_") and name != "api"]
    published = {
        (type(resource).__name__, name)
        for resource in resources
        for name, _ in inspect.getmembers(resource, callable)
        if not name.startswith(("_", "async_"))
    }
    in_table = {(getattr(operation.resource, "__name__", ""), operation.method) for operation in OPERATIONS}
    assert published - in_table == {("Predictions", "wait"), ("Predictions", "stream")}
    assert in_table <= published


@pytest.mark.parametrize("operation", [operation for operation in OPERATIONS if operation.pages], ids=str)
def test_options_of_none_are_as_good_as_not_given(side: Side, operation: Operation) -> None:
    options = dict.fromkeys(["cursor", "page_size", "sort_by", "sort_direction"])
    api = RecordingAPI({})
    method = getattr(operation.resource(api), operation.method)
    named = inspect.signature(method).bind(*operation.arguments).arguments
    side.call(method, **{**named, "pagination_options": options})
    params = {name: value for name, value in (operation.sent.params or {}).items() if name not in PAGE}
    assert api.sent[0].params == ({"q": params["q"]} if "q" in params else None)
    assert options == dict.fromkeys(["cursor", "page_size", "sort_by", "sort_direction"])


def test_options_beyond_the_known_ones_are_sent(side: Side) -> None:
    api: Any = RecordingAPI({})
    options: Any = {"statuses": ["pending", "started"]}
    side.call(Predictions(api).list, options)
    assert api.sent[0].params == {"statuses": ["pending", "started"]}


def test_enums_travel_as_their_values(side: Side) -> None:
    hub = ScriptedHub(Reply({}))
    options: Any = {
        "sort_by": ModelsSortBy.PREDICTION_COUNT,
        "sort_direction": SortDirection.DESC,
        "page_size": 3,
    }
    side.call(hub.client().models.list, options, owner="ada")
    assert hub.requests[0].url.params.multi_items() == [
        ("sort_by", "prediction_count"),
        ("sort_direction", "desc"),
        ("page_size", "3"),
    ]


@pytest.mark.parametrize("operation", [operation for operation in OPERATIONS if operation.sent.body], ids=str)
def test_bodies_travel_as_json(side: Side, operation: Operation) -> None:
    hub = ScriptedHub(Reply({}))
    perform(side, operation, hub.client().api)
    [request] = hub.requests
    assert request.headers["content-type"] == "application/json"
    assert json.loads(request.content) == json.loads(json.dumps(operation.sent.body))


@given(body=json_values.filter(lambda value: value is not None), answer=json_values)
def test_json_arrives_as_it_was_sent(side: Side, body: Any, answer: Any) -> None:
    hub = ScriptedHub(Reply(answer))
    assert side.call(hub.client().api.request, "POST", "/echo", body) == answer
    assert hub.bodies == [body]


def test_the_body_of_an_update_may_be_empty(side: Side) -> None:
    hub = ScriptedHub(Reply({}))
    side.call(hub.client().models.update, "ada", "resnet", {})
    assert hub.bodies == [{}]


def test_what_json_cannot_hold_is_refused(side: Side) -> None:
    hub = ScriptedHub(Reply({}))
    with pytest.raises(ValueError, match="JSON"):
        side.call(hub.client().api.request, "POST", "/echo", {"x": float("nan")})
    assert hub.requests == []


def test_resources_may_be_made_by_hand(side: Side) -> None:
    hub = ScriptedHub(Reply({"id": "1"}))
    assert side.call(ModelsResource(hub.client().api).get, "ada", "resnet") == {"id": "1"}
    assert side.call(ModelsResource(api=hub.client().api).get, "ada", "resnet") == {"id": "1"}
