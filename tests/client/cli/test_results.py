"""Outputs: for people, for programs, and in files."""

from pathlib import Path
from typing import Any

import pytest

from wriftai.cli.results import Printer

WORDS = {"type": "array", "x-cog-array-type": "iterator", "x-cog-array-display": "concatenate"}


def shown(
    capsys: pytest.CaptureFixture[str], output: Any, *pieces: Any, schema: Any = None, as_json: bool = False
) -> str:
    """Give what a printer that shows pieces prints of an output."""
    printer = Printer(schema or {}, as_json=as_json, file=None, shows_pieces=True)
    for piece in pieces:
        printer.piece(piece)
    printer.end(output)
    return capsys.readouterr().out


def test_text_is_shown_as_it_is_and_the_rest_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, "grün\n") == "grün\n\n"
    assert shown(capsys, {"a": ["ü"]}) == '{\n  "a": [\n    "ü"\n  ]\n}\n'
    assert shown(capsys, None) == "null\n"


def test_programs_get_json_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, "grün\n", as_json=True) == '"grün\\n"\n'
    assert shown(capsys, {"a": [1]}, as_json=True) == '{"a": [1]}\n'


def test_pieces_are_shown_and_not_repeated(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, ["a", 1], "a", 1) == "a\n1\n"
    assert shown(capsys, ["a", 1], "a", 1, as_json=True) == '"a"\n1\n'


def test_pieces_of_one_text_are_joined(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, ["a ", "b"], "a ", "b", schema=WORDS) == "a b\n"
    assert shown(capsys, ["a ", "b"], schema=WORDS) == "a b\n"
    assert shown(capsys, ["a ", "b"], schema=WORDS, as_json=True) == '["a ", "b"]\n'


def test_pieces_may_be_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    printer = Printer({}, as_json=True, file=None, shows_pieces=False)
    printer.piece("a")
    printer.end(["a"])
    assert capsys.readouterr().out == '["a"]\n'


def stored(file: Path, output: Any) -> None:
    printer = Printer({}, as_json=False, file=file, shows_pieces=True)
    printer.piece("never shown")
    printer.end(output)


def test_files_are_stored(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stored(tmp_path / "out.png", "data:image/png;base64,iVBORw==")
    assert (tmp_path / "out.png").read_bytes() == b"\x89PNG"
    stored(tmp_path / "out.txt", "DATA:,gr%C3%BCn")
    assert (tmp_path / "out.txt").read_text(encoding="utf-8") == "grün"
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == f"Wrote {tmp_path / 'out.png'}.\nWrote {tmp_path / 'out.txt'}.\n"


def test_several_files_are_numbered(tmp_path: Path) -> None:
    stored(tmp_path / "page.txt", ["data:,one", "data:,two"])
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "page-1.txt": "one",
        "page-2.txt": "two",
    }


@pytest.mark.parametrize(
    ("output", "text"),
    [("words", "words\n"), (["data:,a", 1], '[\n  "data:,a",\n  1\n]\n'), ([], "[]\n"), ("data:", "data:\n")],
)
def test_what_is_no_file_is_stored_as_it_would_be_shown(tmp_path: Path, output: Any, text: str) -> None:
    stored(tmp_path / "out", output)
    assert (tmp_path / "out").read_text() == text
