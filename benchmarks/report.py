"""What is printed in the end, and kept in docs/benchmarks."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.spread import Spread

PAGES = Path(__file__).parents[1] / "docs" / "benchmarks"
PAGE = PAGES / "README.md"
_BEGIN = "<!-- Results, written by `{}`; do not edit from here on. -->\n"


class Row(NamedTuple):
    """A line of the table.

    Attributes:
        what: Was measured.
        target: In words; empty for what is only reported.
        measured: The median, with its unit.
        rounds: The middle half of the rounds.
        is_met: Whether the median meets the target; None without one.
    """

    what: str
    target: str
    measured: str
    rounds: str
    is_met: bool | None

    def cells(self) -> tuple[str, ...]:
        """Give the cells of the table."""
        verdict = {None: "", True: "met", False: "**missed**"}[self.is_met]
        return self.what, self.target, self.measured, self.rounds, verdict


HEAD = ("What", "Target", "Median", "Middle half of rounds", "Target is")


def at_least(what: str, found: Spread, target: float, pattern: str = "{:z.2f}") -> Row:
    """Report something of which more is better; the pattern writes numbers with their unit."""
    return _row(what, found, pattern)._replace(
        target=f"at least {pattern.format(target)}", is_met=found.median >= target
    )


def at_most(what: str, found: Spread, target: float, pattern: str = "{:z.2f}") -> Row:
    """Report something of which less is better; the pattern writes numbers with their unit."""
    return _row(what, found, pattern)._replace(
        target=f"at most {pattern.format(target)}", is_met=found.median <= target
    )


def reported(what: str, found: Spread | None = None, pattern: str = "{:z.2f}") -> Row:
    """Report something without a target; the pattern writes numbers with their unit."""
    return Row(what, "", "", "", None) if found is None else _row(what, found, pattern)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Write a table in Markdown that is also readable as it is."""
    widths = [max(len(cell) for cell in column) for column in zip(head, *rows, strict=True)]
    lines = [head, ["-" * width for width in widths], *rows]
    return "\n".join(
        f"| {' | '.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))} |" for line in lines
    )


def keep(text: str, *, page: Path = PAGE, command: str = "python -m benchmarks --write") -> None:
    """Put results in the place of those that a page has from a command."""
    begin = _BEGIN.format(command)
    explained, _, _ = page.read_text(encoding="utf-8").partition(begin)
    page.write_text(f"{explained}{begin}\n{text}\n", encoding="utf-8")


def _row(what: str, found: Spread, pattern: str) -> Row:
    # What was measured once has no rounds.
    rounds = "" if found.low == found.high else f"{pattern.format(found.low)} to {pattern.format(found.high)}"
    return Row(what, "", pattern.format(found.median), rounds, None)
