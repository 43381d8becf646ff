"""What a load balancer and a browser ask first."""

import httpx
import pytest

from tests.server.command import invoke
from tests.server.people import Person


def test_a_hub_that_is_well(anyone: Person) -> None:
    reply = anyone.send("GET", "http://hub.test/healthz")
    assert reply.status_code == 200
    assert reply.json() == {"status": "ok", "version": invoke("--version").stdout.strip()}


def test_the_front_door_leads_to_the_reference(anyone: Person) -> None:
    reply = anyone.send("GET", "http://hub.test/")
    assert reply.is_redirect
    assert reply.headers["location"] == "/v1/docs"
    assert anyone.send("GET", httpx.URL("http://hub.test").join(reply.headers["location"])).status_code == 200


def test_the_style_sheet(anyone: Person) -> None:
    reply = anyone.send("GET", "http://hub.test/static/style.css")
    assert reply.status_code == 200
    assert reply.headers["content-type"].startswith("text/css")
    assert "max-age" in reply.headers["cache-control"]
    assert "{" in reply.text


@pytest.mark.parametrize("path", ["/static/", "/static/other.css", "/static/..%2fapp.py", "/schema", "/docs"])
def test_nothing_else_is_served(anyone: Person, path: str) -> None:
    reply = anyone.send("GET", f"http://hub.test{path}")
    assert reply.status_code == 404
    assert reply.json() == {
        "detail": "There is nothing at this address: paths of the API begin with /v1, and /v1/docs lists them."
    }
