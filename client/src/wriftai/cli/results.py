"""Outputs: printed for people or for programs, or stored in a file."""

import base64
import json
import urllib.parse
from pathlib import Path
from typing import Any

import typer

from wriftai.common_types import JsonValue


class Printer:
    """Shows the output of a prediction.

    Args:
        schema: JSON Schema of the output.
        as_json: Whether text is shown as JSON too, and everything in one line.
        file: Where the output is stored instead of being shown.
        shows_pieces: Whether pieces of an output are shown while they are made, where it is shown at all.
    """

    def __init__(self, schema: dict[str, Any], *, as_json: bool, file: Path | None, shows_pieces: bool) -> None:
        self._is_one_text = schema.get("x-cog-array-display") == "concatenate" and not as_json
        self._as_json = as_json
        self._file = file
        self._shows_pieces = shows_pieces and file is None
        self._pieces = 0

    def piece(self, value: JsonValue) -> None:
        """Show a piece of an output, if pieces are shown."""
        if self._shows_pieces:
            typer.echo(self._written(value), nl=not self._is_one_text)
            self._pieces += 1

    def begin_anew(self) -> None:
        """Take pieces that were shown for void: from now on, only the whole output is shown."""
        if self._pieces and self._is_one_text:
            typer.echo()
        self._pieces, self._shows_pieces = 0, False

    def end(self, output: JsonValue) -> None:
        """Show a whole output, as far as its pieces did not, or store it.

        Raises:
            OSError: It cannot be stored.
        """
        if self._file is not None:
            self._store(output, self._file)
        elif not self._pieces:
            typer.echo(self._written(output))
        elif self._is_one_text:
            typer.echo()

    def _store(self, output: JsonValue, file: Path) -> None:
        parts = output if isinstance(output, list) and output and all(map(_is_data_url, output)) else [output]
        for number, part in enumerate(parts, 1):
            name = file if len(parts) == 1 else file.with_name(f"{file.stem}-{number}{file.suffix}")
            name.write_bytes(_content(part) if _is_data_url(part) else f"{self._written(part)}\n".encode())
            typer.echo(f"Wrote {name}.", err=True)

    def _written(self, value: JsonValue) -> str:
        if self._as_json:
            return json.dumps(value, ensure_ascii=False)
        if self._is_one_text and isinstance(value, list):
            return "".join(map(str, value))
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)


def _is_data_url(value: object) -> bool:
    return isinstance(value, str) and value[:5].lower() == "data:" and "," in value


def _content(url: Any) -> bytes:
    head, _, data = url.partition(",")
    content = urllib.parse.unquote_to_bytes(data)
    return base64.b64decode(content) if head.lower().endswith(";base64") else content
