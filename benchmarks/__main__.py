"""`python -m benchmarks`: measure, print, and end well whatever was found."""

import argparse
import tempfile
import time
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import client, folder, gets, pages, predictions, report
from benchmarks.environments import CACHE
from benchmarks.growth import results as growth
from benchmarks.machine import LOAD_CORE, on_any_core, on_core, shape
from benchmarks.scale import FULL, LARGE, QUICK, Scale
from benchmarks.servers import both

_FILLED = CACHE / "filled"
_MILLION = report.PAGES / "million.md"


def main() -> None:
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="small and short, to see that it runs; measures nothing"
    )
    parser.add_argument(
        "--large", action="store_true", help="only what grows with the catalogue, up to a million models"
    )
    parser.add_argument("--write", action="store_true", help="put the results into docs/benchmarks too")
    arguments = parser.parse_args()
    if arguments.quick and (arguments.write or arguments.large):
        parser.error("what --quick measures is not worth keeping, and it has no large form: leave it out")
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="wriftai-bench-") as place:
        if arguments.large:
            tables, curves = _growing(Path(place))
        else:
            curves = dict[str, str]()
            with on_any_core() if arguments.quick else nullcontext():
                tables = _all(QUICK if arguments.quick else FULL, Path(place), quick=arguments.quick)
    minutes = (time.perf_counter() - started) / 60
    head = f"On {datetime.now(UTC):%Y-%m-%d}, in {minutes:.1f} minutes: {shape()}."
    text = "\n\n".join([head, *tables])
    print(text)
    if arguments.write:
        _keep(text, curves)


def _keep(text: str, curves: dict[str, str]) -> None:
    """Put results into their page: those of many models have curves, and a page of their own."""
    if not curves:
        report.keep(text)
        return
    report.keep(text, page=_MILLION, command="python -m benchmarks --large --write")
    for name, drawing in curves.items():
        (report.PAGES / f"{name}.svg").write_text(drawing, encoding="utf-8")


def _growing(place: Path) -> tuple[list[str], dict[str, str]]:
    """Measure what grows with the catalogue; give the tables and the curves."""
    grown = growth.measure(LARGE, place, _FILLED, _say)
    return [report.table(report.HEAD, [row.cells() for row in grown.rows]), *grown.tables], grown.curves


def _all(scale: Scale, place: Path, *, quick: bool) -> list[str]:
    """Measure all there is to measure, and write it down."""
    kept_in = place / "filled" if quick else _FILLED
    _say(f"Filling a hub with {scale.models:,} models")
    filled = folder.take(place / "data", scale.models, kept_in)
    _say("Starting it, and the floor beside it")
    with both(filled, scale.names) as servers, on_core(LOAD_CORE):
        _say("Driving single gets")
        rows = gets.measure(servers, scale)
        _say("Driving pages")
        page_rows, listings = pages.measure(servers, scale)
        _say("Importing and calling the client")
        rows += [*page_rows, *client.measure(servers, scale)]
    _say("Running predictions beside the servers of others")
    prediction_rows, served = predictions.measure(place, scale)
    grown = growth.measure(scale.growth, place, kept_in, _say)
    return [
        report.table(report.HEAD, [row.cells() for row in (*rows, *prediction_rows, *grown.rows)]),
        report.table(predictions.DETAILS, [each.cells() for each in served]),
        report.table(pages.DETAILS, [listing.cells() for listing in listings]),
        *grown.tables,
    ]


def _say(what: str) -> None:
    print(f"{what} …", flush=True)


if __name__ == "__main__":
    main()
