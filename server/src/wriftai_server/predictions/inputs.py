"""Inputs of predictions: what violates the schema of its version is refused, with each violation."""

from collections.abc import Iterable
from functools import partial

import msgspec

from wriftai_server.http.problems import Fault, Malformed, malformed
from wriftai_server.inspection.inspector import LIMITS, Inspector, NeedsInspection
from wriftai_server.predictions.validation import Violation, find_violations, find_violations_quickly


def check(schemas: str, text: str) -> None:
    """Check an input.

    Args:
        schemas: Those of a version, as they are stored.
        text: The input, as JSON.

    Raises:
        Malformed: It does not fit; the first faults, each with its place.
        NeedsInspection: That is not to be found out here.
    """
    found = find_violations_quickly(schemas, text)
    if found is None:
        raise NeedsInspection(partial(_inspect, schemas=schemas, text=text), schemas=schemas)
    _refuse(found)


async def _inspect(inspector: Inspector, caller: str, *, schemas: str, text: str) -> None:
    """Check an input that takes long.

    Args:
        inspector: Holds it against the schema.
        caller: Id of the user who sent it.
        schemas: Those of a version, as they are stored.
        text: The input, as JSON.

    Raises:
        Malformed: It does not fit, or that cannot be found out in time.
        Problem: 429, too many of the caller's are waiting.
    """
    answer = await inspector.call(caller, find_violations, schemas, text)
    if answer is None:
        msg = (
            f"To check this input takes longer than {LIMITS}: make it simpler, or leave that to the model with "
            "the header 'Validate-Input: false'."
        )
        raise malformed("body", "input", msg=msg, type="input_too_costly")
    _refuse(msgspec.json.decode(answer, type=list[Violation]))


def _refuse(found: Iterable[Violation]) -> None:
    faults = [Fault(("body", "input", *path), f"{words}.", "input_invalid") for path, words in found]
    if faults:
        raise Malformed(faults)
