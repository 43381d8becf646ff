"""Text that not every database can hold is found nowhere, and is never a failure."""

import base64
import json

import pytest

from tests.server.people import Person
from tests.server.samples import add_model


@pytest.mark.parametrize("path", ["/models/a%00b/c", "/users/a%00b", "/predictions/%00"])
def test_nothing_has_a_name_that_cannot_be_stored(ada: Person, path: str) -> None:
    assert ada.send("GET", path).status_code == 404


def test_a_cursor_with_text_that_cannot_be_stored(ada: Person) -> None:
    for name in ("a", "b"):
        add_model(ada, name)
    cursor = ada.client.authenticated_user.models({"page_size": 1}).next_cursor or ""
    made_for, backward, (moment, last) = json.loads(base64.urlsafe_b64decode(cursor + "=="))
    forged = json.dumps([made_for, backward, [moment, f"{last}\0"]]).encode()
    reply = ada.send("GET", f"/user/models?cursor={base64.urlsafe_b64encode(forged).decode().rstrip('=')}")
    assert reply.status_code == 200
