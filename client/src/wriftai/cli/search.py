"""`wriftai search`."""

import json
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from wriftai.common_types import User
    from wriftai.models import Model

_MOST = 1_000_000
_MOST_A_PAGE = 100
_WIDEST_COLUMN = 40  # Cells: one long name does not push every description out of sight.


def search(
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="WORDS", help="A name, owner/name, or words of a name, an owner or a description."
        ),
    ],
    limit: Annotated[int, typer.Option(min=1, max=_MOST, help="Most that are printed.")] = 25,
    users: Annotated[bool, typer.Option("--users", help="Find users instead.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print each as JSON, in a line of its own.")] = False,
) -> None:
    """Find models on the hub that you may see, best match first.

    Each is a line: owner/name, visibility, number of predictions, first line of the description; of users,
    username, name, first line of the bio. A terminal gets columns, a file or a program all of it between tabs.
    """
    from itertools import islice

    from wriftai import Client
    from wriftai.cli.refusals import refusals

    query = " ".join(words)
    if not query.strip():
        raise typer.BadParameter("Say what to look for: a name, owner/name, or some words.")
    with refusals(), Client() as client:
        find: Any = client.users.search if users else client.models.search
        found = islice(find(query, {"page_size": min(limit, _MOST_A_PAGE)}).iter_all(), limit)
        number = 0
        for line in map(_json, found) if as_json else _lines(map(_user if users else _model, found)):
            typer.echo(line)
            number += 1
    if not number:
        typer.echo("Nothing found.", err=True)


def _model(model: "Model") -> list[str]:
    name, count = f"{model['owner']['username']}/{model['name']}", model["predictions_count"]
    cells = [name, model["visibility"], str(count), _first_line(model["description"])]
    if sys.stdout.isatty():
        cells[1] = "private" if model["visibility"] == "private" else ""
        cells[2] = f"{count} prediction" if count == 1 else f"{count} predictions"
    return cells


def _user(user: "User") -> list[str]:
    return [user["username"], user["name"] or "", _first_line(user["bio"])]


def _first_line(text: str | None) -> str:
    return next(iter((text or "").strip().splitlines()), "")


def _json(value: object) -> str:
    """Write JSON in one line, with escapes for what a terminal would obey."""
    text = json.dumps(value, ensure_ascii=False)
    return "".join(sign if sign.isprintable() else json.dumps(sign)[1:-1] for sign in text)


def _printable(text: str) -> str:
    """Leave out what would move the cursor, part columns, or turn the direction of the text."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())


def _lines(rows: Iterable[list[str]]) -> Iterator[str]:
    """Make a line of each row: with tabs, or in columns where it is for a terminal."""
    cleaned = ([_printable(cell) for cell in row] for row in rows)
    return _in_columns(list(cleaned)) if sys.stdout.isatty() else map("\t".join, cleaned)


def _in_columns(rows: list[list[str]]) -> Iterator[str]:
    """Give the last column what is left of the terminal's width."""
    import shutil

    from rich.cells import cell_len, set_cell_size

    width = shutil.get_terminal_size().columns
    sizes = [min(max(map(cell_len, column)), _WIDEST_COLUMN) for column in zip(*rows)]  # noqa: B905  one length
    for *cells, last in rows:
        columns = zip(cells, sizes)  # noqa: B905  the last size is not needed
        start = "".join(f"{set_cell_size(cell, max(cell_len(cell), size))}  " for cell, size in columns if size)
        room = max(width - cell_len(start), 0)
        end = last if cell_len(last) <= room else f"{set_cell_size(last, max(room - 1, 0)).rstrip()}…"
        yield (start + end[:room]).rstrip()
