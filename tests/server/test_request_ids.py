"""The id that every reply carries."""

import pytest

from tests.server.people import Person


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/models"),
        ("GET", "/nothing"),
        ("GET", "/users/nobody-has-this"),
        ("PUT", "/models"),
        ("POST", "/models"),
        ("PATCH", "/user"),
        ("GET", "/models?page_size=0"),
        ("OPTIONS", "/models"),
        ("GET", "/openapi.json"),
        ("GET", "/docs"),
        ("GET", "http://hub.test/"),
        ("GET", "http://hub.test/healthz"),
        ("GET", "http://hub.test/static/style.css"),
        ("GET", "http://hub.test/avatars/none.svg"),
        ("GET", "http://hub.test/%2f%2F"),
    ],
)
def test_every_reply_has_one_of_its_own(anyone: Person, method: str, path: str) -> None:
    given = [anyone.send(method, path).headers.get_list("x-request-id") for _ in range(2)]
    assert [len(ids) for ids in given] == [1, 1]
    assert given[0] != given[1]
    assert all(ids[0].isalnum() for ids in given)


@pytest.mark.parametrize("sent", ["a", "Trace-1.2_3", "0" * 64])
def test_one_that_was_sent_comes_back(anyone: Person, sent: str) -> None:
    for path in ("/models", "/nothing"):
        reply = anyone.send("GET", path, headers={"X-Request-ID": sent})
        assert reply.headers.get_list("x-request-id") == [sent]


@pytest.mark.parametrize("sent", ["", " ", "a b", "a" * 65, 'a"b', "é", "a\tb", "<script>", "a,b", "{}"])
def test_one_that_is_not_sane_is_replaced(anyone: Person, sent: str) -> None:
    reply = anyone.send("GET", "/models", headers={"X-Request-ID": sent.encode("latin-1")})
    (given,) = reply.headers.get_list("x-request-id")
    assert given != sent
    assert given.isalnum()
