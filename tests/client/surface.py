"""Describes what a module offers in short facts, so that they can be compared with a table."""

import ast
import collections.abc
import enum
import inspect
import textwrap
import types
import typing
from typing import Any

from typing_extensions import is_typeddict

from wriftai.common_types import JsonValue, NotRequired

UNIONS = (typing.Union, types.UnionType)


def described(module: types.ModuleType) -> dict[str, str]:
    """Give a fact for each exported name, and for each of its fields, members and own public methods."""
    facts: dict[str, str] = {}
    for name in module.__all__:
        thing = getattr(module, name)
        if inspect.isfunction(thing):
            facts[name] = spelled_function(thing)
            continue
        if not isinstance(thing, type):
            facts[name] = "JSON" if thing == JsonValue else repr(thing)
            continue
        facts[name] = described_class(thing)
        for part, fact in parts(thing).items():
            facts[f"{name}.{part}"] = fact
    return facts


def described_class(kind: type) -> str:
    [definition] = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    assert isinstance(definition, ast.ClassDef)
    bases = ", ".join(ast.unparse(base) for base in definition.bases)
    if is_typeddict(kind) or issubclass(kind, (enum.Enum, BaseException)):
        return f"class({bases})"
    return f"class({bases}), {spelled_parameters(inspect.signature(kind))}"


def parts(kind: type) -> dict[str, str]:
    if is_typeddict(kind):
        return {name: spelled(hint) for name, hint in kind.__annotations__.items()}
    if issubclass(kind, enum.Enum):
        return {member.name: repr(member.value) for member in kind}
    return {
        name: spelled_function(method, skip=1)
        for name, method in vars(kind).items()
        if inspect.isfunction(method) and not name.startswith("_")
    }


def spelled_function(method: Any, skip: int = 0) -> str:
    """Spell a function as in source code, without its first `skip` parameters."""
    signature = inspect.signature(method)
    awaited = inspect.iscoroutinefunction(method) or inspect.isasyncgenfunction(method)
    returns = f"-> {spelled(signature.return_annotation)}"
    if inspect.isgeneratorfunction(method) or inspect.isasyncgenfunction(method):
        returns = f"generates {spelled(typing.get_args(signature.return_annotation)[0])}"
    return f"{'async ' if awaited else ''}{spelled_parameters(signature, skip)} {returns}"


def spelled_parameters(signature: inspect.Signature, skip: int = 0) -> str:
    """Spell parameters as in source code, without the first `skip`."""
    written: list[str] = []
    for parameter in list(signature.parameters.values())[skip:]:
        if parameter.kind is parameter.KEYWORD_ONLY and "*" not in written:
            written.append("*")
        default = "" if parameter.default is parameter.empty else f" = {parameter.default!r}"
        written.append(f"{parameter.name}: {spelled(parameter.annotation)}{default}")
    return f"({', '.join(written)})"


def spelled(hint: Any) -> str:
    """Spell a type as in source code."""
    if hint == JsonValue:
        return "JsonValue"
    if hint is None or hint is type(None):
        return "None"
    if hint is Any:
        return "Any"
    if isinstance(hint, (str, typing.ForwardRef)):
        return hint if isinstance(hint, str) else hint.__forward_arg__
    if isinstance(hint, list):
        return f"[{', '.join(map(spelled, hint))}]"
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is None:
        return str(hint.__name__)
    if origin in UNIONS:
        return " | ".join(map(spelled, arguments))
    if origin is typing.Literal:
        return f"Literal[{', '.join(map(repr, arguments))}]"
    if origin is NotRequired:
        return f"NotRequired[{spelled(arguments[0])}]"
    name = "Callable" if origin is collections.abc.Callable else origin.__name__
    return f"{name}[{', '.join(map(spelled, arguments))}]"
