"""What the client makes of a successful reply."""

from typing import Any

import httpx
import pytest

from tests.client.scripted import Pieces, Reply, ScriptedHub
from tests.client.sides import Side


@pytest.mark.parametrize(
    "reply",
    [Reply(status=204, content=b""), Reply(status=200, content=b""), Reply(None)],
    ids=["204", "empty", "null"],
)
def test_nothing_reads_as_none(side: Side, reply: Reply) -> None:
    client = ScriptedHub(reply).client()
    assert side.call(client.api.request, "GET", "/nothing") is None
    assert side.call(client.models.delete, "ada", "resnet") is None
    assert side.call(client.predictions.cancel, "p1") is None


@pytest.mark.parametrize("status", [200, 201, 202, 206, 299])
def test_every_success_is_decoded(side: Side, status: int) -> None:
    hub = ScriptedHub(Reply({"id": "1"}, status=status))
    assert side.call(hub.client().models.get, "ada", "resnet") == {"id": "1"}


@pytest.mark.parametrize("answer", [0, False, "", [], {}, 1.5, "text", [None]], ids=repr)
def test_any_json_is_given_as_it_is(side: Side, answer: Any) -> None:
    assert side.call(ScriptedHub(Reply(answer)).client().api.request, "GET", "/any") == answer


@pytest.mark.parametrize(
    ("content", "kind"),
    [(b"<html>Welcome</html>", "text/html"), (b"{", "application/json"), (b"\xff\xfe\xff", None)],
)
def test_what_is_not_json_tells_what_it_was_and_what_to_check(
    side: Side, content: bytes, kind: str | None
) -> None:
    hub = ScriptedHub(Reply(content=content, headers={"content-type": kind} if kind else {}))
    with pytest.raises(httpx.DecodingError) as caught:
        side.call(hub.client().models.get, "ada", "resnet")
    message = str(caught.value)
    assert "http://hub.example/v1/models/ada/resnet" in message
    assert (kind or "no content type") in message
    assert "api_base_url" in message
    assert caught.value.request.method == "GET"
    assert len(hub.requests) == 1


def test_a_body_that_comes_in_pieces_is_put_together(side: Side) -> None:
    body = Pieces(b'{"id": ', b'"1"', b"}")
    hub = ScriptedHub(lambda request: httpx.Response(200, stream=body, request=request))
    assert side.call(hub.client().models.get, "ada", "resnet") == {"id": "1"}
    assert body.closed


def test_a_body_that_cannot_be_unpacked_is_an_error(side: Side) -> None:
    hub = ScriptedHub(
        lambda request: httpx.Response(
            200, headers={"content-encoding": "gzip"}, stream=Pieces(b"no gzip"), request=request
        )
    )
    with pytest.raises(httpx.DecodingError):
        side.call(hub.client().models.get, "ada", "resnet")


def test_keys_of_a_later_hub_are_kept(side: Side) -> None:
    item = {"name": "resnet", "stars": 5}
    page = {"items": [item], "next_cursor": "c2", "total": 1}
    client = ScriptedHub(Reply(item), Reply(page)).client()
    assert side.call(client.models.get, "ada", "resnet") == item
    assert side.call(client.models.list).items == [item]
