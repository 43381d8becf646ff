"""Whatever a part of a path holds, it stays one part."""

from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.client.scripted import RecordingAPI, Reply, ScriptedHub
from tests.client.servers import SocketServer, keep_alive
from tests.client.sides import Side
from wriftai import Client
from wriftai.models import ModelsResource
from wriftai.predictions import Predictions
from wriftai.users import UsersResource
from wriftai.versions import Versions

any_part = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)

ODD_PARTS = {
    "..": b"%2E%2E",
    ".": b"%2E",
    "...": b"...",
    "a..b": b"a..b",
    "a/b": b"a%2Fb",
    "../x": b"..%2Fx",
    "/": b"%2F",
    "%2F": b"%252F",
    "%2e%2e": b"%252e%252e",
    "%": b"%25",
    "a b": b"a%20b",
    "a?b": b"a%3Fb",
    "a#b": b"a%23b",
    "a;b": b"a%3Bb",
    "a\\b": b"a%5Cb",
    "a+b": b"a%2Bb",
    "grün": b"gr%C3%BCn",
    "模型": b"%E6%A8%A1%E5%9E%8B",
    "\n": b"%0A",
    "\0": b"%00",
    "resnet-50_v1.5~": b"resnet-50_v1.5~",
}


def path_seen(side: Side, owner: str, name: str) -> list[bytes]:
    hub = ScriptedHub(Reply({}))
    side.call(hub.client().models.get, owner, name)
    [request] = hub.requests
    assert request.url.query == b""
    return request.url.raw_path.split(b"/")


@pytest.mark.parametrize(("part", "quoted"), ODD_PARTS.items(), ids=map(ascii, ODD_PARTS))
def test_a_part_is_quoted(side: Side, part: str, quoted: bytes) -> None:
    assert path_seen(side, part, "name") == [b"", b"v1", b"models", quoted, b"name"]
    assert path_seen(side, "owner", part) == [b"", b"v1", b"models", b"owner", quoted]


@given(owner=any_part, name=any_part)
@example(owner="..", name="..")
def test_any_text_stays_one_part(side: Side, owner: str, name: str) -> None:
    *front, quoted_owner, quoted_name = path_seen(side, owner, name)
    assert front == [b"", b"v1", b"models"]
    assert (unquote(quoted_owner), unquote(quoted_name)) == (owner, name)
    assert not {quoted_owner, quoted_name} & {b".", b".."}


@given(part=any_part)
def test_what_the_hub_takes_apart_is_what_was_given(side: Side, part: str) -> None:
    """A recorded path goes through URL joining as a browser or a proxy does it."""
    api: Any = RecordingAPI({})
    side.call(Versions(api).get, part)
    [sent] = api.sent
    joined = httpx.URL("http://hub.example/v1/").join(f".{sent.path}")
    assert joined.raw_path.decode().split("/")[1:3] == ["v1", "versions"]
    assert unquote(joined.raw_path.decode().split("/")[3]) == part


def test_dots_stay_quoted_on_the_wire(side: Side) -> None:
    with SocketServer(keep_alive) as server:
        client = Client(f"{server.address}/v1")
        side.call(client.models.get, "..", "user")
        side.close(client)
    assert server.requests[0].startswith(b"GET /v1/models/%2E%2E/user HTTP/1.1\r\n")


def calls_with_an_empty_part(api: Any) -> list[tuple[Callable[..., Any], tuple[Any, ...]]]:
    models, versions, predictions = ModelsResource(api), Versions(api), Predictions(api)
    run: Any = {"input": {}}
    return [
        (models.get, ("", "name")),
        (models.get, ("owner", "")),
        (models.list, (None, "")),
        (models.update, ("", "name", {})),
        (models.update, ("owner", "", {})),
        (models.delete, ("", "name")),
        (models.delete, ("owner", "")),
        (versions.get, ("",)),
        (versions.delete, ("",)),
        (versions.list, ("", "name")),
        (versions.list, ("owner", "")),
        (versions.create, ("", "name", {})),
        (versions.create, ("owner", "", {})),
        (predictions.get, ("",)),
        (predictions.cancel, ("",)),
        (predictions.create, (run, None, "")),
        (UsersResource(api).get, ("",)),
    ]


@pytest.mark.parametrize("index", range(len(calls_with_an_empty_part(RecordingAPI()))))
def test_an_empty_part_is_refused_before_anything_is_sent(side: Side, index: int) -> None:
    api = RecordingAPI()
    method, arguments = calls_with_an_empty_part(api)[index]
    with pytest.raises(ValueError, match="empty"):
        side.call(method, *arguments)
    assert api.sent == []


def test_waiting_for_and_following_an_unnamed_prediction_are_refused(side: Side) -> None:
    api: Any = RecordingAPI()
    with pytest.raises(ValueError, match="empty"):
        side.call(Predictions(api).wait, "", side.wait_options())
    with pytest.raises(ValueError, match="empty"):
        side.collect(Predictions(api).stream, "")
    assert api.sent == []
