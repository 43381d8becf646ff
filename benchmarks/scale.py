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
    """

    models: int
    names: int
    rounds: int
    page_rounds: int
    slice_seconds: float
    starts: int
    call_rounds: int
    calls: int


FULL = Scale(100_000, 25_000, 75, 15, 0.12, 25, 30, 200)
QUICK = Scale(1_000, 200, 2, 1, 0.05, 2, 2, 20)
