"""A catalogue of any size, made of the words of the real one."""

import json
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

REAL = Path(__file__).parents[1] / "demo" / "catalogue" / "models.jsonl"

_PRIVATE = 0.05
_UNDESCRIBED = 0.03
_URLS = ("source_url", "license_url", "paper_url")


def models(count: int, chance: random.Random) -> Iterator[dict[str, Any]]:
    """Make models, as `wriftai-server import` takes them, with names that differ.

    Names are put together from the parts of real names; descriptions from the paragraphs of real ones, so they
    have the real lengths.

    Args:
        count: How many.
        chance: Decides everything, so the same seed makes the same catalogue.
    """
    real = [json.loads(line) for line in REAL.read_text(encoding="utf-8").splitlines()]
    parts = [part for model in real for part in re.split(r"[._-]", model["name"]) if part]
    taken = set[str]()
    for _ in range(count):
        model = chance.choice(real)
        yield {
            "name": _name(parts, taken, chance),
            "hardware_identifier": "cpu",
            "visibility": "private" if chance.random() < _PRIVATE else "public",
            **({} if chance.random() < _UNDESCRIBED else {"description": _description(real, chance)}),
            **{url: model[url] for url in _URLS if url in model},
        }


def owners(count: int, chance: random.Random) -> list[str]:
    """Make usernames that differ."""
    return [f"{chance.choice(('lab', 'team', 'ada', 'kim', 'noor', 'zoe'))}-{number}" for number in range(count)]


def _name(parts: list[str], taken: set[str], chance: random.Random) -> str:
    name = chance.choice("-_.").join(chance.choices(parts, k=chance.randint(2, 5)))
    if name.lower() in taken:
        name = f"{name}-{len(taken)}"
    taken.add(name.lower())
    return name


def _description(real: list[dict[str, Any]], chance: random.Random) -> str:
    three = (chance.choice(real)["description"].split("\n\n")[place] for place in range(3))
    return "\n\n".join(three)
