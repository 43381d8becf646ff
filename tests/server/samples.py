"""What tests fill a hub with."""

import uuid
from typing import Any

from tests.server.people import Person
from wriftai.common_types import Schemas
from wriftai.models import Model
from wriftai.versions import CreateVersionParams

SCHEMAS: Schemas = {"prediction": {"input": {"type": "object"}, "output": {"type": "integer"}}}


def new_name() -> str:
    """Make up a name that no model has."""
    return f"model-{uuid.uuid4().hex[:10]}"


def add_model(owner: Person, name: str | None = None, **params: Any) -> Model:
    """Add a model to a hub; the name is made up unless it is given."""
    created: Model = owner.client.api.request(
        "POST", "/models", {"name": name or new_name(), "hardware_identifier": "cpu", **params}
    )
    return created


def version_params(release_notes: str = "First weights.", digest: str = "a" * 64) -> CreateVersionParams:
    """Make the parameters of a version."""
    return {
        "release_notes": release_notes,
        "schemas": SCHEMAS,
        "container_image_digest": f"sha256:{digest}",
    }


def doubled(levels: int) -> dict[str, Any]:
    """Make a schema of which each level doubles the time and the memory that it takes to compile it."""
    defs: dict[str, Any] = {f"d{levels}": {}}
    for n in range(levels):
        defs[f"d{n}"] = {"unevaluatedProperties": False, "anyOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2}
    return {"$ref": "#/$defs/d0", "$defs": defs}


def add_version(owner: Person, model: str, release_notes: str = "First weights.") -> dict[str, Any]:
    """Add a version to a model of the owner; it comes with its number."""
    created: Any = owner.client.versions.create(owner.name, model, version_params(release_notes))
    version: dict[str, Any] = created
    return version
