"""What a call raises when the hub says no."""

from typing import Any

import httpx
import pytest

import wriftai
from tests.client.scripted import Pieces, Reply, ScriptedHub
from tests.client.sides import Side
from wriftai import errors

KINDS = {
    401: wriftai.AuthenticationError,
    403: wriftai.PermissionDeniedError,
    404: wriftai.NotFoundError,
    409: wriftai.ConflictError,
    422: wriftai.UnprocessableEntityError,
    429: wriftai.RateLimitError,
    500: wriftai.ServerError,
    503: wriftai.ServerError,
    599: wriftai.ServerError,
}
OTHERS = (302, 400, 402, 405, 413, 418, 499)


def raised(side: Side, reply: Reply) -> wriftai.APIStatusError:
    client = ScriptedHub(reply).client(max_retries=0)
    with pytest.raises(wriftai.APIStatusError) as caught:
        side.call(client.models.get, "ada", "resnet")
    return caught.value


@pytest.mark.parametrize("status", [*KINDS, *OTHERS])
def test_each_status_has_its_kind(side: Side, status: int) -> None:
    error = raised(side, Reply({"detail": "No."}, status))
    assert type(error) is KINDS.get(status, wriftai.APIStatusError)
    assert isinstance(error, httpx.HTTPStatusError)
    assert error.status_code == status


@pytest.mark.parametrize("kind", dict.fromkeys(KINDS.values()), ids=lambda kind: kind.__name__)
def test_kinds_are_caught_as_a_status_error(kind: type[Exception]) -> None:
    assert kind.__bases__ == (wriftai.APIStatusError,)
    assert wriftai.APIStatusError.__bases__ == (httpx.HTTPStatusError,)
    assert getattr(errors, kind.__name__) is kind


def test_an_error_tells_what_the_hub_said(side: Side) -> None:
    error = raised(side, Reply({"detail": "No such model."}, 404, {"x-request-id": "r-1"}))
    assert error.detail == "No such model."
    assert error.request_id == "r-1"
    assert error.response.json() == {"detail": "No such model."}
    assert error.request.url == "http://hub.example/v1/models/ada/resnet"
    assert error.__cause__ is None
    assert error.__suppress_context__


def test_the_text_keeps_the_words_of_httpx_and_adds_the_hubs(side: Side) -> None:
    error = raised(side, Reply({"detail": "No such model."}, 404))
    with pytest.raises(httpx.HTTPStatusError) as plain:
        error.response.raise_for_status()
    assert str(error) == f"{plain.value}\nNo such model."
    assert str(error).startswith("Client error '404 Not Found' for url 'http://hub.example/v1/models/ada/resnet'")


FAULTS: Any = [
    {"loc": ["body", "name"], "msg": "Field required", "type": "missing"},
    {"loc": ["query", "page_size", 0], "msg": "Too large", "type": "range"},
]


def test_the_text_tells_each_fault_and_its_place(side: Side) -> None:
    error = raised(side, Reply({"detail": FAULTS}, 422))
    assert error.detail == FAULTS
    assert str(error).endswith("\nbody.name: Field required\nquery.page_size.0: Too large")


@pytest.mark.parametrize(
    ("detail", "said"),
    [
        ([{"msg": "Malformed"}], "\nMalformed"),
        ([{"loc": [], "msg": "Malformed"}], "\nMalformed"),
        ([{"loc": None, "msg": "Malformed"}], "\nMalformed"),
        ([{"loc": "body", "msg": "Malformed"}], "\nMalformed"),
        ({"msg": "Malformed", "loc": ["body"]}, "\nbody: Malformed"),
        ({"code": 7}, "\n{'code': 7}"),
        (["One.", None, "Two."], "\nOne.\nTwo."),
        (7, "\n7"),
        (None, ""),
        ("", ""),
        ([], ""),
    ],
)
def test_details_of_any_shape_are_told(side: Side, detail: Any, said: str) -> None:
    error = raised(side, Reply({"detail": detail}, 422))
    assert error.detail == detail
    with pytest.raises(httpx.HTTPStatusError) as plain:
        error.response.raise_for_status()
    assert str(error) == f"{plain.value}{said}"


@pytest.mark.parametrize(
    "reply",
    [
        Reply(status=502, content=b"<html>Bad gateway</html>"),
        Reply(status=502, content=b""),
        Reply(status=502, content=b"\xff\xfe\xff"),
        Reply("Bad gateway", 502),
        Reply(["Bad gateway"], 502),
        Reply({"message": "Bad gateway"}, 502),
        Reply(None, 502),
    ],
)
def test_a_reply_that_is_not_the_hubs_has_no_detail(side: Side, reply: Reply) -> None:
    error = raised(side, reply)
    assert isinstance(error, wriftai.ServerError)
    assert error.detail is None
    assert error.request_id is None
    assert str(error).startswith("Server error '502 Bad Gateway' for url")


def test_redirects_are_not_followed(side: Side) -> None:
    hub = ScriptedHub(Reply(status=307, headers={"location": "http://other.example/"}))
    with pytest.raises(wriftai.APIStatusError, match="Redirect response '307 Temporary Redirect'"):
        side.call(hub.client().models.get, "ada", "resnet")
    assert len(hub.requests) == 1


def test_an_error_that_comes_in_pieces_is_read_whole(side: Side) -> None:
    body = Pieces(b'{"detail": "No', b' such model."}')
    hub = ScriptedHub(lambda request: httpx.Response(404, stream=body, request=request))
    with pytest.raises(wriftai.NotFoundError, match=r"No such model\."):
        side.call(hub.client().models.get, "ada", "resnet")
    assert body.closed


def test_failures_of_the_network_stay_those_of_httpx(side: Side) -> None:
    failure = httpx.ConnectError("refused")
    with pytest.raises(httpx.ConnectError) as caught:
        side.call(ScriptedHub(failure).client(max_retries=0).models.get, "ada", "resnet")
    assert caught.value is failure
