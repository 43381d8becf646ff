"""Write the sections of the reference pages: one a public name, in Markdown."""

import importlib
import re
from collections.abc import Iterable
from dataclasses import is_dataclass, replace
from enum import Enum
from functools import cache
from types import FunctionType
from typing import is_typeddict

from reference_source import (
    PACKAGE,
    Form,
    class_source,
    constructor,
    definitions,
    fields,
    function,
    operations,
    parse,
    type_text,
    value_text,
)

# In the order in which a reader needs them.
MODULES = (
    "wriftai",
    "wriftai.models",
    "wriftai.versions",
    "wriftai.predictions",
    "wriftai.hardware",
    "wriftai.users",
    "wriftai.authenticated_user",
    "wriftai.pagination",
    "wriftai.common_types",
    "wriftai.errors",
    "wriftai.webhooks",
    "wriftai.api",
)
LINE_LENGTH = 96


def page_name(module: str) -> str:
    """Name the file of a module's page."""
    return f"{module.removeprefix(f'{PACKAGE}.')}.md"


def home(module: str, name: str) -> str:
    """Name the module that a public name belongs to: the one that publishes it, unless it is from another."""
    if name in definitions(module):
        return module
    source: str = getattr(importlib.import_module(module), name).__module__
    return module if source.startswith(f"{PACKAGE}._") else source


@cache
def public(module: str) -> list[str]:
    """List what a module publishes: what has operations, the rest of its own, what is from other modules."""
    found = importlib.import_module(module)
    order = [*definitions(module), *found.__all__]

    def rank(name: str) -> tuple[bool, bool, int]:
        own, value = home(module, name) == module, getattr(found, name)
        return not own, not (own and isinstance(value, type) and operations(value)), order.index(name)

    return sorted(found.__all__, key=rank)


@cache
def targets() -> dict[str, str]:
    """Tell where each public name of ours is described, as the target of a link."""
    return {
        name: f"{page_name(module)}#{name.lower()}"
        for module in MODULES
        for name in public(module)
        if home(module, name) == module
    }


def linked(type_: str) -> str:
    """Write a type, with links to those of ours that it names."""
    ours = [name for name in dict.fromkeys(re.findall(r"[\w.]+", type_)) if name in targets()]
    if len(ours) == 1:
        return f"[`{type_}`]({targets()[ours[0]]})"
    links = ", ".join(linked(name) for name in ours)
    return f"`{type_}` ({links})" if links else f"`{type_}`"


def table(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    """Write a table; nothing when it has no rows."""
    heads, cells = list(columns), [list(row) for row in rows]
    lines = [heads, ["---"] * len(heads), *cells]
    bars = [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines]
    return ["\n".join(bars)] if cells else []


def fence(*forms: Form) -> str:
    """Write signatures, each in one line where it fits."""
    signatures = []
    for form in forms:
        returns = f" -> {form.returns}" if form.returns else ""
        signature = f"{form.keyword}{form.name}({', '.join(form.parameters)}){returns}"
        if len(signature) > LINE_LENGTH:
            parameters = "".join(f"    {each},\n" for each in form.parameters)
            signature = f"{form.keyword}{form.name}(\n{parameters}){returns}"
        signatures.append(signature)
    return "\n".join(["```python", "\n\n".join(signatures), "```"])


def parameter_table(form: Form, twin: Form) -> list[str]:
    """Write what an operation takes, and where its twin takes another type."""
    rows = []
    for field, other in zip(form.fields, twin.fields, strict=True):
        types = linked(field.type)
        if other.type != field.type:
            types += f"; {linked(other.type)} for `{twin.name}`"
        rows.append((f"`{field.name}`", types, field.meaning))
    return table(("Parameter", "Type", "Meaning"), rows)


def operation_section(twins: list[Form]) -> list[str]:
    """Write about an operation and its twin."""
    return [f"### {', '.join(f'`{each.name}`' for each in twins)}", *form_section(twins[0], twins[-1])]


def form_section(form: Form, twin: Form) -> list[str]:
    """Write what an operation takes, gives and raises, and where its twin differs; a function is its own twin."""
    same = (form.parameters, form.returns) == (twin.parameters, twin.returns)
    blocks = [
        fence(form) if same else fence(form, twin),
        form.docstring.text,
        *parameter_table(form, twin),
    ]
    if form.returns != "None":
        meaning = " ".join(form.docstring.sections.get("Returns", "").split())
        blocks.append(f"**Returns** {linked(form.returns)}{f': {meaning}' if meaning else ''}")
    raised = [f"- {linked(error)}: {when}" for error, when in form.docstring.entries("Raises").items()]
    return [*blocks, "\n".join(["**Raises**", "", *raised])] if raised else blocks


def nature(cls: type) -> str:
    """Tell in a sentence what kind of thing a class is."""
    if is_typeddict(cls):
        kind = "A `TypedDict`"
    elif is_dataclass(cls):
        kind = "A `dataclass`"
    elif issubclass(cls, Enum):
        kind = "An enumeration"
    elif issubclass(cls, Exception):
        kind = "An exception"
    else:
        return access(cls)
    bases = [type_text(base) for base in class_source(cls)[0].bases]
    extended = " and ".join(linked(base) for base in bases if base != "TypedDict")
    return f"{kind} that extends {extended}." if extended else f"{kind}."


def access(cls: type) -> str:
    """Tell in a sentence how to get at a resource, or that an object is to be closed; nothing otherwise."""
    for field in fields(importlib.import_module(PACKAGE).Client):
        if field.type == cls.__name__:
            has = f"A {linked('Client')} has it as `client.{field.name}`."
            return f"{has} Each `async_` twin is awaited and takes the same parameters, unless shown otherwise."
    return "Works in `with` and in `async with`, which close it." if "__aenter__" in vars(cls) else ""


def making(cls: type) -> list[str]:
    """Write how to make an object of a class, where its kind does not say so."""
    if is_typeddict(cls) or issubclass(cls, Enum | Exception):
        return []
    if is_dataclass(cls):
        parts = [f"{each.name}: {each.type}{each.default and f' = {each.default}'}" for each in fields(cls)]
        return [fence(Form("", cls.__name__, parts, "", parse(""), []))]
    form = constructor(cls)
    if form is None:
        return []
    return [fence(replace(form, keyword="", name=cls.__name__, returns="")), *parameter_table(form, form)]


def field_table(cls: type) -> list[str]:
    """Write the members of an enumeration, the keys of a dictionary, or the attributes of an object."""
    if issubclass(cls, Enum):
        return table(("Member", "Value"), ((f"`{each.name}`", f'`"{each.value}"`') for each in cls))
    cells = [(f"`{each.name}`", linked(each.type), each.meaning) for each in fields(cls)]
    if not is_typeddict(cls):
        return table(("Attribute", "Type", "Meaning"), cells)
    optional = {f"`{name}`" for name in getattr(cls, "__optional_keys__", ())}
    rows = [(name, type_, "yes" if name in optional else "no", meaning) for name, type_, meaning in cells]
    return table(("Key", "Type", "May be absent", "Meaning"), rows)


def section(module: str, name: str) -> list[str]:
    """Write about a public name of a module."""
    heading = f"## `{name}`"
    owner, value = home(module, name), getattr(importlib.import_module(module), name)
    if owner in MODULES and owner != module:
        return [heading, summary(module, name), f"Described in [`{owner}`]({targets()[name]})."]
    if owner != module:
        address = f"https://docs.python.org/3/library/{owner}.html#{owner}.{name}"
        return [heading, f"[`{owner}.{name}`]({address}), or what stands in for it where Python has none."]
    if isinstance(value, FunctionType):
        form = function(module, name)
        return [heading, *form_section(form, form)]
    if not isinstance(value, type):
        statement, docstring = definitions(module)[name]
        return [heading, f"```python\n{name} = {value_text(statement)}\n```", docstring.text]
    text = class_source(value)[1].text
    about = [text, nature(value), *making(value), *field_table(value)]
    return [heading, *about, *(block for each in operations(value) for block in operation_section(each))]


def summary(module: str, name: str) -> str:
    """Say in a line what a public name is."""
    if home(module, name) not in MODULES:
        return "From Python's own library."
    value = getattr(importlib.import_module(module), name)
    if isinstance(value, type):
        return class_source(value)[1].summary
    statement, docstring = definitions(home(module, name))[name]
    return docstring.summary or f"`{value_text(statement)}`"
