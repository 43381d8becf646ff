"""A model's predictor: loaded from its folder, and what it does."""

import importlib
import inspect
import os
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wriftai_runtime.faults import Unusable
from wriftai_runtime.signature import Signature, signature_of


@dataclass(frozen=True)
class Predictor:
    """A predictor that was made, but not set up.

    Attributes:
        signature: What it takes and gives.
        predict: Its method that predicts, of whichever name; takes the inputs by name.
        setup: Makes it ready; what that gives may have to be awaited.
    """

    signature: Signature
    predict: Callable[..., Any]
    setup: Callable[[], Any]

    def set_up(self) -> None:
        """Make it ready where no event loop runs."""
        given = self.setup()
        if inspect.isawaitable(given):
            import asyncio

            asyncio.run(_awaited(given))


def find(folder: Path, predictor: str) -> type:
    """Import the class of a model; the folder becomes the working directory, and modules in it can be imported.

    Args:
        folder: Holds the model's files.
        predictor: File in it and class, as `predict.py:Predictor`.

    Raises:
        Unusable: There is no such file or class. What the model's own code raises comes through.
    """
    file, colon, name = predictor.partition(":")
    path = Path(file)
    parts = path.with_suffix("").parts
    if not colon or path.suffix != ".py" or not all(part.isidentifier() for part in (*parts, name)):
        raise Unusable(
            f"the predictor {predictor!r} must be of the form file.py:Class, as in predict.py:Predictor"
        )
    folder = folder.resolve()
    if not (folder / path).is_file():
        raise Unusable(f"the predictor's file {file} is not in the model's folder")
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    module = importlib.import_module(".".join(parts))
    found = getattr(module, "__file__", None)
    if found is None or Path(found).resolve() != (folder / path).resolve():
        raise Unusable(
            f"{file} has the name of another module ({found or 'a built-in one'}): give it another name"
        )
    return _class(module, file, name)


def make(found: type) -> Predictor:
    """Make a predictor of its class.

    Raises:
        Unusable: Its signature cannot be used. What the model's own code raises comes through.
    """
    signature = signature_of(found)
    made = found()
    return Predictor(signature, getattr(made, signature.method), lambda: _setup(made))


def close(pieces: Any) -> None:
    """Let the model tidy up after the pieces of an output, however far it came."""
    if end := getattr(pieces, "close", None):
        end()


async def _awaited(given: Awaitable[Any]) -> None:
    await given


def _class(module: Any, file: str, name: str) -> type:
    found = getattr(module, name, None)
    if isinstance(found, type):
        return found
    if found is not None:
        raise Unusable(
            f"{name} in {file} is not a class; the predictor is a class with a method predict(self, …)"
        )
    classes = [
        key
        for key, value in vars(module).items()
        if isinstance(value, type) and value.__module__ == module.__name__
    ]
    raise Unusable(f"{file} has no class {name}; it has: {', '.join(classes) or 'none'}")


def _setup(predictor: Any) -> Any:
    setup = getattr(predictor, "setup", None)
    if setup is None:
        return None
    takes_weights = "weights" in inspect.signature(setup).parameters  # As Cog's setup may.
    return setup(weights=os.environ.get("COG_WEIGHTS")) if takes_weights else setup()
