"""What a worker and the queue say to each other of an attempt to run a prediction."""

from typing import Literal, NamedTuple

from wriftai.predictions import Status, TaskError


class WaitingVersion(NamedTuple):
    """A version that predictions wait for.

    Attributes:
        version_id: UUID.
        since: When the one that has waited longest was created, in ISO 8601, in UTC.
    """

    version_id: str
    since: str


class Claim(NamedTuple):
    """A prediction that a worker holds.

    Attributes:
        id: UUID.
        attempt: From 1 on; it never comes again.
        worker: Who holds it.
        user_id: UUID of its creator.
        model_id: UUID.
        version_id: UUID.
        input: JSON.
        has_webhook: Whether its creator is told of changes.
    """

    id: str
    attempt: int
    worker: str
    user_id: str
    model_id: str
    version_id: str
    input: str
    has_webhook: bool = False

    @property
    def attempt_id(self) -> str:
        """The id and the attempt, parted by a slash: unique among the attempts of all predictions."""
        return f"{self.id}/{self.attempt}"


class Held(NamedTuple):
    """A prediction whose lease was renewed.

    Attributes:
        id: UUID.
        attempt: Number of the one that counts, from 1 on.
        worker: Who holds it.
    """

    id: str
    attempt: int
    worker: str

    @property
    def attempt_id(self) -> str:
        """As that of the claim, so that the two can be told to be of one attempt."""
        return f"{self.id}/{self.attempt}"


class Event(NamedTuple):
    """Something that a run says on its way.

    Attributes:
        kind: `setup_log` for what is said while the version is loaded, `log` for lines that are printed later,
            `output` for a piece of the output.
        data: A line without its end, or a piece as JSON.
    """

    kind: Literal["setup_log", "log", "output"]
    data: str


class Outcome(NamedTuple):
    """How a run ended.

    Attributes:
        status: A final one.
        output: JSON; None unless it succeeded.
        error: None unless it failed.
        setup_seconds: What loading the version took; None when it was loaded already.
        execution_seconds: What the run took; None when it did not begin.
    """

    status: Status
    output: str | None = None
    error: TaskError | None = None
    setup_seconds: float | None = None
    execution_seconds: float | None = None
