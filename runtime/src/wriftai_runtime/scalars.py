"""Kinds of single values: text, numbers, truth, bytes."""

import base64
import math
import re
from collections.abc import Callable
from typing import Any

from wriftai_runtime.faults import Unfit, Unusable
from wriftai_runtime.inputs import Input
from wriftai_runtime.kinds import NO_FILES, Files, Kind, finite, mismatch, plain


class Text(Kind):
    """Text, perhaps of a bounded length or with a pattern."""

    _limits = ("min_length", "max_length", "pattern")

    def __init__(self) -> None:
        super().__init__({"type": "string"})
        self._length = Span("characters", 0, math.inf)
        self._pattern: re.Pattern[str] | None = None

    def limit(self, wanted: Input) -> None:
        super().limit(wanted)
        self._length = Span("characters", wanted.min_length, wanted.max_length)
        self.schema |= given(minLength=wanted.min_length, maxLength=wanted.max_length, pattern=wanted.pattern)
        if wanted.pattern is not None:
            try:
                self._pattern = re.compile(wanted.pattern)
            except re.error as error:
                raise Unusable(f"Input(pattern=…) is not a regular expression: {error}") from None

    def read(self, value: Any, files: Files) -> str:
        if not isinstance(value, str):
            raise mismatch("text", value)
        self._length.check(len(value))
        if self._pattern and not self._pattern.search(value):
            raise Unfit(f"must match the pattern {self._pattern.pattern}")
        return value

    def write(self, value: Any) -> str:
        return self.read(value if type(value) is str else plain(value), NO_FILES)


class Number(Kind):
    """A number; never NaN or infinite."""

    _limits = ("ge", "le")
    _type, _words = "number", "a number"

    def __init__(self) -> None:
        super().__init__({"type": self._type})
        self._range = Span(None, None, None)

    def limit(self, wanted: Input) -> None:
        super().limit(wanted)
        self._range = Span(None, wanted.ge, wanted.le)
        self.schema |= given(minimum=wanted.ge, maximum=wanted.le)

    def read(self, value: Any, files: Files) -> float:
        try:
            return float(self._checked(value))
        except OverflowError:
            raise Unfit("is too large a number") from None

    def write(self, value: Any) -> float:
        return self._checked(value if isinstance(value, (int, float)) else plain(value))

    def _checked(self, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise mismatch(self._words, value)
        number = int(value) if isinstance(value, int) else finite(value)
        self._range.check(number)
        return number


class Integer(Number):
    """A whole number; 1.0 is one too, as in JSON Schema."""

    _type, _words = "integer", "a whole number"

    def read(self, value: Any, files: Files) -> int:
        return self._checked(value)

    def write(self, value: Any) -> int:
        return self._checked(value if isinstance(value, (int, float)) else plain(value))

    def _checked(self, value: Any) -> int:
        number = super()._checked(value)
        if number != (whole := int(number)):
            raise mismatch(self._words, value)
        return whole


class Boolean(Kind):
    """True or false."""

    def __init__(self) -> None:
        super().__init__({"type": "boolean"})

    def read(self, value: Any, files: Files) -> bool:
        if not isinstance(value, bool):
            raise mismatch("true or false", value)
        return value

    def write(self, value: Any) -> bool:
        return self.read(plain(value), NO_FILES)


class Secret(Kind):
    """Text that nobody else should see; an input only.

    Args:
        make: Makes what model code gets, which does not show the text.
    """

    def __init__(self, make: Callable[[str], Any]) -> None:
        super().__init__({"type": "string", "format": "password", "writeOnly": True, "x-cog-secret": True})
        self._make = make

    def read(self, value: Any, files: Files) -> Any:
        if not isinstance(value, str):
            raise mismatch("text", value)
        return self._make(value)

    def write(self, value: Any) -> Any:
        raise Unfit("is a secret, which is never shown")


class Base64(Kind):
    """Bytes, as text in base64."""

    def __init__(self) -> None:
        super().__init__({"type": "string", "contentEncoding": "base64"})

    def read(self, value: Any, files: Files) -> bytes:
        if not isinstance(value, str):
            raise mismatch("text in base64", value)
        try:
            return base64.b64decode(value, validate=True)
        except ValueError:
            raise Unfit("must be text in base64 (RFC 4648, with padding)") from None

    def write(self, value: Any) -> str:
        if not isinstance(value, (bytes, bytearray, memoryview)):
            raise mismatch("bytes", value)
        return base64.b64encode(value).decode()


class Span:
    """From the least to the most that is allowed, both included.

    Args:
        unit: What is counted; None for the value itself.
        least: None: no limit.
        most: None: no limit.
    """

    def __init__(self, unit: str | None, least: float | None, most: float | None) -> None:
        self._unit = unit
        self._least = -math.inf if least is None else least
        self._most = math.inf if most is None else most

    def check(self, number: float) -> None:
        """Check a number.

        Raises:
            Unfit: It is outside.
        """
        if self._least <= number <= self._most:
            return
        is_below = number < self._least
        bound, edge = ("at least", self._least) if is_below else ("at most", self._most)
        raise Unfit(f"must have {bound} {edge} {self._unit}" if self._unit else f"must be {bound} {edge}")


def given(**limits: Any) -> dict[str, Any]:
    """Give the limits that are set."""
    return {name: limit for name, limit in limits.items() if limit is not None}
