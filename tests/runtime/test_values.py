"""Values against their schemas: what is read is what the schema allows, and what is written fits it."""

import base64
import dataclasses
import enum
import math
from pathlib import Path
from typing import Annotated, Any, Literal

import jsonschema_rs
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from typing_extensions import NotRequired, TypedDict

from wriftai_runtime import Input
from wriftai_runtime.annotations import kind_of
from wriftai_runtime.faults import Unfit
from wriftai_runtime.kinds import NO_FILES
from wriftai_runtime.pipes import encoded


class Color(enum.Enum):
    RED = "red"
    ONE = 1


class Size(str, enum.Enum):
    SMALL = "small"


@dataclasses.dataclass
class Box:
    left: int
    labels: list[str] = dataclasses.field(default_factory=list)
    score: float = 0.5


class Settings(TypedDict):
    seed: int
    note: NotRequired[str | None]


ANNOTATIONS = [
    str,
    int,
    float,
    bool,
    None,
    Color,
    Literal["a", 1, True, None],
    int | None,
    list[int],
    dict[str, float],
    Box,
    Settings,
    list[Box | Settings] | None,
    dict[str, list[Color]],
    Annotated[int, Input(ge=-1, le=1)],
    Annotated[float, Input(ge=0.5)],
    Annotated[str, Input(min_length=1, max_length=2)],
    Annotated[str, Input(pattern="^a")],
    Annotated[list[bool], Input(min_length=1, max_length=2)],
    Annotated[int | None, Input(choices=[1, 2])],
    Any,
]
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=4)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 2),
    st.sampled_from([1.0, 0.5, -0.5, 1e300]),
    st.sampled_from(["a", "red", "small"]),
    texts,
)
keys = st.sampled_from(["left", "labels", "score", "seed", "note", "other"])
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3), max_leaves=8
)


@pytest.mark.parametrize("annotation", ANNOTATIONS, ids=str)
@settings(max_examples=50)
@given(value=anything)
def test_what_is_read_is_what_the_schema_allows(annotation: Any, value: Any) -> None:
    kind = kind_of(annotation)
    is_valid = jsonschema_rs.Draft202012Validator(kind.schema).is_valid(value)
    try:
        read = kind.read(value, NO_FILES)
    except Unfit:
        assert not is_valid
    else:
        assert is_valid
        written = kind.write(read)
        assert jsonschema_rs.Draft202012Validator(kind.schema).is_valid(written)
        assert kind.read(written, NO_FILES) == read


@pytest.mark.parametrize("annotation", [bytes, list[Any], dict[str, Any], *ANNOTATIONS[::2]], ids=str)
@settings(max_examples=50)
@given(data=st.data())
def test_what_is_written_fits_the_schema_and_json(annotation: Any, data: st.DataObject) -> None:
    strategies: list[st.SearchStrategy[Any]] = [
        anything,
        st.binary(max_size=4),
        st.floats(),
        st.sampled_from([*Color, *Size]),
        st.builds(Box, st.integers(), st.lists(texts, max_size=2), st.floats()),
        st.lists(st.builds(Box, st.integers()), max_size=2),
        st.tuples(st.integers(), texts),
        st.sampled_from([{1: 2}, {"a": {1, 2}}, object(), [b"", math.nan]]),
    ]
    kind = kind_of(annotation)
    try:
        written = kind.write(data.draw(st.one_of(strategies)))
    except Unfit:
        event("refused")
    else:
        assert jsonschema_rs.Draft202012Validator(kind.schema).is_valid(written)
        assert encoded(written)


@given(st.binary(max_size=100))
def test_bytes_come_back_as_they_went(content: bytes) -> None:
    kind = kind_of(bytes)
    assert kind.read(kind.write(content), NO_FILES) == content
    assert base64.b64decode(kind.write(bytearray(content))) == content


def test_records_become_what_was_declared() -> None:
    assert kind_of(Box).read({"left": 1, "labels": ["a"]}, NO_FILES) == Box(1, ["a"], 0.5)
    assert kind_of(Settings).read({"seed": 1.0}, NO_FILES) == {"seed": 1}
    assert kind_of(Color).read("red", NO_FILES) is Color.RED
    assert type(kind_of(float).read(1, NO_FILES)) is float
    assert kind_of(Annotated[float, Input(choices=[1, 2])]).read(1, NO_FILES) == 1.0


@dataclasses.dataclass
class Point:
    x: float
    name: str


class Array:
    """Looks like an array of numpy."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def tolist(self) -> Any:
        return self.value


class Scalar:
    """Looks like a scalar of some array library."""

    def item(self) -> Any:
        return 2.5


def circle() -> list[Any]:
    around: list[Any] = []
    around.append(around)
    return around


@pytest.mark.parametrize(
    ("annotation", "value", "written"),
    [
        (list[float], Array([1.5, 2.5]), [1.5, 2.5]),
        (float, Scalar(), 2.5),
        (str, Size.SMALL, "small"),
        (Size, "small", "small"),
        (bool, Array(True), True),
        (Any, {"a": Array([[1]]), "b": Point(1, "p"), "c": (Size.SMALL, None)}, None),
        (list[int], (1, 2), [1, 2]),
        (dict[str, Any], Point(1, "p"), {"x": 1, "name": "p"}),
        (Point, {"x": 1, "name": "p"}, {"x": 1, "name": "p"}),
        (int, 2.0, 2),
    ],
)
def test_what_model_code_gives_becomes_json(annotation: Any, value: Any, written: Any) -> None:
    expected = written or {"a": [[1]], "b": {"x": 1, "name": "p"}, "c": ["small", None]}
    assert kind_of(annotation).write(value) == expected


@pytest.mark.parametrize(
    ("annotation", "value", "words"),
    [
        (str, 1, "output must be text, not a whole number"),
        (str, None, "output must be text, not null"),
        (int, True, "output must be a whole number, not true or false"),
        (int, 1.5, "output must be a whole number, not a number"),
        (float, math.nan, "output must be a number that JSON can hold, not nan"),
        (bool, 1, "output must be true or false, not a whole number"),
        (bytes, "text", "output must be bytes, not text"),
        (list[int], "ab", "output must be a list, not text"),
        (list[int], [1, "a"], "output[1] must be a whole number, not text"),
        (dict[str, int], [], "output must be an object, not a list"),
        (dict[str, list[int]], {"a": [None]}, "output.a[0] must be a whole number, not null"),
        (dict[str, int], {1: 1}, "output must have keys that are text, not int"),
        (Point, Box(1), "output must be Point, not Box"),
        (Point, Point(math.inf, "p"), "output.x must be a number that JSON can hold, not inf"),
        (Point, {"x": 1}, "output.name is missing"),
        (Point, {"x": 1, "name": "", "z": 1}, "output.z is not known here; known are: x, name"),
        (Literal["a", "b"], "c", "output must be one of 'a', 'b'"),
        (Color, [], "output must be one of 'red', 1"),
        (int | str, 1.5, "output must be a whole number, not a number, or must be text, not a number"),
        (Point | None, {"x": "1", "name": "p"}, "output.x must be a number, not text"),
        (Annotated[float, Input(le=1)], 2, "output must be at most 1"),
        (Annotated[list[int], Input(min_length=2)], [1], "output must have at least 2 items"),
        (Any, {"a": [object()]}, "output.a[0] must be something that JSON can hold, not object"),
        (Any, math.inf, "output must be a number that JSON can hold, not inf"),
    ],
)
def test_what_does_not_fit_is_told_with_its_place(annotation: Any, value: Any, words: str) -> None:
    with pytest.raises(Unfit) as refused:
        kind_of(annotation).write(value)
    assert refused.value.told("output") == f"{words}."


def test_what_holds_itself_ends() -> None:
    with pytest.raises(Unfit, match="is nested more than 100 levels deep, or holds itself"):
        kind_of(Any).write(circle())


@pytest.mark.parametrize("value", ["\ud800", ["a", "\udfff"], 10**5000], ids=["half", "other half", "long"])
def test_what_json_cannot_hold_is_refused(value: Any) -> None:
    with pytest.raises(Unfit):
        encoded(value)


@pytest.mark.parametrize(
    ("annotation", "value"),
    [(bytes, "a"), (bytes, "ä==="), (bytes, 1), (Path, 1), (Path, "/etc/passwd"), (float, 10**400)],
)
def test_inputs_that_only_the_runtime_can_refuse(annotation: Any, value: Any) -> None:
    with pytest.raises(Unfit):
        kind_of(annotation).read(value, NO_FILES)
