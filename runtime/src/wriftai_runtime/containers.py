"""Kinds of values that hold others: lists, mappings, and records with named fields."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from wriftai_runtime.faults import Unfit
from wriftai_runtime.inputs import Input
from wriftai_runtime.kinds import Files, Kind, at, each_item, each_value, mismatch, plain
from wriftai_runtime.scalars import Span, given

ABSENT: Any = object()


class Array(Kind):
    """A list of values of one kind."""

    _limits = ("min_length", "max_length")

    def __init__(self, item: Kind) -> None:
        super().__init__({"type": "array", "items": item.schema})
        self.item = item
        self.has_files = item.has_files
        self._length = Span("items", 0, math.inf)

    def limit(self, wanted: Input) -> None:
        super().limit(wanted)
        self._length = Span("items", wanted.min_length, wanted.max_length)
        self.schema |= given(minItems=wanted.min_length, maxItems=wanted.max_length)

    def read(self, value: Any, files: Files) -> list[Any]:
        if not isinstance(value, list):
            raise mismatch("a list", value)
        self._length.check(len(value))
        return each_item(value, lambda item: self.item.read(item, files))

    def write(self, value: Any) -> list[Any]:
        if not isinstance(value, (list, tuple)):
            value = plain(value)
            if not isinstance(value, list):
                raise mismatch("a list", value)
        self._length.check(len(value))
        return each_item(value, self.item.write)


class Table(Kind):
    """An object with keys of any name, whose values are of one kind."""

    def __init__(self, item: Kind) -> None:
        super().__init__({"type": "object", **({"additionalProperties": item.schema} if item.schema else {})})
        self._item = item
        self.has_files = item.has_files

    def read(self, value: Any, files: Files) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise mismatch("an object", value)
        return each_value(value, lambda item: self._item.read(item, files))

    def write(self, value: Any) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            value = plain(value)
            if not isinstance(value, Mapping):
                raise mismatch("an object", value)
        return each_value(value, self._item.write)


@dataclass(frozen=True)
class Field:
    """A named part of a record.

    Attributes:
        kind: What it holds.
        is_required: It must be there.
        schema: What the record's schema says about it.
        fill: JSON value that is read where it is absent; ABSENT leaves it out.
    """

    kind: Kind
    is_required: bool
    schema: dict[str, Any]
    fill: Any = ABSENT


class Record(Kind):
    """An object with named fields and no others.

    Args:
        fields: By name, in order.
        schema: Title and description.
        make: Makes the Python value from the fields that are there.
        take: Gives a mapping for a Python value, or None where it is of another type.
    """

    def __init__(
        self,
        fields: Mapping[str, Field],
        schema: Mapping[str, Any],
        *,
        make: Callable[..., Any] = dict,
        take: Callable[[Any], Mapping[str, Any] | None] = lambda value: (
            value if isinstance(value, Mapping) else None
        ),
    ) -> None:
        required = [name for name, field in fields.items() if field.is_required]
        super().__init__(
            {
                **schema,
                "type": "object",
                "properties": {name: field.schema for name, field in fields.items()},
                **({"required": required} if required else {}),
                "additionalProperties": False,
            }
        )
        self._fields, self._required, self._make, self._take = fields, required, make, take
        self.has_files = any(field.kind.has_files for field in fields.values())

    def read(self, value: Any, files: Files) -> Any:
        if not isinstance(value, dict):
            raise mismatch("an object", value)
        self._check_names(value)
        made = {}
        for name, field in self._fields.items():
            item = value.get(name, field.fill)
            if item is not ABSENT:
                made[name] = at(name, field.kind.read, item, files)
        return self._make(**made)

    def write(self, value: Any) -> dict[str, Any]:
        taken = self._take(value)
        if taken is None:
            raise mismatch(str(self.schema.get("title", "an object")), value)
        self._check_names(taken)
        return {name: at(name, self._fields[name].kind.write, item) for name, item in taken.items()}

    def _check_names(self, there: Mapping[Any, Any]) -> None:
        for name in self._required:
            if name not in there:
                raise Unfit("is missing", (name,))
        for name in there:
            if name not in self._fields:
                known = ", ".join(self._fields) or "none"
                raise Unfit(f"is not known here; known are: {known}", (str(name),))
