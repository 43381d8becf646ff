"""Read what the reference pages say out of the client: its live objects, their sources and their docstrings.

The objects tell what is public and what kind of thing it is. Types and defaults come from the source, as their
authors wrote them, so that they read the same under every Python.
"""

import ast
import copy
import importlib
import inspect
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, reduce
from types import FunctionType
from typing import get_args, is_typeddict

PACKAGE = "wriftai"

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Docstring:
    """A docstring in Google style, taken apart.

    Attributes:
        text: What comes before the sections.
        sections: Their bodies by their titles.
    """

    text: str
    sections: dict[str, str]

    @property
    def summary(self) -> str:
        """The first line."""
        return self.text.partition("\n")[0]

    def entries(self, title: str) -> dict[str, str]:
        """Give what a section says of each name."""
        found = re.findall(r"^    (\S+): (.+(?:\n {5,}.+)*)", self.sections.get(title, ""), re.MULTILINE)
        return {name: " ".join(text.split()) for name, text in found}


@dataclass(frozen=True)
class Field:
    """A parameter, a key or an attribute.

    Attributes:
        name: As in the source.
        type: Readable, without links.
        default: As in the source; empty when there is none.
        meaning: From the docstring.
    """

    name: str
    type: str
    default: str
    meaning: str


@dataclass(frozen=True)
class Form:
    """One of the two forms of an operation, or a function.

    Attributes:
        keyword: What stands before the name, with a space behind it.
        name: Under which it is called.
        parameters: With types and defaults, without self.
        returns: Readable type.
        docstring: That of the operation.
        fields: The parameters, taken apart.
    """

    keyword: str
    name: str
    parameters: list[str]
    returns: str
    docstring: Docstring
    fields: list[Field]


def parse(docstring: str | None) -> Docstring:
    """Take a docstring apart."""
    titles = r"^(Args|Attributes|Returns|Raises):\n"
    text, *rest = re.split(titles, inspect.cleandoc(docstring or ""), flags=re.MULTILINE)
    return Docstring(text.strip(), dict(zip(rest[::2], rest[1::2], strict=True)))


def module_docstring(module: str) -> Docstring:
    """Take the docstring of a module apart."""
    return parse(importlib.import_module(module).__doc__)


@cache
def definitions(module: str) -> dict[str, tuple[ast.stmt, Docstring]]:
    """Give what a module defines, in its order: statements and docstrings by name."""
    body = ast.parse(inspect.getsource(importlib.import_module(module))).body
    found: dict[str, tuple[ast.stmt, Docstring]] = {}
    for statement, after in zip(body, [*body[1:], ast.Pass()], strict=True):
        match statement, after:
            case ((ast.ClassDef(name=name) | ast.FunctionDef(name=name)), _):
                found[name] = statement, parse(ast.get_docstring(statement))
            case (
                ast.AnnAssign(target=ast.Name(id=name)) | ast.Assign(targets=[ast.Name(id=name)]),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                found[name] = statement, parse(text)
            case ast.AnnAssign(target=ast.Name(id=name)) | ast.Assign(targets=[ast.Name(id=name)]), _:
                found[name] = statement, parse("")
    return found


def class_source(cls: type) -> tuple[ast.ClassDef, Docstring]:
    """Find the statement that defines a class, and its docstring.

    Raises:
        LookupError: The class is not written at the top of its module.
    """
    match definitions(cls.__module__).get(cls.__name__):
        case (ast.ClassDef() as statement, docstring):
            return statement, docstring
    raise LookupError(f"{cls.__module__}.{cls.__name__} is not written at the top of its module.")


def function_source(cls: type, name: str) -> Function:
    """Find the statement behind a method; that of a made twin is the one it was made from.

    Raises:
        LookupError: The method is not written in its class.
    """
    written = inspect.unwrap(vars(cls)[name]).__name__
    for statement in class_source(cls)[0].body:
        if isinstance(statement, Function) and statement.name == written:
            return statement
    raise LookupError(f"{cls.__module__}.{cls.__name__}.{name} is not written in its class.")


class Readable(ast.NodeTransformer):
    """Turns a type into what a person would call it."""

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        """Take a type out of its quotes."""
        return annotation(ast.parse(node.value, mode="eval").body) if isinstance(node.value, str) else node

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        """Write a union with bars, and leave `NotRequired` to the table."""
        outer = ast.unparse(node.value)
        if outer == "Literal":
            return node
        self.generic_visit(node)
        if outer == "Union" and isinstance(node.slice, ast.Tuple):
            return reduce(lambda left, right: ast.BinOp(left, ast.BitOr(), right), node.slice.elts)
        return node.slice if outer == "NotRequired" else node

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        """Name a type by its own library where one of our private modules hands it on."""
        module = ast.unparse(node.value)
        if not module.startswith("_"):
            return node
        handed_on = getattr(importlib.import_module(f"{PACKAGE}.{module}"), node.attr)
        parts = (f"{part.__module__}.{part.__qualname__}" for part in get_args(handed_on) or (handed_on,))
        return ast.parse(" | ".join(parts), mode="eval").body


def annotation(node: ast.expr) -> ast.expr:
    """Make a readable copy of a type."""
    made: ast.expr = Readable().visit(copy.deepcopy(node))
    return made


def code(node: ast.AST | None) -> str:
    """Print source in the project's own quotes; nothing for None."""
    return "" if node is None else ast.unparse(node).replace("'", '"')


def type_text(node: ast.expr) -> str:
    """Print a type."""
    return code(annotation(node))


def value_text(node: ast.stmt) -> str:
    """Print what a statement assigns: a type when it says so, else the source; nothing for other statements."""
    match node:
        case ast.AnnAssign(annotation=ast.Name(id="TypeAlias"), value=ast.expr() as value):
            return type_text(value)
        case ast.AnnAssign(value=value) | ast.Assign(value=value):
            return code(value)
    return ""


def described(where: str, found: Iterable[tuple[str, str, str]], docstring: Docstring, title: str) -> list[Field]:
    """Join names, types and defaults with what a section of a docstring says of them.

    Raises:
        SystemExit: The section leaves one out, or has one that the code has not.
    """
    meanings = docstring.entries(title)
    fields = [Field(*each, meanings.pop(each[0], "")) for each in found]
    wrong = [field.name for field in fields if not field.meaning] + list(meanings)
    if wrong:
        sys.exit(f"{where}: code and docstring disagree; mend {', '.join(wrong)} under its {title}.")
    return fields


def form(cls: type, name: str, docstring: Docstring) -> Form:
    """Read a method, or a constructor."""
    where = f"{cls.__module__}.{cls.__name__}.{name}"
    return read_form(where, vars(cls)[name], function_source(cls, name), docstring, skip=1)


def function(module: str, name: str) -> Form:
    """Read a function that is written at the top of a module."""
    source, docstring = definitions(module)[name]
    assert isinstance(source, ast.FunctionDef)  # noqa: S101  The caller asks for functions alone.
    return read_form(f"{module}.{name}", getattr(importlib.import_module(module), name), source, docstring)


def read_form(where: str, method: FunctionType, source: Function, docstring: Docstring, skip: int = 0) -> Form:
    """Read what a function takes and gives, without its first `skip` parameters."""
    arguments = copy.deepcopy(source.args)
    for argument in ast.walk(arguments):
        if isinstance(argument, ast.arg) and argument.annotation:
            argument.annotation = annotation(argument.annotation)
    printed = [part.replace("=", " = ", 1) for part in re.split(r", (?=\*|\w+: )", code(arguments))[skip:]]
    parts = filter(None, (re.fullmatch(r"(\w+): (.*?)(?: = (.*))?", part) for part in printed))
    taken = [(part[1], part[2], part[3] or "") for part in parts]
    returns = type_text(source.returns) if source.returns else ""
    if inspect.isgeneratorfunction(method):  # Made from an async generator.
        returns = re.sub(r"^AsyncGenerator\[(.*), None\]$", r"Generator[\1, None, None]", returns)
    keyword = "async def " if inspect.iscoroutinefunction(method) else "def "
    return Form(keyword, method.__name__, printed, returns, docstring, described(where, taken, docstring, "Args"))


def operations(cls: type) -> list[list[Form]]:
    """Read the public methods that a class defines, each together with its `async_` twin where it has one."""
    methods = {
        name: form(cls, name, parse(ast.get_docstring(function_source(cls, name))))
        for name, value in vars(cls).items()
        if isinstance(value, FunctionType) and not name.startswith("_")
    }
    twins = {f"async_{name}" for name in methods} & methods.keys()
    return [
        [methods[each] for each in (name, f"async_{name}") if each in methods]
        for name in methods
        if name not in twins
    ]


def constructor(cls: type) -> Form | None:
    """Read how to make an object of a class; None where no class of ours says so."""
    for definer in cls.__mro__:
        if "__init__" in vars(definer) and definer.__module__.startswith(PACKAGE):
            return form(definer, "__init__", class_source(definer)[1])
    return None


def fields(cls: type) -> list[Field]:
    """Read the keys of a dictionary, those it extends first, or the attributes of an object."""
    source, docstring = class_source(cls)
    inherited: list[Field] = []
    for base in source.bases:
        parent = getattr(sys.modules[cls.__module__], code(base), None)
        inherited += fields(parent) if isinstance(parent, type) and is_typeddict(parent) else []
    methods = [each for each in source.body if isinstance(each, Function) and each.name == "__init__"]
    found = []
    for statement in [*source.body, *(each for method in methods for each in method.body)]:
        match statement:
            case ast.AnnAssign(target=ast.Name(id=name) | ast.Attribute(attr=name), value=value):
                found.append((name, type_text(statement.annotation), code(value)))
            case ast.Assign(targets=[ast.Attribute(attr=name)], value=ast.Call(func=ast.Name(id=kind))):
                found.append((name, kind, ""))
    public = [each for each in found if not each[0].startswith("_")]
    return inherited + described(f"{cls.__module__}.{cls.__name__}", public, docstring, "Attributes")
