"""HEAD: what GET would answer, without the body."""

import httpx
import pytest

from tests.hubs import Hub
from tests.server.people import People, Person


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/models", 200),
        ("/v1/models?page_size=0", 422),
        ("/v1/users/nobody-has-this", 404),
        ("/v1/user", 401),
        ("/v1/nothing", 404),
        ("/v1/docs", 200),
        ("/", 302),
        ("/healthz", 200),
        ("/static/style.css", 200),
    ],
)
def test_the_answer_is_that_of_get_without_the_body(anyone: Person, path: str, status: int) -> None:
    got, headed = (anyone.send(method, f"http://hub.test{path}") for method in ("GET", "HEAD"))
    assert (headed.status_code, headed.content) == (status, b"")
    own = {"x-request-id": ""}
    assert {**headed.headers, **own} == {**got.headers, **own}


def test_a_connection_goes_on_behind_it(shared_hub: Hub, shared_people: People) -> None:
    ada = shared_people.add()
    with httpx.Client(base_url=shared_hub.url) as http:
        for _ in range(3):
            assert int(http.head(f"/users/{ada.name}").headers["content-length"]) > 0
            assert http.get(f"/users/{ada.name}").json()["username"] == ada.name
