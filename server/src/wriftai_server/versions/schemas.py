"""JSON Schemas of versions: draft 2020-12, and whole in themselves."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import msgspec

from wriftai_server.http.problems import Fault, Malformed
from wriftai_server.inspection.inspector import LIMITS, Inspector, NeedsInspection
from wriftai_server.versions.validators import SchemaError, find_error, is_quick

_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_MOST_KIB = 64

_Place = tuple[str | int, ...]


def check(schemas: Mapping[str, Mapping[str, Any]], *loc: str) -> None:
    """Check that values can be held against schemas.

    Args:
        schemas: By the last part of their places.
        loc: The parts before it.

    Raises:
        Malformed: One fault for each schema that cannot be used.
        NeedsInspection: Of some that is not to be found out here.
    """
    faults: list[Fault] = []
    costly: dict[_Place, str] = {}
    for name, schema in schemas.items():
        place, encoded = (*loc, name), msgspec.json.encode(schema)
        text = encoded.decode()
        if schema.get("$schema", _DRAFT) not in (_DRAFT, f"{_DRAFT}#"):
            faults.append(Fault(place, f"The schema must be of the draft {_DRAFT}.", "schema_draft"))
        elif len(encoded) > _MOST_KIB * 1024:
            msg = f"A schema may have {_MOST_KIB} KiB at most, as JSON: make it shorter."
            faults.append(Fault(place, msg, "schema_too_large"))
        elif not is_quick(text):
            costly[place] = text
        elif found := find_error(text):
            faults.append(_fault(place, found))
    if costly:
        raise NeedsInspection(partial(_inspect, faults=faults, schemas=costly))
    if faults:
        raise Malformed(faults)


async def _inspect(
    inspector: Inspector, caller: str, *, faults: Sequence[Fault], schemas: Mapping[_Place, str]
) -> None:
    """Compile the schemas that take long.

    Args:
        inspector: Compiles them.
        caller: Id of the user who sent them.
        faults: Of the other schemas.
        schemas: As JSON, by their places.

    Raises:
        Malformed: One fault for each schema that cannot be used, or not be compiled in time.
        Problem: 429, too many of the caller's are waiting.
    """
    faults = list(faults)
    for place, text in schemas.items():
        answer = await inspector.call(caller, find_error, text)
        if answer is None:
            msg = (
                f"To compile this schema takes longer than {LIMITS}: make it simpler, with fewer references and "
                "patterns."
            )
            faults.append(Fault(place, msg, "schema_too_large"))
        elif found := msgspec.json.decode(answer, type=SchemaError | None):
            faults.append(_fault(place, found))
    if faults:
        raise Malformed(faults)


def _fault(place: _Place, found: SchemaError) -> Fault:
    if found.is_reference:
        msg = f"A reference must lead to a place in the schema itself, nothing is fetched: {found.words}."
        return Fault(place, msg, "schema_reference")
    return Fault((*place, *found.path), f"This is not a JSON Schema: {found.words}", "schema_invalid")
