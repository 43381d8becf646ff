"""Kinds of values: the JSON Schema of each, and how it is read from JSON and written to it."""

import dataclasses
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Any, Protocol

from wriftai_runtime.faults import Unfit, Unusable
from wriftai_runtime.inputs import Input

_DEEPEST = 100
_NAMES = {
    bool: "true or false",
    str: "text",
    int: "a whole number",
    float: "a number",
    list: "a list",
    dict: "an object",
}
_BASES: Mapping[type, Callable[[Any], Any]] = {bool: bool, int: int, str: str.__str__}


class Files(Protocol):
    """Where the files of one prediction come from."""

    def fetch(self, url: str) -> Path:
        """Store what a data: or http(s) URL leads to, and give its path."""
        ...


class _NoFiles:
    def fetch(self, url: str) -> Path:
        raise Unfit("cannot be a file here")


NO_FILES: Files = _NoFiles()


class Kind(ABC):
    """One kind of value.

    Attributes:
        schema: Its JSON Schema, draft 2020-12.
        has_files: Reading it may fetch files.
    """

    has_files = False
    _limits: tuple[str, ...] = ()

    def __init__(self, schema: dict[str, Any]) -> None:
        self.schema = schema

    @abstractmethod
    def read(self, value: Any, files: Files) -> Any:
        """Make the Python value that model code gets.

        Raises:
            Unfit: The JSON value is not of this kind.
        """
        ...

    @abstractmethod
    def write(self, value: Any) -> Any:
        """Make the JSON value of what model code gave.

        Raises:
            Unfit: The Python value is not of this kind.
        """
        ...

    def limit(self, wanted: Input) -> None:
        """Take over the limits that are set.

        Raises:
            Unusable: This kind has no such limit.
        """
        for name in ("ge", "le", "min_length", "max_length", "pattern"):
            if getattr(wanted, name) is not None and name not in self._limits:
                raise Unusable(f"Input({name}=…) is not for values of this type: {self.schema}")


class Anything(Kind):
    """Whatever JSON can hold."""

    def __init__(self) -> None:
        super().__init__({})

    def read(self, value: Any, files: Files) -> Any:
        return value

    def write(self, value: Any) -> Any:
        return self._written(value, _DEEPEST)

    def _written(self, value: Any, depth: int) -> Any:
        if value is None or type(value) in (str, bool, int):
            return value
        if isinstance(value, float):
            return finite(value)
        if depth == 0:
            raise Unfit(f"is nested more than {_DEEPEST} levels deep, or holds itself")
        if isinstance(value, Mapping):
            return each_value(value, lambda item: self._written(item, depth - 1))
        if isinstance(value, (list, tuple)):
            return each_item(value, lambda item: self._written(item, depth - 1))
        if (given := plain(value)) is value:
            raise Unfit(f"must be something that JSON can hold, not {type(value).__qualname__}")
        return self._written(given, depth - 1)


class Null(Kind):
    """Nothing."""

    def __init__(self) -> None:
        super().__init__({"type": "null"})

    def read(self, value: Any, files: Files) -> None:
        if value is not None:
            raise mismatch("null", value)

    def write(self, value: Any) -> None:
        if value is not None:
            raise mismatch("null", value)


class Choice(Kind):
    """One of some values, each a JSON scalar that stands for a Python value.

    Args:
        members: The JSON values, each with what model code gets for it.
        schema: What else the schema says.
    """

    def __init__(self, members: Sequence[tuple[Any, Any]], schema: Mapping[str, Any]) -> None:
        for value, _ in members:
            if value is not None and type(value) not in (str, int, float, bool):
                raise Unusable(f"a choice must be text, a number, true, false or None, not {value!r}")
        values = [value for value, _ in members]
        super().__init__({**schema, "enum": values})
        self._members = {_identity(value): (value, member) for value, member in members}
        self._words = ", ".join(map(repr, values))

    def read(self, value: Any, files: Files) -> Any:
        return self._find(value)[1]

    def write(self, value: Any) -> Any:
        return self._find(plain(value))[0]

    def _find(self, value: Any) -> tuple[Any, Any]:
        try:
            return self._members[_identity(value)]
        except (KeyError, TypeError):
            raise Unfit(f"must be one of {self._words}") from None


class Union(Kind):
    """A value of any of some kinds; the first that fits is taken."""

    def __init__(self, kinds: Sequence[Kind]) -> None:
        super().__init__({"anyOf": [kind.schema for kind in kinds]})
        self.kinds = kinds
        self.has_files = any(kind.has_files for kind in kinds)

    def limit(self, wanted: Input) -> None:
        for kind in self.kinds:
            if not isinstance(kind, Null):
                kind.limit(wanted)

    def read(self, value: Any, files: Files) -> Any:
        return self._first(lambda kind: kind.read(value, files))

    def write(self, value: Any) -> Any:
        return self._first(lambda kind: kind.write(value))

    def _first(self, attempt: Callable[[Kind], Any]) -> Any:
        faults = []
        for kind in self.kinds:
            try:
                return attempt(kind)
            except Unfit as fault:
                faults.append(fault)
        deepest = max(faults, key=lambda fault: len(fault.path))
        if deepest.path:
            raise deepest
        raise Unfit(", or ".join(dict.fromkeys(fault.words for fault in faults)))


def mismatch(wanted: str, value: Any) -> Unfit:
    """Make the fault of a value that is of another type."""
    name = "null" if value is None else _NAMES.get(type(value), type(value).__qualname__)
    return Unfit(f"must be {wanted}, not {name}")


def finite(value: float) -> float:
    """Give a plain float.

    Raises:
        Unfit: It is NaN or infinite.
    """
    if not math.isfinite(value):
        raise Unfit(f"must be a number that JSON can hold, not {value}")
    return float(value)


def at(place: str, convert: Callable[..., Any], *args: Any) -> Any:
    """Convert one value, and name its place in what is raised.

    Args:
        place: Name of the field that it is in.
        convert: Does so.
        args: The value, and what else `convert` takes.

    Raises:
        Unfit: It does not fit.
    """
    try:
        return convert(*args)
    except Unfit as fault:
        raise fault.under(place) from None


def each_item(items: Iterable[Any], convert: Callable[[Any], Any]) -> list[Any]:
    """Convert each item of a list, and name its position in what is raised.

    Raises:
        Unfit: One does not fit.
    """
    made: list[Any] = []
    try:
        for item in items:
            made.append(convert(item))  # noqa: PERF401  its length tells the position of what fails
    except Unfit as fault:
        raise fault.under(len(made)) from None
    return made


def each_value(items: Mapping[Any, Any], convert: Callable[[Any], Any]) -> dict[str, Any]:
    """Convert each value of a mapping, and name its key in what is raised.

    Raises:
        Unfit: A key is not text, or a value does not fit.
    """
    made: dict[str, Any] = {}
    for key, item in items.items():
        if not isinstance(key, str):
            raise Unfit(f"must have keys that are text, not {type(key).__qualname__}")
        try:
            made[str.__str__(key)] = convert(item)
        except Unfit as fault:
            raise fault.under(key) from None
    return made


def plain(value: Any) -> Any:
    """Take the plain value out of an enumeration's member, a dataclass, or what numpy and its kin make.

    Gives the value itself where there is none.
    """
    if isinstance(value, Enum):
        return value.value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    for base, convert in _BASES.items():
        if isinstance(value, base):
            return convert(value)
    for name in ("tolist", "item"):
        give = getattr(type(value), name, None)
        if callable(give) and type(given := give(value)) is not type(value):
            return given
    return value


def _identity(value: Any) -> tuple[bool, Any]:
    """Tell true from 1 as JSON does, and not 1 from 1.0."""
    return isinstance(value, bool), value
