"""`python -m benchmarks.relevance`: ask, compare with what was wanted, and end well whatever was found."""

import argparse
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import cycle, groupby
from pathlib import Path

from benchmarks import report
from benchmarks.relevance.engines import OWNER, Engine, hub, peers
from benchmarks.relevance.judgments import Model, catalogue, read
from benchmarks.relevance.scores import DEPTH, Outcome, Score, ask, score, sweep
from benchmarks.report import Row, at_least, reported, table
from benchmarks.spread import spread

PAGE = Path(__file__).parents[2] / "docs" / "benchmarks" / "relevance.md"
OURS = "the hub"
_LEAST = 0.85
_AHEAD = 0.10
_HEAD = ("What", "Target", "Measured", "Target is")


def main() -> None:
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.relevance", description=__doc__)
    parser.add_argument(
        "--failures",
        action="store_true",
        help="print each query whose first result in the hub is not a right one",
    )
    parser.add_argument(
        "--write", action="store_true", help="put the results into docs/benchmarks/relevance.md too"
    )
    arguments = parser.parse_args()
    models = catalogue()
    with hub() as ours, peers(models) as others:
        outcomes, exact = {}, {}
        for name, engine in {OURS: ours, **others}.items():
            # One after the other, so that the connection to the hub is not left idle until it is closed.
            outcomes[name] = ask(engine, read(), models)
            exact[name] = _exact(engine, models)
    text = results(models, outcomes, exact)
    print(text)
    if arguments.failures:
        print(f"\n{failures(outcomes[OURS], models)}")
    if arguments.write:
        report.keep(text, page=PAGE, command="python -m benchmarks.relevance --write")


def results(
    models: Sequence[Model], outcomes: Mapping[str, Sequence[Outcome]], exact: Mapping[str, Score]
) -> str:
    """Write down how good the answers are: beside the targets, and by kind of query."""
    total = {name: score(each.rank for each in found) for name, found in outcomes.items()}
    asked = total[OURS].queries
    return "\n\n".join(
        [
            f"On {datetime.now(UTC):%Y-%m-%d}: {asked} queries, and {len(models):,} names typed exactly.",
            table(_HEAD, [_cells(row) for row in _targets(total, exact)]),
            table(_kinds_head(outcomes), _kinds(outcomes, total)),
        ]
    )


def failures(outcomes: Sequence[Outcome], models: Sequence[Model]) -> str:
    """List the queries whose first result is not a right one: what was wanted, where it was, what came first."""
    head = ("Query", "Wanted", "For example", "Is at", "Came first")
    missed = [outcome for outcome in outcomes if outcome.rank != 1]
    return table(
        head,
        [
            (
                f"`{each.judgment.q}`",
                each.judgment.wants,
                min(each.judgment.answers(models)),
                str(each.rank or "-"),
                next(iter(each.found), "nothing"),
            )
            for each in missed
        ],
    )


def _exact(engine: Engine, models: Sequence[Model]) -> Score:
    """Type each name in turn, and each second one with its owner in front."""
    prefixes = cycle(("", f"{OWNER}/"))
    return sweep(
        engine, [(f"{prefix}{model.name}", model.name) for prefix, model in zip(prefixes, models, strict=False)]
    )


def _targets(total: Mapping[str, Score], exact: Mapping[str, Score]) -> list[Row]:
    rows = [
        at_least(
            "Exact names and owner/names that come first", spread([100 * exact[OURS].first]), 100, "{:.1f}%"
        ),
        at_least(f"Mean reciprocal rank (of the first {DEPTH})", spread([total[OURS].reciprocal_rank]), _LEAST),
    ]
    others = [name for name in total if name != OURS]
    for name in others:
        ahead = total[OURS].reciprocal_rank - total[name].reciprocal_rank
        rows.append(at_least(f"… ahead of {name}", spread([ahead]), _AHEAD, "{:+z.2f}"))
    rows.append(reported("First result is a right one", spread([100 * total[OURS].first]), "{:.1f}%"))
    rows += [
        reported(
            f"{name}: exact names and owner/names that come first", spread([100 * exact[name].first]), "{:.1f}%"
        )
        for name in others
    ]
    return rows


def _cells(row: Row) -> tuple[str, ...]:
    """Leave out the rounds: asking again gives the same answer."""
    what, target, measured, _, verdict = row.cells()
    return what, target, measured, verdict


def _kinds_head(names: Mapping[str, object]) -> list[str]:
    return ["Kind of query", "Queries", *(f"{name}: {what}" for what in ("MRR", "first") for name in names)]


def _kinds(outcomes: Mapping[str, Sequence[Outcome]], total: Mapping[str, Score]) -> list[list[str]]:
    by_kind: dict[str, dict[str, Score]] = {}
    for name, found in outcomes.items():
        for kind, group in groupby(found, key=lambda outcome: outcome.judgment.kind):
            by_kind.setdefault(kind, {})[name] = score(each.rank for each in group)
    return [_line(kind, scores) for kind, scores in {**by_kind, "all": total}.items()]


def _line(kind: str, scores: Mapping[str, Score]) -> list[str]:
    ranks = [f"{each.reciprocal_rank:.2f}" for each in scores.values()]
    firsts = [f"{100 * each.first:.0f}%" for each in scores.values()]
    return [kind, str(scores[OURS].queries), *ranks, *firsts]


if __name__ == "__main__":
    main()
