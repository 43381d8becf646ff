"""From annotations to kinds of values."""

import contextlib
import dataclasses
import inspect
import types
import typing
from collections.abc import Callable, Mapping
from enum import Enum
from pathlib import Path, PosixPath, PurePath, PurePosixPath
from typing import Annotated, Any, Literal

from wriftai_runtime import cog
from wriftai_runtime.containers import ABSENT, Array, Field, Record, Table
from wriftai_runtime.faults import Unfit, Unusable, naming, words
from wriftai_runtime.files import File
from wriftai_runtime.inputs import Input
from wriftai_runtime.kinds import NO_FILES, Anything, Choice, Kind, Null, Union
from wriftai_runtime.scalars import Base64, Boolean, Integer, Number, Secret, Text

SUPPORTED = (
    "str, int, float, bool, bytes, pathlib.Path, Literal, Enum, X | None, X | Y, list[X], dict[str, X], "
    "dataclasses, TypedDicts, pydantic's models and Any"
)
_SIMPLE: Mapping[Any, Callable[[], Kind]] = {
    str: Text,
    int: Integer,
    float: Number,
    bool: Boolean,
    bytes: Base64,
    None: Null,
    type(None): Null,
    Any: Anything,
    object: Anything,
    list: lambda: Array(Anything()),
    dict: lambda: Table(Anything()),
    Path: File,
    PosixPath: File,
    PurePath: File,
    PurePosixPath: File,
}


def hints(owner: Any) -> dict[str, Any]:
    """Evaluate the annotations of a class or a function, also those that are text.

    Raises:
        Unusable: One cannot be evaluated.
    """
    try:
        if isinstance(owner, type):
            return typing.get_type_hints(owner, include_extras=True)
        # Of a function itself, Python 3.10 would give `X | None` where `X` has the default None.
        annotated = types.SimpleNamespace(__annotations__=owner.__annotations__)
        return typing.get_type_hints(annotated, owner.__globals__, include_extras=True)
    except Exception as error:
        raise Unusable(f"an annotation cannot be evaluated ({words(error)})") from None


def kind_of(annotation: Any, around: tuple[Any, ...] = ()) -> Kind:
    """Make the kind of the values that an annotation allows.

    Args:
        annotation: Evaluated, with what `Annotated` adds.
        around: The records that it is in.

    Raises:
        Unusable: There is no kind for it.
    """
    if any(annotation is outer for outer in around):
        raise Unusable(f"{said(annotation)} holds itself, which a schema here cannot say; use Any inside it")
    if typing.get_origin(annotation) is Annotated:
        return _annotated(annotation, around)
    with contextlib.suppress(KeyError, TypeError):  # Not all that stands in annotations is hashable.
        return _SIMPLE[annotation]()
    kind = _of_cog(annotation) or _generic(annotation, around) or _named(annotation, around)
    if kind is None:
        raise Unusable(f"{said(annotation)} is not supported; supported are {SUPPORTED}")
    return kind


def limited(kind: Kind, wanted: Input) -> Kind:
    """Put the limits and the description of an input on a kind.

    Raises:
        Unusable: The limits are not for such values.
    """
    kind.limit(wanted)
    if wanted.choices is not None:
        kind = _chosen(kind, wanted.choices)
    if wanted.description is not None:
        kind.schema["description"] = wanted.description
    return kind


def field(kind: Kind, default: Any = ABSENT, *, is_filled: bool = False) -> Field:
    """Make the field of a record.

    Args:
        kind: What it holds.
        default: Its Python value where it is absent; ABSENT: it must be there.
        is_filled: The default is read like a given value; else the model's own code has it.

    Raises:
        Unusable: The default is not of this kind.
    """
    if default is ABSENT:
        return Field(kind, is_required=True, schema=kind.schema)
    if isinstance(default, PurePath):
        raise Unusable(
            "a file cannot be a default; use `Path | None = None` and open the model's own file instead"
        )
    try:
        value = kind.write(default)
        if not kind.has_files:
            kind.read(value, NO_FILES)
    except Unfit as fault:
        raise Unusable(f"its default does not fit: {fault.told('the default')}") from None
    schema = {**kind.schema, "default": value}
    return Field(kind, is_required=False, schema=schema, fill=value if is_filled or kind.has_files else ABSENT)


def said(annotation: Any) -> str:
    """Write an annotation as a person would."""
    if isinstance(annotation, type) and not typing.get_args(annotation):
        return annotation.__qualname__
    return str(annotation).replace("typing.", "")


def summary(documented: Any) -> dict[str, str]:
    """Give the first paragraph of its own docstring, as a part of a schema."""
    text = inspect.cleandoc(getattr(documented, "__doc__", None) or "").partition("\n\n")[0]
    is_generated = text.startswith(f"{documented.__name__}(") or text == "An enumeration."
    return {"description": " ".join(text.split())} if text and not is_generated else {}


def _annotated(annotation: Any, around: tuple[Any, ...]) -> Kind:
    inner, *extras = typing.get_args(annotation)
    if any(cog.name_of(extra) == "Opaque" for extra in extras):
        return Anything()
    kind = kind_of(inner, around)
    for extra in extras:
        if isinstance(extra, Input):
            kind = limited(kind, extra)
        elif cog.is_input(extra):
            kind = cog_limited(kind, extra)
    return kind


def cog_limited(kind: Kind, made: Any) -> Kind:
    """Put what `cog.Input(…)` says on a kind; for lists, it says it about each item."""
    described = Input(description=made.description)
    limits = Input(
        ge=made.ge,
        le=made.le,
        min_length=made.min_length,
        max_length=made.max_length,
        pattern=made.regex and f"^(?:{made.regex})",
        choices=made.choices
        and [choice.value if isinstance(choice, Enum) else choice for choice in made.choices],
    )
    kind = limited(_each_item(kind, lambda item: limited(item, limits)), described)
    if made.deprecated is not None:
        kind.schema["deprecated"] = made.deprecated
    return kind


def _each_item(kind: Kind, change: Callable[[Kind], Kind]) -> Kind:
    if isinstance(kind, Array):
        return Array(_each_item(kind.item, change))
    if isinstance(kind, Union):
        return Union([_each_item(member, change) for member in kind.kinds])
    return kind if isinstance(kind, Null) else change(kind)


def _chosen(kind: Kind, choices: typing.Sequence[Any]) -> Kind:
    if isinstance(kind, Union):
        return Union([member if isinstance(member, Null) else _chosen(member, choices) for member in kind.kinds])
    if not isinstance(kind, (Text, Number)):
        raise Unusable("Input(choices=…) is for text and numbers")
    try:
        values = [kind.write(choice) for choice in choices]
        return Choice([(value, kind.read(value, NO_FILES)) for value in values], {"type": kind.schema["type"]})
    except Unfit as fault:
        raise Unusable(fault.told("each of Input(choices=…)")) from None


def _of_cog(annotation: Any) -> Kind | None:
    match cog.name_of(annotation):
        case "Path":
            return File(annotation)
        case "File":
            return File(lambda path: path.open("rb"))
        case "Secret":
            return Secret(annotation)
    return None


def _generic(annotation: Any, around: tuple[Any, ...]) -> Kind | None:
    origin, parts = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Literal:
        return Choice([(part, part) for part in parts], {})
    if origin in (typing.Union, types.UnionType):
        return Union([kind_of(part, around) for part in parts])
    if origin is list:
        return Array(kind_of(parts[0], around) if parts else Anything())
    if origin is dict:
        if parts and parts[0] is not str:
            raise Unusable(f"{said(annotation)} is not supported: JSON objects have keys of type str")
        return Table(kind_of(parts[1], around) if parts else Anything())
    return None


def _named(annotation: Any, around: tuple[Any, ...]) -> Kind | None:
    for alias in ("__value__", "__supertype__"):  # `type X = …` and NewType
        if hasattr(annotation, alias):
            return kind_of(getattr(annotation, alias), (*around, annotation))
    if not isinstance(annotation, type):
        return None
    if issubclass(annotation, Enum):
        schema = {"title": annotation.__name__, **summary(annotation)}
        return Choice([(member.value, member) for member in annotation], schema)
    if dataclasses.is_dataclass(annotation):
        return _dataclass(annotation, (*around, annotation))
    if issubclass(annotation, dict) and hasattr(annotation, "__total__"):
        return _typed_dict(annotation, (*around, annotation))
    if isinstance(getattr(annotation, "model_fields", None), dict):
        return _pydantic(annotation, (*around, annotation))
    return None


def _dataclass(record: Any, around: tuple[Any, ...]) -> Record:
    evaluated = hints(record)
    fields = {}
    for part in dataclasses.fields(record):
        with naming(f"{record.__name__}.{part.name}"):
            if not part.init:
                raise Unusable("field(init=False) is not supported")
            made = field(
                kind_of(evaluated[part.name], around),
                ABSENT if part.default is dataclasses.MISSING else part.default,
            )
            has_factory = part.default_factory is not dataclasses.MISSING
            fields[part.name] = dataclasses.replace(made, is_required=False) if has_factory else made

    return _object(record, fields)


def _pydantic(record: Any, around: tuple[Any, ...]) -> Record:
    evaluated = hints(record)
    fields = {}
    for name, part in record.model_fields.items():
        with naming(f"{record.__name__}.{name}"):
            made = field(kind_of(evaluated[name], around))
            fields[name] = dataclasses.replace(made, is_required=part.is_required())
    return _object(record, fields)


def _object(record: Any, fields: Mapping[str, Field]) -> Record:
    """Make the kind of objects with attributes."""

    def take(value: Any) -> Mapping[str, Any] | None:
        if isinstance(value, record):
            return {name: getattr(value, name) for name in fields}
        return value if isinstance(value, Mapping) else None

    return Record(fields, {"title": record.__name__, **summary(record)}, make=record, take=take)


def _typed_dict(record: Any, around: tuple[Any, ...]) -> Record:
    fields = {}
    for name, annotation in hints(record).items():
        with naming(f"{record.__name__}.{name}"):
            inner, is_required = _qualified(annotation, name in record.__required_keys__)
            fields[name] = dataclasses.replace(field(kind_of(inner, around)), is_required=is_required)
    return Record(fields, {"title": record.__name__, **summary(record)})


def _qualified(annotation: Any, is_required: bool) -> tuple[Any, bool]:
    """Take `Required`, `NotRequired` and `ReadOnly` off, of `typing` and of `typing_extensions`."""
    while (qualifier := getattr(typing.get_origin(annotation), "_name", None)) in (
        "Required",
        "NotRequired",
        "ReadOnly",
    ):
        is_required = is_required if qualifier == "ReadOnly" else qualifier == "Required"
        [annotation] = typing.get_args(annotation)
    return annotation, is_required
