"""Curves as SVG, with logarithmic axes, that can be read on a light ground and on a dark one."""

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple
from xml.sax.saxutils import escape

_WIDTH, _HEIGHT = 300, 240
_LEFT, _TOP, _GAP, _BELOW = 64, 66, 60, 54
_LEGEND_ROW = 20
_LEGEND_COLUMN = 220

# Light ground, dark ground: each pair has enough contrast with its own.
_COLOURS = {
    "blue": ("#0969da", "#58a6ff"),
    "orange": ("#bc4c00", "#f0883e"),
    "purple": ("#8250df", "#bc8cff"),
    "grey": ("#57606a", "#9198a1"),
}
_PAPER, _INK, _GRID = ("#ffffff", "#0d1117"), ("#1f2328", "#e6edf3"), ("#d8dee4", "#30363d")


class Line(NamedTuple):
    """A curve, or a few points of one.

    Attributes:
        name: In the legend; lines of the same name look the same in each panel.
        points: Numbers above 0, from left to right.
        colour: `blue`, `orange`, `purple` or `grey`.
        mark: `circle`, `square`, `triangle` or, for none, empty.
        is_dashed: Whether it is.
    """

    name: str
    points: list[tuple[float, float]]
    colour: str
    mark: str = ""
    is_dashed: bool = False


class Panel(NamedTuple):
    """A pair of axes with curves."""

    title: str
    lines: list[Line]


class _Axis(NamedTuple):
    """A logarithmic axis from one power of ten to another, on so many pixels."""

    low: int
    high: int
    pixels: float

    def at(self, value: float) -> float:
        """Give the distance of a value from the low end."""
        return (math.log10(value) - self.low) / (self.high - self.low) * self.pixels

    def ticks(self) -> list[float]:
        return [10.0**power for power in range(self.low, self.high + 1)]


def drawn(title: str, panels: Sequence[Panel], *, across: str, up: str) -> str:
    """Draw panels side by side, with the same axes, and one legend.

    Args:
        title: Of the whole.
        panels: At least one, with at least one point.
        across: Says what the horizontal axis is, with its unit.
        up: Says what the vertical axis is, with its unit.
    """
    points = [point for panel in panels for line in panel.lines for point in line.points]
    horizontal = _axis((x for x, _ in points), _WIDTH)
    vertical = _axis((y for _, y in points), _HEIGHT)
    shown = {line.name: line for panel in panels for line in panel.lines}
    width = _LEFT + len(panels) * (_WIDTH + _GAP) + _GAP // 2
    columns = max(1, (width - _LEFT) // _LEGEND_COLUMN)
    bottom = _TOP + _HEIGHT + _BELOW
    height = bottom + math.ceil(len(shown) / columns) * _LEGEND_ROW + 8
    parts = [
        f'<text class="title" x="{_LEFT}" y="26">{escape(title)}</text>',
        f'<g transform="translate(16 {_TOP + _HEIGHT / 2}) rotate(-90)">',
        f'<text text-anchor="middle">{escape(up)}</text></g>',
    ]
    for place, panel in enumerate(panels):
        left = _LEFT + place * (_WIDTH + _GAP)
        parts.append(f'<g transform="translate({left} {_TOP})">')
        parts += _ground(panel.title, horizontal, vertical, across, is_first=place == 0)
        parts += (part for line in panel.lines for part in _curve(line, horizontal, vertical))
        parts.append("</g>")
    for place, line in enumerate(shown.values()):
        x, y = _LEFT + place % columns * _LEGEND_COLUMN, bottom + place // columns * _LEGEND_ROW
        parts.append(f'<g transform="translate({x} {y})">{_key(line)}</g>')
    return _whole(title, width, height, parts)


def _axis(values: Iterable[float], pixels: float) -> _Axis:
    """Let an axis go from the power of ten below all values to the one above them."""
    powers = [math.log10(value) for value in values]
    low, high = math.floor(min(powers) + 1e-9), math.ceil(max(powers) - 1e-9)
    return _Axis(low, max(high, low + 1), pixels)


def _ground(title: str, horizontal: _Axis, vertical: _Axis, across: str, *, is_first: bool) -> list[str]:
    """Draw what is behind the curves: the grid, its numbers, and what they are."""
    parts = [f'<text class="panel" y="-12">{escape(title)}</text>']
    for value in vertical.ticks():
        y = _HEIGHT - vertical.at(value)
        parts.append(f'<path class="grid" d="M0 {y:.1f}H{_WIDTH}"/>')
        if is_first:
            parts.append(f'<text x="-8" y="{y + 4:.1f}" text-anchor="end">{value:,g}</text>')
    for value in horizontal.ticks():
        x = horizontal.at(value)
        parts.append(f'<path class="grid" d="M{x:.1f} 0V{_HEIGHT}"/>')
        parts.append(f'<text x="{x:.1f}" y="{_HEIGHT + 16}" text-anchor="middle">{value:,.0f}</text>')
    parts.append(f'<text x="{_WIDTH / 2}" y="{_HEIGHT + 34}" text-anchor="middle">{escape(across)}</text>')
    return parts


def _curve(line: Line, horizontal: _Axis, vertical: _Axis) -> list[str]:
    places = [(horizontal.at(x), _HEIGHT - vertical.at(y)) for x, y in line.points]
    path = "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
    return [f'<path class="{_style(line)}" d="M{path}"/>', *(_mark(line, x, y) for x, y in places)]


def _key(line: Line) -> str:
    name = f'<text x="38" y="4">{escape(line.name)}</text>'
    return f'<path class="{_style(line)}" d="M0 0H30"/>{_mark(line, 15, 0)}{name}'


def _style(line: Line) -> str:
    return f"line {line.colour}{' dashed' if line.is_dashed else ''}"


def _mark(line: Line, x: float, y: float) -> str:
    style = f'class="{line.colour} mark"'
    match line.mark:
        case "circle":
            return f'<circle {style} cx="{x:.1f}" cy="{y:.1f}" r="3.5"/>'
        case "square":
            return f'<path {style} d="M{x - 3:.1f} {y - 3:.1f}h6v6h-6z"/>'
        case "triangle":
            return f'<path {style} d="M{x:.1f} {y - 4.5:.1f}l4.5 8h-9z"/>'
        case _:
            return ""


def _whole(title: str, width: int, height: int, parts: list[str]) -> str:
    styles = [_rules(ground) for ground in (0, 1)]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}"'
            f' height="{height}" role="img" aria-label="{escape(title, {chr(34): "&quot;"})}">',
            "<style>",
            "text { font: 12px system-ui, sans-serif } .title { font-size: 16px; font-weight: 600 }",
            ".panel { font-size: 13px; font-weight: 600 } .grid { stroke-width: 1 }",
            ".line { fill: none; stroke-width: 2 } .dashed { stroke-dasharray: 5 4 } .mark { stroke: none }",
            styles[0],
            f"@media (prefers-color-scheme: dark) {{ {styles[1]} }}",
            "</style>",
            f'<rect class="paper" width="{width}" height="{height}"/>',
            *parts,
            "</svg>\n",
        ]
    )


def _rules(ground: int) -> str:
    """Write the colours for one ground: 0 is light, 1 is dark."""
    rules = [
        f".paper {{ fill: {_PAPER[ground]} }} text {{ fill: {_INK[ground]} }}",
        f".grid {{ stroke: {_GRID[ground]} }}",
        *(
            f".line.{name} {{ stroke: {pair[ground]} }} .mark.{name} {{ fill: {pair[ground]} }}"
            for name, pair in _COLOURS.items()
        ),
    ]
    return " ".join(rules)
