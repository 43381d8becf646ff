"""The growth curves: what a call costs against how many models there are."""

from benchmarks.drawing import Line, Panel, drawn
from benchmarks.growth import mlflow
from benchmarks.growth.calls import CREATE, GET, PAGE, SEARCH
from benchmarks.growth.found import Found, Side
from benchmarks.growth.hubs import POSTGRESQL, SQLITE
from benchmarks.growth.questions import COMMON, ONE_WORD, TYPO
from benchmarks.growth.rounds import ROUTE, STATEMENT

_ACROSS = "models in the catalogue"
_UP = "milliseconds, half of the answers, 1 caller"
_LOOKS: dict[str, tuple[str, str, bool]] = {
    SQLITE: ("blue", "circle", False),
    POSTGRESQL: ("orange", "square", False),
    mlflow.NAME: ("purple", "triangle", False),
    f"{STATEMENT}, {SQLITE}": ("blue", "", True),
    f"{STATEMENT}, {POSTGRESQL}": ("orange", "", True),
}


def curves(found: Found) -> dict[str, str]:
    """Draw them; give the SVG by name."""
    calls = {
        "One model": found.calls(GET),
        "A page of 25, the slowest order and part": found.calls(PAGE),
        "Creating a model": found.calls(CREATE),
    }
    searches = {
        "One word": [f"{SEARCH}: {ONE_WORD}"],
        "A word with a typo": [f"{SEARCH}: {TYPO}"],
        "A very common word": [f"{SEARCH}: {COMMON}"],
    }
    return {
        "calls": _drawing(found, "Reading and creating as the catalogue grows", calls),
        "search": _drawing(found, "Searching as the catalogue grows", searches),
    }


def _drawing(found: Found, title: str, panels: dict[str, list[str]]) -> str:
    drawings = [Panel(name, _lines(found, calls)) for name, calls in panels.items()]
    return drawn(title, drawings, across=_ACROSS, up=_UP)


def _lines(found: Found, calls: list[str]) -> list[Line]:
    """Give a line for each side; of several calls, the slowest of those that a side knows counts."""
    lines = []
    for who, (colour, mark, is_dashed) in _LOOKS.items():
        sizes = sorted({size for call in calls for size in found.sizes(who, call)})
        points = [(float(size), _slowest(found, calls, Side(who, size))) for size in sizes]
        if points:
            lines.append(Line(who, points, colour, mark, is_dashed))
    floor = Side(ROUTE, 0)
    if any(floor in found.rounds[call] for call in calls):
        sizes = sorted({size for call in calls for size in found.sizes(SQLITE, call)})
        cost = _slowest(found, calls, floor)
        lines.append(Line(ROUTE, [(sizes[0], cost), (sizes[-1], cost)], "grey", "", is_dashed=True))
    return lines


def _slowest(found: Found, calls: list[str], side: Side) -> float:
    return max(found.p50(call, side).median for call in calls if side in found.rounds[call])
