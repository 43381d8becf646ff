"""How often a caller may call."""

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.server.conftest import inside
from tests.server.people import People, Person
from wriftai import RateLimitError

MINUTE = 29_000_000 * 60
LIMIT = 3


class Clock:
    """The time of day, which stands still unless it is set."""

    def __init__(self) -> None:
        self.seconds = MINUTE + 20.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "time", clock)
    return clock


@pytest.fixture
def people(tmp_path: Path, clock: Clock) -> Iterator[People]:
    """Give people on a hub with a limit."""
    with inside(tmp_path / "data", rate_limit=LIMIT) as people:
        yield people


def told(reply: httpx.Response) -> tuple[int, ...]:
    names = ("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset")
    assert [len(reply.headers.get_list(name)) for name in names] == [1, 1, 1]
    return tuple(int(reply.headers[name]) for name in names)


def test_replies_tell_what_is_left(ada: Person) -> None:
    assert [told(ada.send(method, "/user")) for method in ("GET", "HEAD", "GET")] == [
        (LIMIT, left, MINUTE + 60) for left in (2, 1, 0)
    ]


def test_one_too_many_is_refused_until_the_next_minute(ada: Person, clock: Clock) -> None:
    for _ in range(LIMIT):
        assert ada.send("GET", "/user").status_code == 200
    clock.seconds += 10.4
    for _ in range(2):
        reply = ada.send("GET", "/user")
        assert reply.status_code == 429
        assert reply.json() == {"detail": "At most 3 requests a minute: wait for the next minute."}
        assert told(reply) == (LIMIT, 0, MINUTE + 60)
        assert reply.headers["retry-after"] == "30"
        assert reply.headers["x-request-id"]
    with pytest.raises(RateLimitError, match="At most 3 requests a minute"):
        ada.client.authenticated_user.get()
    clock.seconds = MINUTE + 60.0
    assert told(ada.send("GET", "/user")) == (LIMIT, 2, MINUTE + 120)


def test_to_retry_after_no_time_at_all_is_never_told(ada: Person, clock: Clock) -> None:
    clock.seconds = MINUTE + 59.9
    replies = [ada.send("GET", "/user") for _ in range(LIMIT + 1)]
    assert replies[-1].headers["retry-after"] == "1"


def test_each_caller_has_a_count_of_their_own(ada: Person, bob: Person, anyone: Person) -> None:
    for _ in range(LIMIT + 1):
        ada.send("GET", "/user")
    assert told(bob.send("GET", "/user"))[1] == 2
    assert told(anyone.send("GET", "/users"))[1] == 2


def test_all_tokens_of_a_user_share_a_count(people: People, ada: Person) -> None:
    second = people.add_token(ada)
    assert [told(caller.send("GET", "/user"))[1] for caller in (ada, second, ada)] == [2, 1, 0]
    assert second.send("GET", "/user").status_code == 429


def test_refused_requests_count_too(ada: Person) -> None:
    assert told(ada.send("POST", "/models", content=b"{"))[1] == 2
    assert told(ada.send("GET", "/users/nobody-has-this"))[1] == 1
    assert told(ada.send("GET", "/models?page_size=0"))[1] == 0
    assert ada.send("GET", "/models").status_code == 429


def test_what_no_route_takes_counts_too(ada: Person, anyone: Person) -> None:
    for caller in (ada, anyone):
        for left, (method, path) in zip(
            (2, 1, 0), (("GET", "/nothing"), ("PUT", "/user"), ("HEAD", "/a//b")), strict=True
        ):
            reply = caller.send(method, path)
            assert (reply.status_code, told(reply)[1]) == (405 if method == "PUT" else 404, left)
        reply = caller.send("GET", "/nothing")
        assert (reply.status_code, told(reply)[1]) == (429, 0)
        assert int(reply.headers["retry-after"]) > 0


def test_guesses_of_tokens_count_where_no_route_is(people: People) -> None:
    guesser = people.known("", "nonsense")
    for left in (2, 1, 0):
        reply = guesser.send("GET", "/nothing")
        assert (reply.status_code, told(reply)[1]) == (401, left)
    assert guesser.send("GET", "/nothing").status_code == 429


def test_those_without_a_token_count_where_one_is_needed(anyone: Person) -> None:
    for left in (2, 1, 0):
        reply = anyone.send("GET", "/user")
        assert (reply.status_code, told(reply)[1]) == (401, left)
    assert anyone.send("GET", "/user").status_code == 429


def test_guesses_of_tokens_count(people: People) -> None:
    guesser = people.known("", "wriftai_aaaaaaaaaaaa_" + "a" * 43)
    for left in (2, 1, 0):
        reply = guesser.send("GET", "/user")
        assert (reply.status_code, told(reply)[1]) == (401, left)
    assert guesser.send("GET", "/user").status_code == 429
    assert people.anyone.send("GET", "/users").status_code == 429  # The same address.


@pytest.mark.parametrize("path", ["/", "/healthz", "/static/style.css"])
def test_what_is_the_same_for_everyone_asks_nobody_and_counts_for_nobody(people: People, path: str) -> None:
    guesser = people.known("", "nonsense")
    for caller in (people.anyone, guesser):
        for _ in range(LIMIT + 1):
            reply = caller.send("GET", f"http://hub.test{path}")
            assert reply.status_code < 400
            assert not [name for name in reply.headers if name.startswith("x-ratelimit")]
    assert told(people.anyone.send("GET", "/users"))[1] == 2


def test_there_are_no_limits_unless_they_are_set(shared_people: People) -> None:
    reply = shared_people.anyone.send("GET", "/models")
    assert not [name for name in reply.headers if name.startswith("x-ratelimit")]
