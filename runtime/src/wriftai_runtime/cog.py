"""What a model took from the package `cog`, recognised where the model imported it; never imported here."""

import sys
from typing import Any

Names = tuple[str, ...]


def name_of(annotation: Any) -> str | None:
    """Give the name of a type of cog's that models write into signatures, or None."""
    names = ("Path", "File", "Secret", "ConcatenateIterator", "AsyncConcatenateIterator", "Opaque")
    return next((name for name in names if _member(name) is annotation), None) if _cog() else None


def is_input(default: Any) -> bool:
    """Tell whether a parameter's default is what `cog.Input(…)` made."""
    field = _member("FieldInfo")
    return isinstance(field, type) and isinstance(default, field)


def is_runner(predictor: type) -> bool:
    """Tell whether a class is one of cog's runners."""
    return any(base in predictor.__mro__ for base in _bases())


def defines(predictor: type, method: str) -> bool:
    """Tell whether a class or one of the model's own bases of it has a method."""
    for owner in predictor.__mro__:
        if owner in _bases() or owner is object:
            return False
        if method in vars(owner):
            return True
    return False


def _bases() -> list[Any]:
    return [base for name in ("BaseRunner", "BasePredictor") if (base := _member(name)) is not None]


def _member(name: str) -> Any:
    return getattr(_cog(), name, None)


def _cog() -> Any:
    return sys.modules.get("cog")
