"""All calls to all sides, in turn: the hubs, the floor, and the registry of others."""

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from benchmarks.growth import calls, mlflow
from benchmarks.growth.found import Found, Rounds, Side
from benchmarks.growth.hubs import Hub
from benchmarks.growth.mlflow import Registry
from benchmarks.growth.questions import questions
from benchmarks.growth.routes import routes
from benchmarks.growth.statements import statements
from benchmarks.posts import Call, drive_alone
from benchmarks.scale import Growth
from benchmarks.spread import groups_in_turn

ROUTE = "bare route"
STATEMENT = "bare statement"

Sides = dict[str, dict[Side, Callable[[], list[float]]]]


def measure(hubs: list[Hub], registries: list[Registry], scale: Growth, place: Path) -> Found:
    """Measure what reads, and then what writes, which makes the hubs larger.

    Args:
        hubs: Run.
        registries: Run.
        scale: How much.
        place: A folder for what the floor answers.
    """
    with ExitStack() as stack:
        reads, writes = Sides(), Sides()
        for hub in hubs:
            side = Side(hub.database, hub.size)
            _add(reads, side, calls.reading(hub), scale)
            _add(writes, side, calls.writing(hub), scale)
            floor = Side(f"{STATEMENT}, {hub.database}", hub.size)
            for call, timed in stack.enter_context(statements(hub)).items():
                known = writes if call in writes else reads
                known[call][floor] = partial(timed, scale.seconds)
        for each in registries:
            alike = next(hub for hub in hubs if hub.size == each.size)
            asked = [question for question in questions(alike.folder) if question.kind in mlflow.ASKED]
            _share(reads, writes, Side(mlflow.NAME, each.size), each.calls(asked), scale)
        floor = Side(ROUTE, 0)
        _share(reads, writes, floor, stack.enter_context(routes(hubs[0], place)), scale)
        rounds: dict[str, dict[Side, Rounds]] = groups_in_turn(reads, scale.rounds)
        rounds |= groups_in_turn(writes, scale.rounds)
    return Found(rounds)


def _add(sides: Sides, side: Side, asked: dict[str, Call], scale: Growth) -> None:
    for name, call in asked.items():
        sides.setdefault(name, {})[side] = partial(drive_alone, call, seconds=scale.seconds)


def _share(reads: Sides, writes: Sides, side: Side, asked: dict[str, Call], scale: Growth) -> None:
    _add(reads, side, {name: call for name, call in asked.items() if name not in writes}, scale)
    _add(writes, side, {name: call for name, call in asked.items() if name in writes}, scale)
