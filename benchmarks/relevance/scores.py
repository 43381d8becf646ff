"""From what was found to numbers: where the first right answer stands."""

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from benchmarks.relevance.engines import Engine
from benchmarks.relevance.judgments import Judgment, Model

DEPTH = 10


class Outcome(NamedTuple):
    """What an engine found for a query.

    Attributes:
        judgment: What was asked, and wanted.
        found: Names, best first.
        rank: Of the first right answer, from 1; None when there is none among the first `DEPTH`.
    """

    judgment: Judgment
    found: Sequence[str]
    rank: int | None


class Score(NamedTuple):
    """How good many answers are.

    Attributes:
        queries: How many were asked.
        reciprocal_rank: Mean of one over the rank, with 0 for none.
        first: Share of the queries whose first result is right.
    """

    queries: int
    reciprocal_rank: float
    first: float


def rank(found: Sequence[str], answers: Collection[str]) -> int | None:
    """Say where the first right answer stands, from 1; None when it is not among the first `DEPTH`."""
    return next((place for place, name in enumerate(found[:DEPTH], 1) if name in answers), None)


def score(ranks: Iterable[int | None]) -> Score:
    """Sum up ranks, of which there is at least one."""
    places = list(ranks)
    parts = [1 / place if place else 0.0 for place in places]
    return Score(len(places), sum(parts) / len(places), places.count(1) / len(places))


def ask(engine: Engine, judgments: Iterable[Judgment], models: Sequence[Model]) -> list[Outcome]:
    """Put each query to an engine."""
    outcomes = []
    for judgment in judgments:
        found = engine.find(judgment.q, DEPTH)
        outcomes.append(Outcome(judgment, found, rank(found, judgment.answers(models))))
    return outcomes


def sweep(engine: Engine, typed: Iterable[tuple[str, str]]) -> Score:
    """Type names exactly, and look where each stands; of each there is what is typed, and the name."""
    return score(rank(engine.find(q, DEPTH), {name}) for q, name in typed)
