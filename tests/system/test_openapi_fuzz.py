"""The hub keeps to its OpenAPI document, whatever it is sent."""

import itertools
from collections.abc import Iterator
from typing import Any

import httpx
import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck
from schemathesis import Case, checks
from schemathesis.checks import load_all_checks
from schemathesis.core.parameters import ParameterLocation

from tests.hubs import Hub
from tests.server.runs import hold_image
from tests.system.folders import add_user, bearer
from tests.system.payloads import VERSION, model
from wriftai_server.app import V1
from wriftai_server.web import openapi

document = schemathesis.openapi.from_dict(openapi.document(V1, "/v1"))
# Tokens come from the tests, so that it is known whether they are valid.
document.config.generation.update(with_security_parameters=False)

load_all_checks()
LEFT_OUT = [
    # Litestar's own OPTIONS tells only the first method of a path.
    checks.allow_header_conformance,
    # These follow links between operations, which the document does not declare; what they look for is tested
    # with all kinds of callers in test_authorization.py.
    checks.ensure_resource_availability,
    checks.object_level_authorization,
    checks.use_after_free,
    # On a busy machine it would fail by chance.
    checks.max_response_time,
]


def bounded(examples: int) -> hypothesis.settings:
    return hypothesis.settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
    )


ANY_INPUT = VERSION | {"schemas": {"prediction": {"input": {}, "output": {}}}}

_numbers = itertools.count()


class Owner:
    """Someone with a model, so that requests find what they ask for.

    Args:
        hub: Real.
        http: Carries the requests that make models.
    """

    name = "fuzzer"

    def __init__(self, hub: Hub, http: httpx.Client) -> None:
        self.address = hub.address
        self.data_dir = hub.data_dir
        self.headers = bearer(add_user(hub.data_dir, self.name))
        # Whoever changes the username is someone else: paths go on to lead to the owner.
        self.renamed = bearer(add_user(hub.data_dir, "renamed"))
        self.http = http
        self.places = self.publish()
        self.called: set[str] = set()
        self.succeeded: set[str] = set()

    def publish(self) -> dict[str, Any]:
        """Create a model with two versions and a cancelled prediction; give all that a path can hold of them."""
        name = f"fuzzed-{next(_numbers)}"
        made = self._post("/v1/models", model(name, visibility="public"))
        first, _ = (self._post(f"/v1/models/{self.name}/{name}/versions", ANY_INPUT) for _ in range(2))
        hold_image(self.data_dir, made["id"], ANY_INPUT["container_image_digest"])
        prediction = self._post(f"/v1/versions/{first['id']}/predictions", {"input": None})
        # Streams of what is cancelled end at once.
        self._post(f"/v1/predictions/{prediction['id']}/cancel", None)
        return {
            "owner": self.name,
            "username": self.name,
            "name": name,
            "number": first["number"],
            "version_id": first["id"],
            "prediction_id": prediction["id"],
        }

    def token(self, case: Case[Any]) -> dict[str, str]:
        return self.renamed if case.path == "/v1/user" else self.headers

    def note(self, case: Case[Any], status: int) -> None:
        """Keep in mind which operations succeed."""
        self.called.add(case.operation.label)
        if 200 <= status < 300:
            self.succeeded.add(case.operation.label)

    def _post(self, path: str, body: Any) -> Any:
        answer = self.http.post(f"{self.address}{path}", json=body, headers=self.headers)
        assert answer.is_success
        return answer.json()


@pytest.fixture(scope="module")
def owner(hub: Hub) -> Iterator[Owner]:
    with httpx.Client() as http:
        owner = Owner(hub, http)
        yield owner
        assert owner.succeeded == owner.called


def fill_in(case: Case[Any], owner: Owner) -> None:
    """Put in what only the hub can tell, where the case does not mean to be wrong.

    A document cannot say which names exist, which hardware there is, what is a JSON Schema, which addresses are
    public, which cursors and events were given out and which idempotency keys were used.
    """
    assert case.meta is not None
    if case.path_parameters and not case.meta.is_negative_at(ParameterLocation.PATH):
        # What others change would be missing, and a version that others add has no image.
        is_fresh = case.method in ("DELETE", "PATCH") or case.path == "/v1/models/{owner}/{name}/predictions"
        places = owner.publish() if is_fresh else owner.places
        case.path_parameters.update({name: places[name] for name in case.path_parameters})
    if case.meta.generation.mode.is_negative:
        return
    for given in ("cursor", "after_id"):
        case.query.pop(given, None)
    case.headers.pop("Last-Event-ID", None)
    if "Idempotency-Key" in case.headers:
        case.headers["Idempotency-Key"] = f"{next(_numbers)}{case.headers['Idempotency-Key']}"[:255]
    if isinstance(case.body, dict):
        known = {
            "hardware_identifier": "cpu",
            "schemas": VERSION["schemas"],
            "model": "{owner}/{name}:{number}".format(**owner.places),
            "webhook_url": "https://example.com/hook",
        }
        case.body.update({name: value for name, value in known.items() if name in case.body})


@document.parametrize()
@bounded(15)
def test_signed_in_callers_get_what_is_documented(case: Case[Any], owner: Owner) -> None:
    fill_in(case, owner)

    answer = case.call_and_validate(owner.address, headers=owner.token(case), excluded_checks=LEFT_OUT)

    assert case.meta is not None
    if case.meta.generation.mode.is_negative:
        return
    owner.note(case, answer.status_code)
    page = answer.json() if answer.headers["content-type"] == ["application/json"] else None
    if page and page.get("next_cursor"):
        case.query["cursor"] = page["next_cursor"]
        following = case.call_and_validate(owner.address, headers=owner.token(case), excluded_checks=LEFT_OUT)
        assert following.json()["previous_cursor"]


@document.parametrize()
@bounded(8)
def test_anonymous_callers_get_what_is_documented(case: Case[Any], owner: Owner) -> None:
    fill_in(case, owner)

    case.call_and_validate(owner.address, excluded_checks=LEFT_OUT)


def test_the_hub_serves_the_document(hub: Hub) -> None:
    answer = httpx.get(f"{hub.url}/openapi.json")

    assert answer.json() == document.raw_schema
