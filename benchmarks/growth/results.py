"""Growth, measured: the rows, the tables behind them, and the curves."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from benchmarks import folder, memory
from benchmarks.growth import creating, curves, hubs, mlflow, rounds, starting, tables, verdicts, whole, workers
from benchmarks.growth.hubs import POSTGRESQL, SQLITE, Hub
from benchmarks.growth.mlflow import Registry
from benchmarks.machine import LOAD_CORE, on_core
from benchmarks.report import Row, at_least, reported
from benchmarks.scale import Growth
from benchmarks.spread import in_turn, spread
from tests.hubs import run

_IMPORTED = 10_000
_MANY = 100_000
_OVER_REGISTRY = 10.0
_RATE = "{:,.0f}/s"
_SECONDS = "{:.1f} s"


class Results(NamedTuple):
    """What was found.

    Attributes:
        rows: Of the table of targets.
        tables: That are behind them.
        curves: SVG, by name.
    """

    rows: list[Row]
    tables: list[str]
    curves: dict[str, str]


def measure(scale: Growth, place: Path, kept_in: Path, say: Callable[[str], None]) -> Results:
    """Measure all there is to measure.

    Args:
        scale: How much.
        place: A folder for copies, which are used up.
        kept_in: Where filled folders are kept.
        say: Is told what is going on.
    """
    copies = place / "copies"
    copies.mkdir()
    with ExitStack() as stack:
        say(f"Filling hubs with {', '.join(f'{size:,}' for size in scale.sizes)} models, and starting them")
        served = stack.enter_context(hubs.serving(scale.sizes, copies, kept_in))
        registries = []
        for size in scale.registry_sizes:
            say(f"Filling and starting MLflow with {size:,} models")
            registries.append(stack.enter_context(mlflow.serving(size, copies, kept_in)))
        if not stack.enter_context(memory.held(copies)):
            say("The system does not let files be held in memory: some may come from the disk")
        with on_core(LOAD_CORE):
            say("Calling all of them in turn")
            found = rounds.measure(served, registries, scale, place)
            rows = verdicts.verdicts(found, scale.sizes)
            say("Reading whole registries, and creating models")
            rows += _whole(served, registries, scale)
            rows += creating.measure(served, scale)
    say("Importing")
    rows.append(_importing(scale, place))
    say("Starting hubs with an index of search, and without")
    rows += starting.measure(served, scale)
    say("Driving two processes of a hub")
    rows += workers.measure(scale, place, kept_in)
    return Results(rows, tables.tables(found), curves.curves(found))


def _whole(served: list[Hub], registries: list[Registry], scale: Growth) -> list[Row]:
    """Read all models of the hubs that are as large as the largest registry, or else of the largest hubs."""
    size = registries[-1].size if registries else scale.sizes[-1]
    sides = {hub.database: whole.of_hub(hub.server).take for hub in served if hub.size == size}
    found = in_turn(sides, scale.walks)
    what = f"All of {size:,} models in pages of 100"
    rows = [
        reported(f"{what} on {database}", spread(found[database]), _SECONDS) for database in (SQLITE, POSTGRESQL)
    ]
    if registries:
        theirs = whole.of_registry(registries[-1].server).take()
        over = spread(theirs / each for each in found[SQLITE])
        rows.insert(0, at_least(f"{what} by {mlflow.NAME}: time, over ours", over, _OVER_REGISTRY, "{:.1f}"))
        rows.append(reported(f"{what} by {mlflow.NAME}", spread([theirs]), _SECONDS))
    return rows


def _importing(scale: Growth, place: Path) -> Row:
    """Import a catalogue into a folder where there is only a user; more than 100,000 models say no more."""
    size = min(scale.sizes[-1], _MANY)
    data = place / "importing"
    run("users", "create", "someone", data_dir=data)
    rate = spread([size / folder.imported(data, size)])
    return at_least(f"wriftai-server import of {size:,} models", rate, _IMPORTED, _RATE)
