"""Where the client takes its address, token, headers and timeout from."""

from typing import Any

import httpx
import pytest

import wriftai
from tests.client.scripted import Reply, ScriptedHub
from tests.client.sides import Side
from wriftai import Client, ClientOptions

HOSTED = "https://api.wrift.ai/v1"
MINE = "http://mine.example/v1"
OTHER = "http://other.example/deep/v1"


def seen(side: Side, address: str | None, token: str | None = None, **options: Any) -> httpx.Request:
    """Make a client with these settings, and give the request that it sends."""
    hub = ScriptedHub(Reply({}))
    chosen: ClientOptions = {"transport": httpx.MockTransport(hub.answer), **options}  # type: ignore[typeddict-item]
    client = Client(address, token, chosen)
    side.call(client.authenticated_user.get)
    return hub.requests[0]


@pytest.mark.parametrize(
    ("argument", "environment", "expected"),
    [
        (None, None, HOSTED),
        (None, MINE, MINE),
        (MINE, None, MINE),
        (MINE, OTHER, MINE),
        (None, "", HOSTED),
        ("", OTHER, OTHER),
        (OTHER, None, OTHER),
    ],
)
@pytest.mark.parametrize("end", ["", "/"])
def test_address(
    side: Side,
    monkeypatch: pytest.MonkeyPatch,
    argument: str | None,
    environment: str | None,
    expected: str,
    end: str,
) -> None:
    if environment is not None:
        monkeypatch.setenv("WRIFTAI_API_BASE_URL", environment and environment + end)
    assert seen(side, argument and argument + end).url == f"{expected}/user"


@pytest.mark.parametrize("name", ["api_base_url", "WRIFTAI_API_BASE_URL"])
@pytest.mark.parametrize("address", ["127.0.0.1:1/v1", "hub.example/v1", "/v1", " "])
def test_an_address_without_a_scheme_is_refused_by_its_name(
    monkeypatch: pytest.MonkeyPatch, name: str, address: str
) -> None:
    monkeypatch.setenv("WRIFTAI_API_BASE_URL", MINE if name == "api_base_url" else address)
    with pytest.raises(
        ValueError, match=rf"^{name} is no address of a hub: begin it with http:// or https://\.$"
    ):
        Client(address if name == "api_base_url" else None)


@pytest.mark.parametrize("end", ["", "/"])
@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/models", f"{OTHER}/models"),
        ("models", f"{OTHER}/models"),
        ("/models?cursor=a%2Fb", f"{OTHER}/models?cursor=a%2Fb"),
        (f"{OTHER}/models?cursor=c2", f"{OTHER}/models?cursor=c2"),
    ],
)
def test_paths_are_relative_to_the_address_and_addresses_of_pages_are_whole(
    side: Side, path: str, expected: str, end: str
) -> None:
    hub = ScriptedHub(Reply({}))
    client = Client(OTHER + end, client_options={"transport": httpx.MockTransport(hub.answer)})
    side.call(client.api.request, "GET", path)
    side.collect(client.api.stream, path)
    assert [str(request.url) for request in hub.requests] == [expected] * 2


@pytest.mark.parametrize(
    ("argument", "environment", "expected"),
    [
        ("mine", None, "Bearer mine"),
        ("mine", "other", "Bearer mine"),
        (None, "other", "Bearer other"),
        (None, "other\n", "Bearer other"),
        (None, None, None),
        (None, "", None),
        (None, " ", None),
        ("", "other", None),
    ],
)
def test_token(
    side: Side,
    monkeypatch: pytest.MonkeyPatch,
    argument: str | None,
    environment: str | None,
    expected: str | None,
) -> None:
    if environment is not None:
        monkeypatch.setenv("WRIFTAI_ACCESS_TOKEN", environment)
    assert seen(side, MINE, argument).headers.get("authorization") == expected


@pytest.mark.parametrize("token", ["se\ncret", "se cret", "s\u00e9cret", "secret\udcff", "se\x7fcret"])
@pytest.mark.parametrize("name", ["access_token", "WRIFTAI_ACCESS_TOKEN"])
def test_a_token_that_no_header_can_hold_is_named_and_not_shown(
    monkeypatch: pytest.MonkeyPatch, token: str, name: str
) -> None:
    if name == "access_token":
        monkeypatch.setenv("WRIFTAI_ACCESS_TOKEN", "other")
    else:
        monkeypatch.setenv(name, token)
    with pytest.raises(ValueError, match=f"^{name} is no token: ") as caught:
        Client(MINE, token if name == "access_token" else None)
    assert "cret" not in str(caught.value)


@pytest.mark.parametrize("value", ["se\ncret", "s\u00e9cret", b"s\xe9cret", " secret", "secret\t"])
def test_a_header_that_cannot_be_sent_is_named_and_not_shown(value: str | bytes) -> None:
    with pytest.raises(ValueError, match=r"^The header X-Mine cannot be sent: ") as caught:
        Client(MINE, client_options={"headers": {"X-Mine": value}})
    assert "cret" not in str(caught.value)


def test_settings_are_read_when_the_client_is_made(side: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WRIFTAI_API_BASE_URL", MINE)
    monkeypatch.setenv("WRIFTAI_ACCESS_TOKEN", "first")
    hub = ScriptedHub(Reply({}))
    client = Client(client_options={"transport": httpx.MockTransport(hub.answer)})
    monkeypatch.setenv("WRIFTAI_API_BASE_URL", OTHER)
    monkeypatch.setenv("WRIFTAI_ACCESS_TOKEN", "second")
    side.call(client.authenticated_user.get)
    assert hub.requests[0].url == f"{MINE}/user"
    assert hub.requests[0].headers["authorization"] == "Bearer first"


def test_the_user_agent_names_the_release(side: Side) -> None:
    assert seen(side, MINE).headers["user-agent"] == f"wriftai-python/{wriftai.__version__}"


@pytest.mark.parametrize("name", ["User-Agent", "user-agent", "USER-AGENT"])
def test_the_caller_may_name_another_user_agent(side: Side, name: str) -> None:
    assert seen(side, MINE, headers={name: "mine/1"}).headers.get_list("user-agent") == ["mine/1"]


@pytest.mark.parametrize("name", ["Authorization", "authorization", "AUTHORIZATION"])
def test_the_caller_may_send_other_credentials(side: Side, name: str) -> None:
    request = seen(side, MINE, "token", headers={name: "Basic mine"})
    assert request.headers.get_list("authorization") == ["Basic mine"]


@pytest.mark.parametrize(
    ("value", "sent"),
    [("a text\tof it", "a text\tof it"), ("", ""), (b"bytes", "bytes"), (7, "7"), (1.5, "1.5")],
    ids=repr,
)
def test_headers_of_any_plain_value_are_sent(side: Side, value: object, sent: str) -> None:
    assert seen(side, MINE, headers={"X-Mine": value}).headers["x-mine"] == sent


@pytest.mark.parametrize("name", ["X-Mine", "User-Agent"])
def test_a_header_of_none_is_as_good_as_not_given(side: Side, name: str) -> None:
    assert seen(side, MINE, headers={name: None}).headers == seen(side, MINE).headers


def test_the_callers_headers_are_not_written_to(side: Side) -> None:
    headers = {"X-Mine": "1"}
    seen(side, MINE, "token", headers=headers)
    assert headers == {"X-Mine": "1"}


@pytest.mark.parametrize("options", [{}, {"timeout": None}], ids=["absent", "none"])
def test_each_part_of_a_request_has_ten_seconds_by_default(side: Side, options: dict[str, Any]) -> None:
    parts = seen(side, MINE, **options).extensions["timeout"]
    assert set(parts) == {"connect", "read", "write", "pool"}
    assert all(9 < seconds <= 10 for seconds in parts.values())


def test_the_caller_may_set_the_timeout_of_each_part(side: Side) -> None:
    parts = seen(side, MINE, timeout=httpx.Timeout(100, connect=50)).extensions["timeout"]
    assert 49 < parts.pop("connect") <= 50
    assert all(99 < seconds <= 100 for seconds in parts.values())


def test_the_caller_may_wait_for_ever(side: Side) -> None:
    parts = seen(side, MINE, timeout=httpx.Timeout(None)).extensions["timeout"]
    assert set(parts.values()) == {None}


def test_a_part_without_a_timeout_is_bounded_by_nothing(side: Side) -> None:
    parts = seen(side, MINE, timeout=httpx.Timeout(100, read=None)).extensions["timeout"]
    assert parts == {"connect": 100, "read": None, "write": 100, "pool": 100}


def test_only_what_was_given_is_sent(side: Side) -> None:
    request = seen(side, MINE)
    own = {"user-agent", "accept"}
    of_http = {"host", "accept-encoding", "connection"}
    assert set(request.headers) == own | of_http
    assert request.url.query == b""
    assert request.content == b""
