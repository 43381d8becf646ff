"""What was measured: for each call and each side, the seconds of each answer, round by round."""

import statistics
from collections.abc import Iterable
from typing import NamedTuple

from benchmarks.spread import Spread, ratio, spread

Rounds = list[list[float]]


class Side(NamedTuple):
    """Who answers.

    Attributes:
        who: A database, the floor, or the registry of others.
        size: Number of models; 0 where it does not matter.
    """

    who: str
    size: int

    def __str__(self) -> str:
        return f"{self.who}, {self.size:,}" if self.size else self.who


class Found(NamedTuple):
    """What was measured.

    Attributes:
        rounds: By call, and side.
    """

    rounds: dict[str, dict[Side, Rounds]]

    def calls(self, kind: str) -> list[str]:
        """Give the calls of a kind."""
        return [call for call in self.rounds if call == kind or call.startswith(f"{kind}: ")]

    def sizes(self, who: str, call: str) -> list[int]:
        """Give the numbers of models that a side was measured with, in order."""
        return sorted(side.size for side in self.rounds[call] if side.who == who)

    def medians(self, call: str, side: Side) -> list[float]:
        """Give the median of each round, in milliseconds."""
        return [1e3 * statistics.median(took) for took in self.rounds[call][side]]

    def p50(self, call: str, side: Side) -> Spread:
        """Sum up what half of the answers took at most, in milliseconds."""
        return spread(self.medians(call, side))

    def p99(self, call: str, side: Side) -> float:
        """Give what all but one in a hundred answers of all rounds took at most, in milliseconds."""
        took = [1e3 * seconds for each in self.rounds[call][side] for seconds in each]
        return statistics.quantiles(took, n=100)[-1] if len(took) > 1 else took[0]

    def over(self, call: str, above: Side, below: Side) -> Spread:
        """Sum up how much longer one side took than the other."""
        return ratio(self.medians(call, above), self.medians(call, below))

    def worst(self, calls: Iterable[str], side: Side) -> str:
        """Give the call that half of the answers took longest for."""
        return max(calls, key=lambda call: self.p50(call, side).median)

    def worst_over(self, calls: Iterable[str], above: Side, below: Side) -> str:
        """Give the call for which one side took longest beside the other."""
        return max(calls, key=lambda call: self.over(call, above, below).median)
