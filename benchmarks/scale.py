"""How much is measured, and for how long."""

from typing import NamedTuple


class Scale(NamedTuple):
    """How large the hub is, and how long it is measured.

    Attributes:
        models: In the hub.
        names: Models that single gets ask for, drawn at random.
        rounds: Of single gets.
        page_rounds: Of pages.
        slice_seconds: How long one side is driven before it is the other's turn.
        starts: Rounds of starting interpreters.
        call_rounds: Rounds of calls through the client.
        calls: Calls a round.
        prediction_rounds: Of predictions.
        prediction_seconds: How long one side is asked for them before it is the other's turn.
        backlog: Predictions that wait in the hub that has many.
        claims: Predictions claimed a round.
    """

    models: int
    names: int
    rounds: int
    page_rounds: int
    slice_seconds: float
    starts: int
    call_rounds: int
    calls: int
    prediction_rounds: int
    prediction_seconds: float
    backlog: int
    claims: int


FULL = Scale(100_000, 25_000, 75, 15, 0.12, 25, 30, 200, 15, 1.0, 100_000, 200)
QUICK = Scale(1_000, 200, 2, 1, 0.05, 2, 2, 20, 1, 0.2, 1_000, 20)
