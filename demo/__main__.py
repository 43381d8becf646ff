"""`make demo`: a hub, a catalogue of real models, models that run, and what a person does with them."""

import sys
from pathlib import Path
from time import perf_counter

from demo import predictions, registry
from demo.hub import temporary_hub
from demo.show import title
from wriftai import Client

CATALOGUE = Path(__file__).parent / "catalogue" / "models.jsonl"


def main() -> None:
    """Show it all, from an empty folder to the errors that a person meets."""
    started = perf_counter()
    title("A hub on an empty folder")
    with temporary_hub() as hub:
        print(f"It listens on {hub.address}; its folder goes away with this demonstration.")
        tokens = {name: hub.command("users", "create", name) for name in ("timm", "ada")}
        print("Users timm and ada have their tokens, printed once and stored as hashes.")
        title("Importing a catalogue, while the hub runs")
        hub.command("import", str(CATALOGUE), "--owner", "timm")
        with Client(hub.url, tokens["ada"]) as ada, Client(hub.url) as anonymous:
            registry.find(ada)
            registry.walk(ada)
            registry.own(ada, anonymous)
            registry.versions(ada)
            registry.refusals(ada, anonymous)
            predictions.push(hub, tokens["ada"])
            predictions.call(ada)
            predictions.follow(ada)
            predictions.fail(ada)
            predictions.cancel(ada)
            predictions.count(ada)
    title("Done")
    print(f"All of it took {perf_counter() - started:.1f} s. `make serve` keeps a hub running.")


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # standard output is text
    main()
