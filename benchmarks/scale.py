"""How much is measured, and for how long."""

from typing import NamedTuple


class Growth(NamedTuple):
    """How far the catalogue grows, and how long it is measured.

    Attributes:
        sizes: Numbers of models, from few to many.
        registry_sizes: Of the registry of others; without any it is not run.
        rounds: Of all calls to all sides.
        seconds: How long one side is asked by one caller before it is another's turn.
        load_rounds: Of what is driven by many callers.
        load_seconds: How long one side is driven before it is another's turn.
        walks: How often a whole registry is read.
        starts: How often a hub is started.
    """

    sizes: tuple[int, ...]
    registry_sizes: tuple[int, ...]
    rounds: int
    seconds: float
    load_rounds: int
    load_seconds: float
    walks: int
    starts: int


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
        settled_seconds: How long a hub is left alone before it is seen at rest.
        backlog: Predictions that wait in the hub that has many.
        claims: Predictions claimed a round.
        growth: What grows with the catalogue.
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
    settled_seconds: float
    backlog: int
    claims: int
    growth: Growth


_SMALL, _MEDIUM, _LARGE = 1_000, 100_000, 1_000_000

FULL = Scale(
    models=_MEDIUM,
    names=25_000,
    rounds=50,
    page_rounds=11,
    slice_seconds=0.12,
    starts=15,
    call_rounds=20,
    calls=200,
    prediction_rounds=11,
    prediction_seconds=1.0,
    settled_seconds=2.0,
    backlog=100_000,
    claims=200,
    growth=Growth((_SMALL, _MEDIUM), (_SMALL, _MEDIUM), 7, 0.12, 7, 1.0, 3, 3),
)
LARGE = Growth((_SMALL, _MEDIUM, _LARGE), (_SMALL, _MEDIUM), 5, 0.15, 5, 1.0, 2, 3)
QUICK = Scale(
    models=_SMALL,
    names=200,
    rounds=2,
    page_rounds=1,
    slice_seconds=0.02,
    starts=2,
    call_rounds=2,
    calls=20,
    prediction_rounds=1,
    prediction_seconds=0.2,
    settled_seconds=0.1,
    backlog=1_000,
    claims=20,
    growth=Growth((_SMALL,), (), 1, 0.01, 1, 0.1, 1, 1),
)
