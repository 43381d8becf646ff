"""Build `models.jsonl`, a catalogue of real models, from what timm ships.

Run `python demo/catalogue/build.py` to write the file and add `--check` to
only compare it. timm is installed into a temporary environment, without its
dependencies, and only its source text is read.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # so that it runs as a script too

from demo.catalogue.rules import Rules
from demo.catalogue.timm_source import Entry, read_entries
from demo.catalogue.wording import describe

HERE = Path(__file__).resolve().parent
LOCK = HERE / "requirements.lock"
OUTPUT = HERE / "models.jsonl"
NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,127})")
LONGEST_DESCRIPTION = 10_000
SHORTEST_DESCRIPTION = 60


def install_timm(folder: Path) -> Path:
    """Install the locked timm, and nothing else, below a folder.

    Args:
        folder: An empty folder for the environment.

    Returns:
        The folder that holds the package `timm` and its metadata.
    """
    venv.create(folder / "venv", with_pip=True)
    python = folder / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
    target = folder / "site"
    options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes"]
    options += ["--only-binary=:all:", "--target", str(target), "--requirement", str(LOCK)]
    subprocess.run([str(python), "-m", "pip", "install", *options], check=True)
    return target


def citing_texts(site: Path, entries: list[Entry]) -> list[str]:
    """Gather the texts in which timm cites papers.

    Args:
        site: The folder that holds timm and its metadata.
        entries: What was read from the package.

    Returns:
        The docstrings of the modules and timm's README, in a fixed order.
    """
    readmes = [path.read_text(encoding="utf-8") for path in site.glob("timm-*/METADATA")]
    modules = {entry.module: entry.module_doc for entry in entries}
    return [*(modules[name] for name in sorted(modules)), *readmes]


def record(entry: Entry, rules: Rules) -> dict[str, str]:
    """Make the parameters that create one model.

    Args:
        entry: The weights.
        rules: The tables to word it with.

    Returns:
        The parameters; those without a known value are left out.
    """
    paper = rules.weights_paper(entry) or rules.architecture_paper(entry)
    parameters = {
        "name": entry.name,
        "hardware_identifier": "cpu",
        "visibility": "public",
        "description": describe(entry, rules),
        "source_url": entry.source_url,
        "license_url": rules.licence(entry).get("url", ""),
        "paper_url": paper.url if paper else "",
    }
    return {key: value for key, value in parameters.items() if value}


def verify(records: list[dict[str, str]]) -> None:
    """Check the constraints that the service puts on models.

    Args:
        records: The parameters of all models.

    Raises:
        ValueError: If a record breaks a constraint or a name occurs twice.
    """
    for one in records:
        urls = [value for key, value in one.items() if key.endswith("_url")]
        right_size = SHORTEST_DESCRIPTION <= len(one["description"]) <= LONGEST_DESCRIPTION
        sound = all(re.fullmatch(r"https?://[^\s/]+/\S*", url) for url in urls)
        if not (NAME.fullmatch(one["name"]) and right_size and sound):
            raise ValueError(f"not a valid model: {one}")
    if len({one["name"].lower() for one in records}) != len(records):
        raise ValueError("two models have the same name")


def build() -> str:
    """Build the catalogue.

    Returns:
        One JSON object a line, sorted by name.
    """
    with tempfile.TemporaryDirectory() as folder:
        site = install_timm(Path(folder))
        entries = read_entries(site / "timm" / "models")
        rules = Rules(HERE / "rules.toml", citing_texts(site, entries))
    records = [record(entry, rules) for entry in entries]
    verify(records)
    return "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in records)


def main() -> int:
    """Write the catalogue, or compare it with the committed one.

    Returns:
        The exit status: 1 if the committed file differs, else 0.
    """
    parser = argparse.ArgumentParser(description="Build models.jsonl from timm's sources.")
    parser.add_argument("--check", action="store_true", help="only compare, write nothing")
    check = parser.parse_args().check
    content = build().encode()
    if not check:
        OUTPUT.write_bytes(content)
        print(f"wrote {len(content.splitlines())} models to {OUTPUT.name}")
    elif not OUTPUT.exists() or OUTPUT.read_bytes() != content:
        print(f"{OUTPUT.name} is out of date; run: python demo/catalogue/build.py")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
