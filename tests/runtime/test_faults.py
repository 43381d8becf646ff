"""Predictions that fail: whose fault it was, and what the person is told."""

from pathlib import Path
from typing import Any

import pytest

from tests.runtime.children import model, served

CODE = """
import asyncio, os, sys, pathlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

class Unspeakable(Exception):
    def __str__(self): raise RuntimeError

@dataclass
class Even:
    number: int

    def __post_init__(self):
        if self.number % 2:
            raise ValueError("odd numbers are not even")

def interrupt():
    raise KeyboardInterrupt

FAULTS = dict(
    raises=lambda: {{}}["weights"],
    leaves=lambda: sys.exit(3),
    interrupts=interrupt,
    cancels=lambda: exec("raise asyncio.CancelledError"),
    unspeakable=lambda: exec("raise Unspeakable", globals()),
    bare=lambda: exec("raise ValueError"),
    deep=lambda: FAULTS["deep"](),
    long=lambda: exec("raise ValueError('x' * 1_000_000)"),
    nan=lambda: float("nan"),
    half=lambda: "\\ud800",
    lost=lambda: object(),
    number=lambda: 1,
)

class Predictor:
    {prefix}def predict(self, fault: str) -> Any:
        return FAULTS[fault]()

class Text:
    {prefix}def predict(self, fault: str) -> str:
        return FAULTS[fault]()

class Pieces:
    {prefix}def predict(self, fault: str) -> {pieces}[str]:
        yield "one"
        yield FAULTS[fault]()

class Evens:
    {prefix}def predict(self, fault: Even) -> int:
        return fault.number
"""


def failure(folder: Path, code: str, predictor: str, concurrency: str, fault: Any) -> tuple[str, str, str | None]:
    with served(model(folder, code), "--concurrency", concurrency, predictor=f"predict.py:{predictor}") as child:
        assert child.receive()["type"] == "ready"
        reply = child.predict(fault=fault)
        assert reply["type"] == "failed"
        assert sorted(reply) == ["id", "kind", "message", "seconds", "traceback", "type"]
        assert child.predict(fault=fault)["type"] == "failed"
        assert child.stop() == 0
    return reply["kind"], reply["message"], reply["traceback"]


@pytest.mark.parametrize(("prefix", "concurrency"), [("", "1"), ("", "2"), ("async ", "1")])
@pytest.mark.parametrize(
    ("predictor", "fault", "kind", "message"),
    [
        ("Predictor", "raises", "model", "KeyError: 'weights'"),
        ("Predictor", "leaves", "model", "SystemExit: 3"),
        ("Predictor", "interrupts", "model", "KeyboardInterrupt"),
        ("Predictor", "cancels", "model", "CancelledError"),
        ("Pieces", "leaves", "model", "SystemExit: 3"),
        ("Pieces", "number", "output", "output must be text, not a whole number."),
        ("Evens", {"number": 1}, "model", "ValueError: odd numbers are not even"),
        ("Evens", {"number": "1"}, "input", "input.fault.number must be a whole number, not text."),
    ],
)
def test_a_fault(
    tmp_path: Path, predictor: str, fault: Any, kind: str, message: str, prefix: str, concurrency: str
) -> None:
    code = CODE.format(prefix=prefix, pieces="AsyncIterator" if prefix else "Iterator")
    found, said, traceback = failure(tmp_path / "model", code, predictor, concurrency, fault)
    assert (found, said) == (kind, message)
    if kind == "model":
        assert traceback is not None
        assert traceback.startswith("Traceback (most recent call last):\n  File")
        assert "predict.py" in traceback
        assert traceback.rstrip().endswith(message)
        assert "wriftai_runtime" not in traceback
    else:
        assert traceback is None


@pytest.mark.parametrize(
    ("predictor", "fault", "kind", "message"),
    [
        ("Predictor", "unspeakable", "model", "Unspeakable: its text cannot be made"),
        ("Predictor", "bare", "model", "ValueError"),
        ("Predictor", "deep", "model", "RecursionError: maximum recursion depth exceeded"),
        ("Predictor", "nan", "output", "output must be a number that JSON can hold, not nan."),
        ("Predictor", "lost", "output", "output must be something that JSON can hold, not object."),
        ("Text", "half", "output", "output holds text with half a surrogate pair, which is not Unicode."),
        ("Text", 1, "input", "input.fault must be text, not a whole number."),
    ],
)
def test_other_faults(tmp_path: Path, predictor: str, fault: Any, kind: str, message: str) -> None:
    code = CODE.format(prefix="", pieces="Iterator")
    found, said, _ = failure(tmp_path / "model", code, predictor, "1", fault)
    assert found == kind
    assert said.startswith(message)


def test_what_is_told_is_bounded(tmp_path: Path) -> None:
    code = CODE.format(prefix="", pieces="Iterator")
    _, said, traceback = failure(tmp_path / "model", code, "Predictor", "1", "long")
    assert len(said) == 10_000
    assert traceback is not None
    assert len(traceback) < 101_000
    assert "characters are left out …" in traceback


def test_outputs_have_a_limit(tmp_path: Path) -> None:
    code = """
    from collections.abc import Iterator
    class Predictor:
        def predict(self, pieces: list[str]) -> Iterator[str]:
            yield from pieces
    """
    with served(model(tmp_path / "model", code), "--output-limit", "10") as child:
        assert child.receive()["type"] == "ready"
        assert child.predict(pieces=["ab", "cdef"])["output"] == ["ab", "cdef"]
        for pieces in (["ab", "cdefg"], ["a" * 9]):
            reply = child.predict(pieces=pieces)
            assert (reply["kind"], reply["message"]) == ("output", "The output has more than 10 bytes as JSON.")


def test_inputs_are_named(tmp_path: Path) -> None:
    with served(
        model(tmp_path / "model", "class Predictor:\n    def predict(self, a: int) -> int: ...")
    ) as child:
        assert child.receive()["type"] == "ready"
        assert child.predict()["message"] == "input.a is missing."
        assert child.predict(a=1, b=2)["message"] == "input.b is not known here; known are: a."
        child.send(type="predict", id="x", input=[1], folder="")
        assert child.receive()["message"] == "input must be an object, not a list."
        assert child.predict(a=1)["message"] == "output must be a whole number, not null."


@pytest.mark.parametrize(("call", "code"), [("os._exit(7)", 7), ("os.abort()", -6)])
def test_a_process_that_dies_is_seen_by_its_parent(tmp_path: Path, call: str, code: int) -> None:
    text = f"import os\nclass Predictor:\n    def predict(self) -> int: {call}"
    with served(model(tmp_path / "model", text)) as child:
        assert child.receive()["type"] == "ready"
        child.ask()
        assert child.replies.readline() == b""
        assert child.process.wait(30) == code
