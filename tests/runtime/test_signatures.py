"""What `describe` says of a signature, and what it refuses."""

import sys
import textwrap
import types
from pathlib import Path
from typing import Any

import pytest

from tests.runtime.children import describe, model, schemas
from wriftai_runtime.faults import Unusable
from wriftai_runtime.signature import signature_of

HEAD = """
    from __future__ import annotations
    import collections, enum, pathlib
    from collections.abc import AsyncIterator, Iterator
    from dataclasses import dataclass, field
    from pathlib import Path
    from typing import Annotated, Any, Dict, List, Literal, NewType, Optional, Sequence, Union
    try:
        from typing import NotRequired, TypedDict
    except ImportError:
        from typing_extensions import NotRequired, TypedDict
    from wriftai_runtime import Input

    Name = NewType("Name", str)

    class Color(enum.Enum):
        '''What it is painted in.'''
        RED = "red"
        BLUE = "blue"

    class Size(enum.IntEnum):
        SMALL = 1
        LARGE = 2

    @dataclass
    class Box:
        '''A place in a picture.

        In pixels.
        '''
        left: int
        labels: list[str] = field(default_factory=list)
        score: float = 0.5

    class Settings(TypedDict):
        seed: int
        note: NotRequired[Optional[str]]
"""


def predictor_of(code: str) -> type:
    module = types.ModuleType("model_in_test")
    sys.modules[module.__name__] = module
    exec(textwrap.dedent(code), vars(module))  # noqa: S102  the code is the test's own
    found: type = module.Predictor
    return found


def input_of(parameter: str) -> Any:
    code = f"{HEAD}\n    class Predictor:\n        def predict(self, {parameter}) -> None: ...\n"
    described = signature_of(predictor_of(code)).described()
    [schema] = described["input"]["properties"].values()
    assert schema.pop("x-order") == 0
    assert described["input"].get("required", []) == [] if "default" in schema else ["x"]
    return schema


@pytest.mark.parametrize(
    ("parameter", "schema"),
    [
        ("x: str", {"type": "string"}),
        ("x: Name", {"type": "string"}),
        ("x: int = 3", {"type": "integer", "default": 3}),
        ("x: float = 1", {"type": "number", "default": 1}),
        ("x: bool", {"type": "boolean"}),
        ("x: None", {"type": "null"}),
        ("x: Any", {}),
        ("x: bytes = b'a'", {"type": "string", "contentEncoding": "base64", "default": "YQ=="}),
        ("x: Path", {"type": "string", "format": "uri"}),
        ("x: pathlib.PurePath", {"type": "string", "format": "uri"}),
        ("x: Literal['a', 2, True, None] = 'a'", {"enum": ["a", 2, True, None], "default": "a"}),
        (
            "x: Color = Color.RED",
            {
                "title": "Color",
                "description": "What it is painted in.",
                "enum": ["red", "blue"],
                "default": "red",
            },
        ),
        ("x: Optional[int] = None", {"anyOf": [{"type": "integer"}, {"type": "null"}], "default": None}),
        ("x: int | str", {"anyOf": [{"type": "integer"}, {"type": "string"}]}),
        ("x: list", {"type": "array", "items": {}}),
        ("x: List[int]", {"type": "array", "items": {"type": "integer"}}),
        ("x: dict", {"type": "object"}),
        ("x: Dict[str, Any]", {"type": "object"}),
        ("x: dict[str, bool]", {"type": "object", "additionalProperties": {"type": "boolean"}}),
        (
            "x: Box",
            {
                "title": "Box",
                "description": "A place in a picture.",
                "type": "object",
                "properties": {
                    "left": {"type": "integer"},
                    "labels": {"type": "array", "items": {"type": "string"}},
                    "score": {"type": "number", "default": 0.5},
                },
                "required": ["left"],
                "additionalProperties": False,
            },
        ),
        (
            "x: Settings",
            {
                "title": "Settings",
                "type": "object",
                "properties": {
                    "seed": {"type": "integer"},
                    "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
                },
                "required": ["seed"],
                "additionalProperties": False,
            },
        ),
        (
            "x: Annotated[int, Input(description='How many', ge=1, le=9)] = 2",
            {"type": "integer", "minimum": 1, "maximum": 9, "description": "How many", "default": 2},
        ),
        (
            "x: Annotated[str, Input(min_length=1, max_length=5, pattern='^a')]",
            {"type": "string", "minLength": 1, "maxLength": 5, "pattern": "^a"},
        ),
        (
            "x: Annotated[list[str], Input(min_length=1, max_length=5)]",
            {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 5},
        ),
        ("x: Annotated[float, Input(choices=[1, 2.5])]", {"type": "number", "enum": [1, 2.5]}),
        (
            "x: Annotated[str | None, Input(choices=['a', 'b'], description='Which')] = None",
            {
                "anyOf": [{"type": "string", "enum": ["a", "b"]}, {"type": "null"}],
                "description": "Which",
                "default": None,
            },
        ),
        (
            "x: list[Annotated[int, Input(ge=0)]] | None = None",
            {
                "anyOf": [{"type": "array", "items": {"type": "integer", "minimum": 0}}, {"type": "null"}],
                "default": None,
            },
        ),
    ],
)
def test_an_annotation(parameter: str, schema: Any) -> None:
    assert input_of(parameter) == schema


def refusal(folder: Path, predictor: str = "predict.py:Predictor") -> str:
    done = describe(folder, predictor)
    assert done.returncode == 1
    assert done.stdout == ""
    return done.stderr


@pytest.mark.parametrize(
    ("parameter", "words"),
    [
        ("x: set[int]", "parameter `x`: set[int] is not supported; supported are str, int"),
        ("x: list[complex]", "parameter `x`: complex is not supported"),
        ("x: Sequence[int]", "parameter `x`: Sequence[int] is not supported"),
        ("x: tuple[int, str]", "parameter `x`: tuple[int, str] is not supported"),
        ("x: collections.deque", "parameter `x`: deque is not supported"),
        ("x: Annotated[Any, 3] | Callable", "an annotation cannot be evaluated (NameError: name 'Callable'"),
        ("x: dict[int, str]", "parameter `x`: dict[int, str] is not supported: JSON objects have keys"),
        ("x: Node", "parameter `x`: Node.next: Node holds itself"),
        ("x: Odd", "parameter `x`: a choice must be text, a number, true, false or None, not (1, 2)"),
        ("x: Late", "parameter `x`: Late.made: field(init=False) is not supported"),
        ("x: Late2", "parameter `x`: Late2.odd: its default does not fit: the default must be a whole number"),
        ("x", "parameter `x`: it has no annotation: say what it is, as in `x: str`"),
        ("*x: int", "parameter `x`: an input is given by its name"),
        ("x: int, /", "parameter `x`: an input is given by its name"),
        (
            "x: int = None",
            "parameter `x`: its default does not fit: the default must be a whole number, not null",
        ),
        ("x: float = float('nan')", "parameter `x`: its default does not fit: the default must be a number that"),
        ("x: Path = Path('a.png')", "parameter `x`: a file cannot be a default"),
        ("x: int = Input(ge=1)", "parameter `x`: write `x: Annotated[int, Input(…)]`"),
        ("x: Annotated[str, Input(ge=1)]", "parameter `x`: Input(ge=…) is not for values of this type"),
        ("x: Annotated[bool, Input(max_length=1)]", "parameter `x`: Input(max_length=…) is not for values"),
        ("x: Annotated[int, Input(ge=1)] = 0", "parameter `x`: its default does not fit: the default must be at"),
        ("x: Annotated[str, Input(pattern='(')]", "parameter `x`: Input(pattern=…) is not a regular expression"),
        ("x: Annotated[bool, Input(choices=[1])]", "parameter `x`: Input(choices=…) is for text and numbers"),
        ("x: Annotated[int, Input(choices=['a'])]", "parameter `x`: each of Input(choices=…) must be a whole"),
    ],
)
def test_a_parameter_that_cannot_be_an_input(parameter: str, words: str) -> None:
    code = f"""{HEAD}
    class Odd(enum.Enum):
        PAIR = (1, 2)

    @dataclass
    class Node:
        next: Node | None

    @dataclass
    class Late:
        made: int = field(init=False)

    @dataclass
    class Late2:
        odd: int = "one"

    class Predictor:
        def predict(self, {parameter}) -> str: ...
    """
    with pytest.raises(Unusable) as refused:
        signature_of(predictor_of(code))
    assert str(refused.value).startswith(f"Predictor.predict(): {words}")


@pytest.mark.parametrize(
    ("annotation", "schema", "streams"),
    [
        ("-> str", {"type": "string"}, False),
        ("-> Box | None", None, False),
        (
            "-> Iterator[str]",
            {"type": "array", "items": {"type": "string"}, "x-cog-array-type": "iterator"},
            True,
        ),
        ("-> Iterator", {"type": "array", "items": {}, "x-cog-array-type": "iterator"}, True),
        ("-> AsyncIterator[Path]", None, True),
    ],
)
def test_the_output(annotation: str, schema: Any, streams: bool) -> None:
    code = f"{HEAD}\n    class Predictor:\n        def predict(self) {annotation}: ...\n"
    described = signature_of(predictor_of(code)).described()
    assert described["streams"] is streams
    assert schema is None or described["output"] == schema


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("def predict(self): ...", "Predictor.predict(): its output: it has no annotation"),
        ("def predict(self) -> range: ...", "Predictor.predict(): its output: range is not supported"),
        ("def predict(self) -> str: yield ''", "Predictor.predict(): it yields its output in pieces"),
        ("def guess(self) -> str: ...", "Predictor has no method predict(self, …)"),
    ],
)
def test_an_output_that_cannot_be(body: str, words: str) -> None:
    with pytest.raises(Unusable) as refused:
        signature_of(predictor_of(f"{HEAD}\n    class Predictor:\n        {body}\n"))
    assert str(refused.value).startswith(words)


def test_the_input_as_a_whole(tmp_path: Path) -> None:
    code = """
    class Predictor:
        @staticmethod
        def predict(b: int, *, a: str = "x") -> str:
            '''Say
            much.

            At length.
            '''
    """
    assert schemas(model(tmp_path / "model", code))["input"] == {
        "title": "Input",
        "description": "Say much.",
        "type": "object",
        "properties": {
            "b": {"type": "integer", "x-order": 0},
            "a": {"type": "string", "default": "x", "x-order": 1},
        },
        "required": ["b"],
        "additionalProperties": False,
    }


@pytest.mark.parametrize(
    ("predictor", "words"),
    [
        ("predict.py", "the predictor 'predict.py' must be of the form file.py:Class"),
        ("predict:Predictor", "the predictor 'predict:Predictor' must be of the form file.py:Class"),
        ("../predict.py:Predictor", "the predictor '../predict.py:Predictor' must be of the form"),
        ("absent.py:Predictor", "the predictor's file absent.py is not in the model's folder"),
        ("predict.py:Missing", "predict.py has no class Missing; it has: Predictor"),
        ("predict.py:predict", "predict in predict.py is not a class"),
        ("json.py:Predictor", "json.py has the name of another module ("),
    ],
)
def test_a_predictor_that_is_not_there(tmp_path: Path, predictor: str, words: str) -> None:
    folder = model(model(tmp_path / "model", "", "json.py"), "class Predictor: ...\ndef predict(): ...\n")
    assert refusal(folder, predictor).startswith(f"The model cannot be used: {words}")


def test_an_annotation_is_refused_before_a_model_is_pushed(tmp_path: Path) -> None:
    code = "class Predictor:\n    def predict(self, x: set[int]) -> str: ...\n"
    said = refusal(model(tmp_path / "model", code))
    assert said.startswith(
        "The model cannot be used: Predictor.predict(): parameter `x`: set[int] is not supported;"
    )
    assert "Traceback" not in said


def test_a_module_that_raises(tmp_path: Path) -> None:
    said = refusal(model(tmp_path / "model", "print('on the way')\nraise KeyError('weights')\n"))
    assert said.startswith("on the way\nTraceback (most recent call last):\n  File")
    assert "wriftai_runtime" not in said
    assert said.endswith("The model cannot be used: KeyError: 'weights'\n")


def test_what_a_model_prints_is_not_the_answer(tmp_path: Path) -> None:
    code = """
    import os
    print("loading")
    os.system("echo from a child")
    from parts.names import Name
    class Predictor:
        def predict(self) -> Name: ...
    """
    folder = model(model(tmp_path / "model", "Name = str\n", "parts/names.py"), code)
    done = describe(folder)
    assert '"output":{"type":"string"}' in done.stdout
    assert done.stdout.count("\n") == 1
    assert "from a child" in done.stderr


def test_a_predictor_in_a_package(tmp_path: Path) -> None:
    code = "from .names import Name\nclass Predictor:\n    def predict(self) -> Name: ...\n"
    folder = model(model(tmp_path / "model", "Name = str\n", "parts/names.py"), code, "parts/predict.py")
    assert schemas(folder, "parts/predict.py:Predictor")["output"] == {"type": "string"}
