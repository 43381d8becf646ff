"""What can be wrong with a model, an input or an output, in words for the person who can mend it."""

import contextlib
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Literal

_STANDARD = Path(contextlib.__file__).parent
_MACHINERY = (
    str(Path(__file__).parent),
    "<frozen importlib",
    *(str(_STANDARD / name) for name in ("importlib", "asyncio")),
)
_MOST_WORDS = 10_000
_MOST_TRACEBACK = 100_000

Kind = Literal["model", "input", "output"]


class Unusable(Exception):
    """The model cannot be loaded, or its signature cannot be turned into schemas."""


@contextlib.contextmanager
def naming(place: str) -> Iterator[None]:
    """Name a place in what is said to be unusable there."""
    try:
        yield
    except Unusable as fault:
        raise Unusable(f"{place}: {fault}") from fault.__cause__


class Unfit(Exception):
    """A value does not have the shape that was declared.

    Attributes:
        path: Names and positions that lead to the value, outermost first.
        words: What is wrong there; never the value itself, which may be secret.
    """

    def __init__(self, words: str, path: tuple[str | int, ...] = ()) -> None:
        super().__init__(words)
        self.words = words
        self.path = path

    def under(self, key: str | int) -> "Unfit":
        """Give the same fault, seen from one level further out."""
        return Unfit(self.words, (key, *self.path))

    def told(self, root: str) -> str:
        """Give a sentence that begins with the place, as in `input.scores[2] must be a number, not text`."""
        place = root
        for part in self.path:
            place += f"[{part}]" if isinstance(part, int) else f".{part}"
        return f"{place} {self.words}."


class Fault(Exception):
    """A prediction cannot go on.

    Attributes:
        kind: Whose fault it is: the caller's input, or what the model gave as its output.
    """

    def __init__(self, kind: Kind, message: str) -> None:
        super().__init__(message)
        self.kind: Kind = kind


class Cancelled(BaseException):
    """The prediction was cancelled; raised inside the model's code."""


def words(error: BaseException) -> str:
    """Give the name and the text of an error, bounded, even where the error cannot say itself."""
    try:
        text = str(error)
    except Exception:
        text = "its text cannot be made"
    name = type(error).__qualname__
    return (f"{name}: {text}" if text else name)[:_MOST_WORDS]


def model_traceback(error: BaseException) -> str:
    """Give the traceback of an error from the model's first line on, bounded, without the runtime's own lines."""
    lines = traceback.format_exception(type(error), error, _from_model(error.__traceback__))
    text = "".join(lines)
    if len(text) > _MOST_TRACEBACK:
        half = _MOST_TRACEBACK // 2
        text = f"{text[:half]}\n… {len(text) - 2 * half} characters are left out …\n{text[-half:]}"
    return text


def _from_model(trace: TracebackType | None) -> TracebackType | None:
    first = trace
    while first is not None and first.tb_frame.f_code.co_filename.startswith(_MACHINERY):
        first = first.tb_next
    return first
