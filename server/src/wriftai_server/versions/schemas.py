"""JSON Schemas of versions: draft 2020-12, and whole in themselves."""

from collections.abc import Mapping
from typing import Any

import msgspec

from wriftai_server.http.problems import Fault, Malformed
from wriftai_server.inspection.inspector import LIMITS, Inspector
from wriftai_server.versions.validators import Flaw, flaw, is_quick

_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_MOST_KIB = 64

_Place = tuple[str | int, ...]


class Costly(Exception):
    """To compile some schemas may take long: `inspect` does it, in no transaction.

    Attributes:
        faults: Of the others.
        schemas: These, as JSON, by their places.
    """

    def __init__(self, faults: list[Fault], schemas: Mapping[_Place, str]) -> None:
        super().__init__()
        self.faults = faults
        self.schemas = schemas


def check(schemas: Mapping[str, Mapping[str, Any]], *loc: str) -> None:
    """Check that values can be held against schemas.

    Args:
        schemas: By the last part of their places.
        loc: The parts before it.

    Raises:
        Malformed: One fault for each schema that cannot be used.
        Costly: That is not to be found out here.
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
        elif found := flaw(text):
            faults.append(_fault(place, found))
    if costly:
        raise Costly(faults, costly)
    if faults:
        raise Malformed(faults)


async def inspect(inspector: Inspector, caller: str, costly: Costly) -> None:
    """Check the schemas that take long.

    Args:
        inspector: Compiles them.
        caller: Id of the user who sent them.
        costly: What `check` raised.

    Raises:
        Malformed: One fault for each schema that cannot be used, or not be compiled in time.
        Problem: 429, too many of the caller's are waiting.
    """
    faults = list(costly.faults)
    for place, text in costly.schemas.items():
        answer = await inspector.call(caller, flaw, text)
        if answer is None:
            msg = (
                f"To compile this schema takes longer than {LIMITS}: make it simpler, with fewer references and "
                "patterns."
            )
            faults.append(Fault(place, msg, "schema_too_large"))
        elif found := msgspec.json.decode(answer, type=Flaw | None):
            faults.append(_fault(place, found))
    if faults:
        raise Malformed(faults)


def _fault(place: _Place, found: Flaw) -> Fault:
    if found.is_reference:
        msg = f"A reference must lead to a place in the schema itself, nothing is fetched: {found.words}."
        return Fault(place, msg, "schema_reference")
    return Fault((*place, *found.path), f"This is not a JSON Schema: {found.words}", "schema_invalid")
