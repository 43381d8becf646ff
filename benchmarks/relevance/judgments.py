"""What people type, and which models answer it."""

import json
import re
import tomllib
from collections.abc import Iterable
from fnmatch import translate
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.catalogue import REAL

FILE = Path(__file__).with_name("judgments.toml")


class Model(NamedTuple):
    """What is searched.

    Attributes:
        name: Without its owner.
        description: As in the catalogue.
    """

    name: str
    description: str


class Judgment(NamedTuple):
    """A query, and what makes a model a right answer.

    Attributes:
        kind: Of query.
        q: Is typed.
        wants: What the person hopes to see, in words.
        names: With `*` for anything; a right answer's name fits one of them. Empty where any name will do.
        says: Phrases, all of which are in the description of a right answer.
    """

    kind: str
    q: str
    wants: str
    names: tuple[str, ...]
    says: tuple[str, ...]

    def answers(self, models: Iterable[Model]) -> frozenset[str]:
        """Give the names of the models that are right answers."""
        fits = re.compile("|".join(map(translate, self.names)), re.IGNORECASE).match
        named = [model for model in models if fits(model.name)]
        phrases = [phrase.casefold() for phrase in self.says]
        if not phrases:
            return frozenset(model.name for model in named)
        told = ((model.name, model.description.casefold()) for model in named)
        return frozenset(name for name, description in told if all(phrase in description for phrase in phrases))


def read(file: Path = FILE) -> list[Judgment]:
    """Read judgments, in the order of the file.

    Raises:
        TypeError: A line lacks what a judgment needs, or has what it cannot have.
        ValueError: A line accepts every model.
    """
    kinds = tomllib.loads(file.read_text(encoding="utf-8"))
    return [_judgment(kind, **line) for kind, lines in kinds.items() for line in lines]


def catalogue() -> list[Model]:
    """Read the real models that are searched."""
    lines = REAL.read_text(encoding="utf-8").splitlines()
    return [Model(model["name"], model["description"]) for model in map(json.loads, lines)]


def _judgment(kind: str, *, q: str, wants: str, names: Any = (), says: Any = ()) -> Judgment:
    if not names and not says:
        raise ValueError(f"{q!r} accepts every model: give it names, or what a description says")
    return Judgment(kind, q, wants, tuple(names), tuple(says))
