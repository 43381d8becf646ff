"""Every route says who may call it."""

import pytest
from litestar import Litestar, Router, get, post

from wriftai_server.http.rules import anyone, check_rules, signed_in


@get("/open", before_request=anyone)
async def open_to_all() -> str:
    """Answer everyone."""
    return "open"


@post("/closed", before_request=signed_in)
async def closed() -> str:
    """Answer users."""
    return "closed"


@get("/forgotten")
async def forgotten() -> str:
    """Answer nobody knows whom."""
    return "forgotten"


@get("/homemade", before_request=lambda _request: None)
async def homemade() -> str:
    """Answer by a rule of its own."""
    return "homemade"


def test_routes_with_a_rule_can_be_built() -> None:
    check_rules(Litestar([open_to_all, closed], openapi_config=None).routes)


@pytest.mark.parametrize("handler", [forgotten, homemade])
def test_a_route_without_one_of_the_rules_cannot_be_built(handler: object) -> None:
    routes = Litestar([open_to_all, Router("/v1", route_handlers=[closed, handler])], openapi_config=None).routes  # type: ignore[list-item]  # a handler
    with pytest.raises(RuntimeError, match="does not say who may call it: give it a rule"):
        check_rules(routes)
