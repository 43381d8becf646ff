"""What a predictor takes and gives: its method, turned into schemas and into readers and writers of values."""

import collections.abc
import inspect
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wriftai_runtime import cog
from wriftai_runtime.annotations import cog_limited, field, hints, kind_of, said, summary
from wriftai_runtime.containers import ABSENT, Array, Field, Record
from wriftai_runtime.faults import Unusable, naming
from wriftai_runtime.inputs import Input
from wriftai_runtime.kinds import Kind

_ITERATORS = (collections.abc.Iterator, collections.abc.Iterable, collections.abc.Generator)
_ASYNC_ITERATORS = (
    collections.abc.AsyncIterator,
    collections.abc.AsyncIterable,
    collections.abc.AsyncGenerator,
)


@dataclass(frozen=True)
class Signature:
    """What a predictor takes and gives.

    Attributes:
        method: Name of the method that predicts.
        input: Reads the input into keyword arguments.
        output: Writes the output; of a stream, one piece of it.
        streams: The output comes in pieces, and is the list of them.
        is_async: The method runs in an event loop.
        output_schema: JSON Schema of the whole output.
    """

    method: str
    input: Record
    output: Kind
    streams: bool
    is_async: bool
    output_schema: Mapping[str, Any]

    def described(self) -> dict[str, Any]:
        """Give the schemas as one JSON object."""
        return {"input": self.input.schema, "output": self.output_schema, "streams": self.streams}


def signature_of(predictor: type) -> Signature:
    """Read the signature of a predictor's method.

    Raises:
        Unusable: It has none, or says something that has no schema; names the parameter and the annotation.
    """
    name = _method_name(predictor)
    with naming(f"{predictor.__name__}.{name}()"):
        method = inspect.unwrap(getattr(predictor, name))
        evaluated = hints(method)
        with naming("its output"):
            output, display, asynchronous = _output(evaluated.get("return", ABSENT))
        makes_pieces = inspect.isgeneratorfunction(method) or inspect.isasyncgenfunction(method)
        if makes_pieces and display is None:
            raise Unusable(
                "it yields its output in pieces, so it has to say what they are, as in `-> Iterator[str]`"
            )
        return Signature(
            method=name,
            input=_input(predictor, name, evaluated),
            output=output,
            streams=display is not None,
            is_async=asynchronous or inspect.iscoroutinefunction(method) or inspect.isasyncgenfunction(method),
            output_schema=output.schema if display is None else Array(output).schema | display,
        )


def _method_name(predictor: type) -> str:
    named = [name for name in ("run", "predict") if cog.defines(predictor, name)]
    if not named:
        raise Unusable(f"{predictor.__name__} has no method predict(self, …): write one, it makes the output")
    if len(named) > 1 and cog.is_runner(predictor):
        raise Unusable(f"{predictor.__name__} has both run() and predict(): keep one of them")
    return named[-1]


def _input(predictor: type, name: str, evaluated: Mapping[str, Any]) -> Record:
    parameters = list(inspect.signature(getattr(predictor, name)).parameters.values())
    if not isinstance(inspect.getattr_static(predictor, name), (staticmethod, classmethod)):
        parameters = parameters[1:]
    fields = {}
    for order, parameter in enumerate(parameters):
        with naming(f"parameter `{parameter.name}`"):
            made = _parameter(parameter, evaluated.get(parameter.name, ABSENT), cog.is_runner(predictor))
            made.schema["x-order"] = order
            fields[parameter.name] = made
    return Record(fields, {"title": "Input", **summary(inspect.unwrap(getattr(predictor, name)))})


def _parameter(parameter: inspect.Parameter, annotation: Any, is_cogs: bool) -> Field:
    if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
        raise Unusable(
            "an input is given by its name, so *args, **kwargs and positional-only ones cannot be inputs"
        )
    if annotation is ABSENT:
        raise Unusable(f"it has no annotation: say what it is, as in `{parameter.name}: str`")
    default = ABSENT if parameter.default is parameter.empty else parameter.default
    if isinstance(default, Input):
        raise Unusable(
            f"write `{parameter.name}: Annotated[{said(annotation)}, Input(…)]`; the default stays a default"
        )
    kind = kind_of(annotation)
    if cog.is_input(default):
        kind, default = cog_limited(kind, default), default.default
        return field(kind, ABSENT if default is None and not _takes_null(kind) else default, is_filled=True)
    if is_cogs and default is None and not _takes_null(kind):
        default = ABSENT
    return field(kind, default, is_filled=is_cogs)


def _takes_null(kind: Kind) -> bool:
    return not kind.schema or any(part.get("type") == "null" for part in kind.schema.get("anyOf", ()))


def _output(annotation: Any) -> tuple[Kind, dict[str, str] | None, bool]:
    """Give the kind, how pieces of it are shown (None: it is whole), and whether they come by awaiting."""
    if annotation is ABSENT:
        raise Unusable("it has no annotation: say what the method gives, as in `-> str`")
    origin = typing.get_origin(annotation) or annotation
    concatenates = cog.name_of(origin) in ("ConcatenateIterator", "AsyncConcatenateIterator")
    if not concatenates and origin not in _ITERATORS + _ASYNC_ITERATORS:
        return kind_of(annotation), None, False
    parts = typing.get_args(annotation)
    kind = kind_of(parts[0] if parts else Any)
    display = {"x-cog-array-type": "iterator", **({"x-cog-array-display": "concatenate"} if concatenates else {})}
    return kind, display, origin in _ASYNC_ITERATORS or cog.name_of(origin) == "AsyncConcatenateIterator"
