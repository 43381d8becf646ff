"""A catalogue of any size, made of the words of the real one.

python -m benchmarks.catalogue COUNT [SEED] > models.jsonl
"""

import json
import random
import re
import sys
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

REAL = Path(__file__).parents[1] / "demo" / "catalogue" / "models.jsonl"

_MODELS_PER_OWNER = 50
_LARGEST_OWNER = 0.05
_PRIVATE = 0.1
_UNDESCRIBED = 0.03
_FORKED = 0.1
_TAIL = 0.8
_OWNERS = ("lab", "team", "ada", "kim", "noor", "zoe", "vision", "speech", "institute", "group")
_URLS = ("source_url", "license_url", "paper_url")
_SENTENCE = re.compile(r"(?<=\.) (?=[A-Z])")


class Line(NamedTuple):
    """A model as `wriftai-server import` takes it.

    Attributes:
        owner: Username of who has it.
        name: That no other model of the owner has.
        text: JSON with both, and with the rest.
    """

    owner: str
    name: str
    text: str


class _Words(NamedTuple):
    """What models are put together from; texts are JSON already, because writing that takes longest.

    Attributes:
        names: Of the real models, cut where one word ends and the next begins.
        first: Sentences that say what a model is, for each real model.
        others: Sentences that say more.
        urls: Members of the object, for each real model.
    """

    names: list[list[str]]
    first: list[str]
    others: list[str]
    urls: list[str]


def lines(count: int, seed: int = 0) -> Iterator[Line]:
    """Make models of owners few of whom have many.

    Nine names in ten are the beginning of one real name and the end of another; the rest are real names, which so
    many owners have, as forks are called after what they come from. Descriptions are sentences of real ones.

    Args:
        count: How many.
        seed: The same one makes the same catalogue.
    """
    chance = random.Random(f"{count} {seed}")
    words = _read()
    who = owners(count)
    weights = list(accumulate(_weights(len(who))))
    numbers = range(len(words.names))
    taken = set[tuple[str, str]]()
    for _ in range(count):
        owner = chance.choices(who, cum_weights=weights)[0]
        kind, other = chance.choice(numbers), chance.choice(numbers)
        name = _name(words.names[kind], words.names[other], chance)
        if (owner, name.lower()) in taken:
            name = f"{name[:100]}-{len(taken)}"
        taken.add((owner, name.lower()))
        visibility = "private" if chance.random() < _PRIVATE else "public"
        said = "" if chance.random() < _UNDESCRIBED else _description(words, kind, chance)
        text = (
            f'{{"owner":"{owner}","name":"{name}","hardware_identifier":"cpu","visibility":"{visibility}"'
            f"{said}{words.urls[other]}}}"
        )
        yield Line(owner, name, text)


def owners(count: int) -> list[str]:
    """Give the usernames of those who share so many models; the first has the most."""
    number = max(1, count // _MODELS_PER_OWNER)
    return [f"{_OWNERS[place % len(_OWNERS)]}-{place + 1}" for place in range(number)]


def _weights(number: int) -> list[float]:
    """Let the first have its share, where that is more than any other has, and the others less and less."""
    tail = [rank**-_TAIL for rank in range(2, number + 1)]
    return [max(1, _LARGEST_OWNER / (1 - _LARGEST_OWNER) * sum(tail)), *tail]


def _read() -> _Words:
    real: list[dict[str, Any]] = [json.loads(line) for line in REAL.read_text(encoding="utf-8").splitlines()]
    first, others = list[str](), list[str]()
    for model in real:
        opening, *rest = (
            json.dumps(sentence)[1:-1]
            for paragraph in model["description"].split("\n\n")
            for sentence in _SENTENCE.split(paragraph)
        )
        first.append(opening)
        others.extend(rest)
    urls = [
        "".join(f",{json.dumps(url)}:{json.dumps(model[url])}" for url in _URLS if url in model) for model in real
    ]
    return _Words([re.findall(r"[._-]?[^._-]+", model["name"]) for model in real], first, others, urls)


def _name(first: list[str], second: list[str], chance: random.Random) -> str:
    if chance.random() < _FORKED:
        return "".join(first)
    cut = 1 + int(chance.random() * len(first))
    begun, ended = first[:cut], second[-(1 + int(chance.random() * len(second))) :]
    if ended[0][0] not in "._-":
        ended = ["-", *ended]
    return "".join((*begun, *ended))[:128]


def _description(words: _Words, kind: int, chance: random.Random) -> str:
    more = [chance.choice(words.others) for _ in range(3)]
    return f',"description":"{words.first[kind]} {more[0]}\\n\\n{more[1]} {more[2]}"'


if __name__ == "__main__":
    for line in lines(*map(int, sys.argv[1:])):
        sys.stdout.write(f"{line.text}\n")
