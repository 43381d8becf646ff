"""Inputs, held against the schemas of versions."""

from collections.abc import Iterable

import msgspec

from wriftai_server.http.problems import Fault, Malformed, malformed
from wriftai_server.inspection.inspector import LIMITS, Inspector
from wriftai_server.predictions.misfits import Misfit, misfits, quick_misfits


class Costly(Exception):
    """To hold this input against this schema may take long: `inspect` does it, in no transaction.

    Attributes:
        schemas: Those of the version, as they are stored.
        text: The input, as JSON.
    """

    def __init__(self, schemas: str, text: str) -> None:
        super().__init__()
        self.schemas = schemas
        self.text = text


def check(schemas: str, text: str) -> None:
    """Check an input.

    Args:
        schemas: Those of a version, as they are stored.
        text: The input, as JSON.

    Raises:
        Malformed: It does not fit; the first faults, each with its place.
        Costly: That is not to be found out here.
    """
    found = quick_misfits(schemas, text)
    if found is None:
        raise Costly(schemas, text)
    _refuse(found)


async def inspect(inspector: Inspector, caller: str, costly: Costly) -> None:
    """Check an input that takes long.

    Args:
        inspector: Holds it against the schema.
        caller: Id of the user who sent it.
        costly: What `check` raised.

    Raises:
        Malformed: It does not fit, or that cannot be found out in time.
        Problem: 429, too many of the caller's are waiting.
    """
    answer = await inspector.call(caller, misfits, costly.schemas, costly.text)
    if answer is None:
        msg = (
            f"To check this input takes longer than {LIMITS}: make it simpler, or leave that to the model with "
            "the header 'Validate-Input: false'."
        )
        raise malformed("body", "input", msg=msg, type="input_too_costly")
    _refuse(msgspec.json.decode(answer, type=list[Misfit]))


def _refuse(found: Iterable[Misfit]) -> None:
    faults = [Fault(("body", "input", *path), f"{words}.", "input_invalid") for path, words in found]
    if faults:
        raise Malformed(faults)
