"""`python -m benchmarks`: measure, print, and end well whatever was found."""

import argparse
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import client, folder, gets, pages, predictions, report
from benchmarks.machine import LOAD_CORE, on_core, shape
from benchmarks.scale import FULL, QUICK, Scale
from benchmarks.servers import both
from benchmarks.spread import spread


def main() -> None:
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="small and short, to see that it runs; measures nothing"
    )
    parser.add_argument("--write", action="store_true", help="put the results into docs/benchmarks/README.md too")
    arguments = parser.parse_args()
    if arguments.quick and arguments.write:
        parser.error("what --quick measures is not worth keeping: leave out one of the two")
    text = results(QUICK if arguments.quick else FULL)
    print(text)
    if arguments.write:
        report.keep(text)


def results(scale: Scale) -> str:
    """Measure all there is to measure, and write it down."""
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="wriftai-bench-") as place:
        _say(f"Filling a hub with {scale.models:,} models")
        filled = folder.make(Path(place) / "data", scale.models)
        _say("Starting it, and the floor beside it")
        with both(filled, scale.names) as servers, on_core(LOAD_CORE):
            _say("Driving single gets")
            rows = gets.measure(servers, scale)
            _say("Driving pages")
            page_rows, listings = pages.measure(servers, scale)
            _say("Importing and calling the client")
            rows += [*page_rows, *client.measure(servers, scale)]
        _say("Running predictions beside the servers of others")
        prediction_rows, served = predictions.measure(Path(place), scale)
        rows += prediction_rows
    rate = scale.models / filled.import_seconds
    rows.append(report.reported(f"wriftai-server import of {scale.models:,} models", spread([rate]), "{:,.0f}/s"))
    minutes = (time.perf_counter() - started) / 60
    return "\n\n".join(
        [
            f"On {datetime.now(UTC):%Y-%m-%d}, in {minutes:.1f} minutes: {shape()}.",
            report.table(report.HEAD, [row.cells() for row in rows]),
            report.table(predictions.DETAILS, [each.cells() for each in served]),
            report.table(pages.DETAILS, [listing.cells() for listing in listings]),
        ]
    )


def _say(what: str) -> None:
    print(f"{what} …", flush=True)


if __name__ == "__main__":
    main()
