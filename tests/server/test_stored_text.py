"""Text that not every database can hold is found nowhere, and is never a failure."""

import base64
import json
from typing import Any

import pytest

from tests.images import MANIFEST_TYPE, descriptor
from tests.server.people import Person
from tests.server.registry import add_repository, refusal
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


def test_an_idempotency_key_with_text_that_cannot_be_stored(ada: Person) -> None:
    sent = {"name": "once", "hardware_identifier": "cpu"}
    first, second, other = (
        ada.send("POST", "/models", json=sent, headers={"Idempotency-Key": key}) for key in ("a\0", "a\0", "a")
    )
    assert (first.status_code, second.status_code, other.status_code) == (201, 201, 409)
    assert second.json() == first.json()


def test_a_manifest_with_text_that_cannot_be_stored(ada: Person) -> None:
    repository = add_repository(ada)
    repository.push(b"content")
    odd = descriptor("x/\0", b"content") | {"annotations": {"\0": "\0"}}
    some: list[dict[str, Any]] = [{}, {"subject": odd}, {"artifactType": "\0"}]
    for number, more in enumerate(some):
        manifest = json.dumps({"schemaVersion": 2, "config": odd, "layers": [odd], **more}).encode()
        refusal(repository.push_manifest(manifest, "odd", f"{MANIFEST_TYPE}\0"), 400, "MANIFEST_INVALID")
        assert repository.push_manifest(manifest, f"odd-{number}").status_code == 201
        assert repository.send("GET", f"manifests/odd-{number}").content == manifest
    (about,) = repository.send("GET", f"referrers/{odd['digest']}").json()["manifests"]
    assert about["artifactType"] == "x/\0"
    assert repository.send("GET", "manifests/a%00b").status_code in (400, 404)
