"""What many rounds say together."""

import random
import statistics
from collections.abc import Callable, Iterable, Mapping
from itertools import product
from typing import NamedTuple, TypeVar

K = TypeVar("K")
S = TypeVar("S")
T = TypeVar("T")


class Spread(NamedTuple):
    """A median, and the bounds of the middle half of what it is the median of."""

    median: float
    low: float
    high: float


def spread(values: Iterable[float]) -> Spread:
    """Sum up the values of some rounds."""
    known = list(values)
    low, median, high = statistics.quantiles(known, n=4, method="inclusive") if len(known) > 1 else known * 3
    return Spread(median, low, high)


def ratio(above: Iterable[float], below: Iterable[float]) -> Spread:
    """Sum up the ratios of two sides, each within its round: whatever slows a whole round slows both."""
    return spread(a / b for a, b in zip(above, below, strict=True))


def in_turn(sides: Mapping[str, Callable[[], T]], rounds: int) -> dict[str, list[T]]:
    """Measure sides in turn, and give what each gave.

    Args:
        sides: What to call, by name.
        rounds: How often.
    """
    return groups_in_turn({"": sides}, rounds)[""]


def groups_in_turn(groups: Mapping[K, Mapping[S, Callable[[], T]]], rounds: int) -> dict[K, dict[S, list[T]]]:
    """Measure groups in turn, and within each its sides; give what each gave.

    The order of the sides is drawn anew each time, because what runs feels what ran before it.

    Args:
        groups: What to call, by name; the sides of a group are measured one right after the other.
        rounds: How often.
    """
    chance = random.Random(0)
    found: dict[K, dict[S, list[T]]] = {group: {name: [] for name in sides} for group, sides in groups.items()}
    for _, (group, sides) in product(range(rounds), groups.items()):
        for name in chance.sample(list(sides), len(sides)):
            found[group][name].append(sides[name]())
    return found
