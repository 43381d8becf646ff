"""The same words on both sides: what the hub takes and gives, and what the client declares."""

from pathlib import Path
from typing import Any, get_args, get_type_hints, is_typeddict

import msgspec
import pytest

from tests.server.people import Person
from tests.server.runs import Worker, add_runnable, run
from tests.server.samples import add_model, add_version
from wriftai.authenticated_user import UpdateUserParams
from wriftai.common_types import Hardware, SchemaIO, Schemas, User, Version
from wriftai.hardware import HardwareWithDetails
from wriftai.models import CreateModelParams, Model, UpdateModelParams
from wriftai.pagination import PaginatedResponse
from wriftai.predictions import (
    CreatePredictionParams,
    ErrorSource,
    Prediction,
    PredictionWithIO,
    Status,
    TaskError,
)
from wriftai.versions import CreateVersionParams
from wriftai_server.models.bodies import CreateModel, UpdateModel
from wriftai_server.predictions.bodies import CreatePrediction, CreatePredictionOf
from wriftai_server.predictions.claims import Event, Outcome
from wriftai_server.users.bodies import UpdateUser
from wriftai_server.versions.bodies import CreateVersion, SchemaPair, SchemaSet


@pytest.mark.parametrize(
    ("body", "params"),
    [
        (CreateModel, CreateModelParams),
        (UpdateModel, UpdateModelParams),
        (UpdateUser, UpdateUserParams),
        (CreateVersion, CreateVersionParams),
        (SchemaSet, Schemas),
        (SchemaPair, SchemaIO),
    ],
)
def test_bodies_have_the_fields_that_the_client_sends(body: type[msgspec.Struct], params: Any) -> None:
    fields = msgspec.structs.fields(body)
    assert {field.name for field in fields if field.required} == params.__required_keys__
    assert {field.name for field in fields if not field.required} == params.__optional_keys__


@pytest.mark.parametrize(("body", "more"), [(CreatePrediction, set()), (CreatePredictionOf, {"model"})])
def test_predictions_are_made_of_what_the_client_sends(body: type[msgspec.Struct], more: set[str]) -> None:
    fields = msgspec.structs.fields(body)
    assert {field.name for field in fields if field.required} == CreatePredictionParams.__required_keys__ | more
    # It travels as a header.
    optional = CreatePredictionParams.__optional_keys__ - {"validate_input"}
    assert {field.name for field in fields if not field.required} == optional


@pytest.mark.parametrize(
    ("body", "params"),
    [(UpdateModel, UpdateModelParams), (UpdateUser, UpdateUserParams), (CreateModel, CreateModelParams)],
)
def test_null_is_taken_where_the_client_may_send_it(body: type[msgspec.Struct], params: Any) -> None:
    for name, kind in get_type_hints(params).items():
        (field,) = (field for field in msgspec.structs.fields(body) if field.name == name)
        if type(None) in get_args(kind):
            assert msgspec.convert(None, field.type) is None
        else:
            with pytest.raises(msgspec.ValidationError):
                msgspec.convert(None, field.type)


def keys(kind: Any, value: Any) -> None:
    """Check that a value has just the keys of its type, and so have those in it."""
    declared: Any = next(filter(is_typeddict, (kind, *get_args(kind))), None)
    if declared is not None and value is not None:
        assert set(value) == declared.__required_keys__ | declared.__optional_keys__
        for name, inner in get_type_hints(declared).items():
            keys(inner, value[name])


@pytest.fixture
def model(ada: Person) -> Any:
    """Add a model with a version, and with nothing left out."""
    name = add_model(
        ada,
        description="Full.",
        visibility="public",
        **{f"{what}_url": "https://example.org" for what in ("source", "license", "paper")},
    )["name"]
    add_version(ada, name)
    return ada.send("GET", f"/models/{ada.name}/{name}").json()


def without_number(version: dict[str, Any]) -> dict[str, Any]:
    """Leave out what the hub tells beyond the published fields."""
    assert isinstance(version["number"], int)
    return {name: value for name, value in version.items() if name != "number"}


def test_models(ada: Person, model: Any) -> None:
    bare = add_model(ada)
    assert bare["latest_version"] is None
    listed = ada.send("GET", f"/models/{ada.name}").json()["items"]
    found = ada.send("GET", "/search/models", params={"q": model["name"]}).json()["items"]
    mine = ada.send("GET", "/user/models").json()["items"]
    changed = ada.send("PATCH", f"/models/{ada.name}/{model['name']}", json={"description": "Changed."}).json()
    everything: list[Any] = [bare, model, *listed, *found, *mine, changed]
    for shown in everything:
        latest = shown["latest_version"]
        keys(Model, {**shown, "latest_version": None if latest is None else without_number(latest)})


def test_versions(ada: Person, model: Any) -> None:
    path = f"/models/{ada.name}/{model['name']}/versions"
    created = add_version(ada, model["name"])
    by_number = ada.send("GET", f"{path}/1").json()
    by_id = ada.send("GET", f"/versions/{created['id']}").json()
    for shown in (created, by_number, by_id, *ada.send("GET", path).json()["items"]):
        keys(Version, without_number(shown))


def test_users(ada: Person) -> None:
    changed = ada.send("PATCH", "/user", json={"urls": ["https://example.org"], "bio": "Full."}).json()
    found = ada.send("GET", "/search/users", params={"q": ada.name}).json()["items"]
    assert found
    one = ada.send("GET", f"/users/{ada.name}").json()
    for shown in (
        changed,
        one,
        ada.send("GET", "/user").json(),
        *found,
        *ada.send("GET", "/users").json()["items"],
    ):
        keys(User, shown)


def test_hardware(ada: Person, model: Any) -> None:
    (cpu, *_) = ada.send("GET", "/hardware").json()["items"]
    keys(HardwareWithDetails, cpu)
    keys(Hardware, model["hardware"])
    assert model["hardware"] == {"name": cpu["name"], "identifier": cpu["identifier"]}


def test_predictions(ada: Person, folder: Path) -> None:
    prediction = run(ada, add_runnable(ada, folder))
    worker, error = Worker(folder), TaskError(source=ErrorSource.internal, message="Full.", detail={"full": True})
    claim = worker.claim(prediction)
    worker.say(claim, Event("setup_log", "loading"), Event("log", "running"))
    worker.finish(claim, Outcome(Status.failed, error=error, setup_seconds=1, execution_seconds=2))
    for shown in (prediction, ada.send("GET", f"/predictions/{prediction['id']}").json()):
        keys(PredictionWithIO, shown)
    (listed,) = ada.send("GET", "/predictions").json()["items"]
    keys(Prediction, listed)
    assert listed["error"] == error


@pytest.mark.parametrize(
    "path", ["/models", "/users", "/hardware", "/user/models", "/search/models?q=", "/predictions"]
)
def test_pages(ada: Person, path: str) -> None:
    assert list(ada.send("GET", path).json()) == list(PaginatedResponse.__dataclass_fields__)
