"""What was seen of a hub from outside, and how that outlives whoever saw it."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple, TypeVar


class Sent(NamedTuple):
    """Someone sends a request that creates a prediction; there may be no answer.

    Attributes:
        key: In the input, which no other prediction has.
        idempotency_key: Of the request.
        sender: Id of the process that sends it.
    """

    key: str
    idempotency_key: str
    sender: int


class Accepted(NamedTuple):
    """The hub has said that it took a prediction.

    Attributes:
        key: In the input.
        prediction_id: As the hub answered.
    """

    key: str
    prediction_id: str


class Cancelled(NamedTuple):
    """Someone wants a prediction to be stopped.

    Attributes:
        prediction_id: UUID.
        answered: When the hub had agreed; infinite while it has not.
    """

    prediction_id: str
    answered: float


class Seen(NamedTuple):
    """The hub has said how a prediction stands.

    Attributes:
        prediction_id: UUID.
        asked: When the question left, or before, on the clock of `answered`.
        answered: When the answer was there.
        status: Of the prediction.
        result: Its output and error, as JSON.
    """

    prediction_id: str
    asked: float
    answered: float
    status: str
    result: str


class Said(NamedTuple):
    """The hub has passed on what a run says.

    Attributes:
        prediction_id: UUID.
        attempt: Which run.
        marker: What it says.
    """

    prediction_id: str
    attempt: int
    marker: str


class Change(NamedTuple):
    """A webhook for a change of status.

    Attributes:
        id: Of the delivery.
        prediction_id: UUID.
        status: The new one.
    """

    id: int
    prediction_id: str
    status: str


Fact = Sent | Accepted | Cancelled | Seen | Said | Change
F = TypeVar("F", bound=Fact)

_KINDS: dict[str, type[Fact]] = {kind.__name__: kind for kind in (Sent, Accepted, Cancelled, Seen, Said, Change)}


class History:
    """What was seen.

    Args:
        facts: To begin with; those of one who saw them are in order.

    Attributes:
        facts: All of them.
    """

    def __init__(self, facts: Iterable[Fact] = ()) -> None:
        self.facts = list(facts)

    def note(self, fact: Fact) -> None:
        self.facts.append(fact)

    def of(self, kind: type[F]) -> list[F]:
        """Give the facts of one kind."""
        return [fact for fact in self.facts if isinstance(fact, kind)]


class Diary(History):
    """What one saw, in a file; what was noted is there, even if the process is killed the moment after.

    Whoever takes the place of one who was killed goes on with the same file. A last line that was not written to
    its end was not noted.

    Args:
        path: Of the file, which need not be there yet.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("a+b", buffering=0)
        self._file.seek(0)
        whole, newline, _ = self._file.read().rpartition(b"\n")
        self._file.truncate(len(whole + newline))
        lines = map(json.loads, whole.splitlines())
        super().__init__(_KINDS[name](*values) for name, *values in lines)

    def note(self, fact: Fact) -> None:
        self._file.write(json.dumps([type(fact).__name__, *fact]).encode() + b"\n")
        super().note(fact)

    def close(self) -> None:
        self._file.close()


def result(output: str | None, error: str | None) -> str:
    """Write the output and error of a prediction, both JSON or None, so that they can be compared."""
    return json.dumps([json.loads(part) if part else None for part in (output, error)], sort_keys=True)
