"""Read pretrained-model configs out of timm's source text, without importing it.

timm cannot be imported without PyTorch, so its `default_cfgs` tables are
evaluated from the syntax tree: constants, tuples, dicts, f-strings, `dict(...)`
and the one-statement `_cfg` helpers. Whatever needs more than that is left out.
"""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

FIELDS = re.compile(
    "url|hf_hub_id|input_size|test_input_size|num_classes|license|origin_url|paper_ids|paper_name|notes"
)
DEFAULTS: Mapping[str, object] = {"input_size": (3, 224, 224), "num_classes": 1000}


class UnresolvedError(Exception):
    """An expression that cannot be evaluated from the source text alone."""


@dataclass(frozen=True)
class Entry:
    """One set of pretrained weights, as a timm module describes it.

    Attributes:
        name: Full timm name, `architecture.tag`.
        module: Name of the module that defines the architecture.
        module_doc: Docstring of that module.
        entry_doc: Docstring of the architecture's entrypoint function.
        config: The fields of the pretrained config that could be read.
        structure: Whole numbers that the entrypoint function sets for the model class.
    """

    name: str
    module: str
    module_doc: str
    entry_doc: str
    config: Mapping[str, object]
    structure: Mapping[str, tuple[int, ...]]

    @property
    def architecture(self) -> str:
        """The part of the name before the tag."""
        return self.name.partition(".")[0]

    @property
    def tag(self) -> str:
        """The part of the name that tells the weights apart; may be empty."""
        return self.name.partition(".")[2]

    @property
    def hub_id(self) -> str:
        """The weights' `owner/name` on the Hugging Face hub, or ""."""
        hub = self.text("hf_hub_id")
        return hub + self.name if hub == "timm/" else hub

    @property
    def source_url(self) -> str:
        """The weights' page on the hub, else their origin's page, else their file."""
        page = f"https://huggingface.co/{self.hub_id}" if self.hub_id else ""
        return page or self.text("origin_url") or self.text("url")

    def text(self, field: str) -> str:
        """Return a config field that holds text.

        Args:
            field: Name of the field.

        Returns:
            The text, or "" when the field is absent or not text.
        """
        value = self.config.get(field)
        return value if isinstance(value, str) else ""

    def ints(self, field: str) -> tuple[int, ...]:
        """Return a config field that holds a number or a tuple of numbers.

        Args:
            field: Name of the field.

        Returns:
            The numbers, or () when the field is absent.
        """
        value = self.config.get(field)
        values = value if isinstance(value, tuple) else (value,)
        return tuple(item for item in values if isinstance(item, int))


class Module:
    """The statically known contents of one timm module."""

    def __init__(self, path: Path) -> None:
        """Parse a module.

        Args:
            path: The module's source file.
        """
        tree = ast.parse(path.read_text(encoding="utf-8"))
        self.name = path.stem
        self.doc = ast.get_docstring(tree) or ""
        self.functions = {n.name: n for n in tree.body if isinstance(n, ast.FunctionDef)}
        self.constants: dict[str, ast.expr] = {}
        for node in tree.body:
            target, value = _assignment(node)
            if target and value:
                self.constants.setdefault(target, value)

    def entries(self) -> Iterator[Entry]:
        """Yield the weights that this module defines.

        Yields:
            An entry for each config with weights and a registered entrypoint.
        """
        for key, expression in self._tables():
            name = key.replace("*", "")
            function = self.functions.get(name.partition(".")[0])
            config = self._config(expression)
            if function and (config.get("hf_hub_id") or config.get("url")):
                doc = ast.get_docstring(function) or ""
                yield Entry(name, self.name, self.doc, doc, config, _structure(function))

    def _tables(self) -> Iterator[tuple[str, ast.expr]]:
        table = self.constants.get("default_cfgs")
        if isinstance(table, ast.Call) and table.args:
            table = table.args[0]
        if isinstance(table, ast.Dict):
            for key, value in zip(table.keys, table.values, strict=True):
                if isinstance(key, ast.Constant) and isinstance(key.value, str):
                    yield key.value, value

    def _config(self, expression: ast.expr) -> Mapping[str, object]:
        try:
            return {**DEFAULTS, **_mapping(self._resolve(expression, {}))}
        except UnresolvedError:
            return {}

    def _resolve(self, node: ast.expr, scope: Mapping[str, object]) -> object:
        match node:
            case ast.Constant(value=value):
                return value
            case ast.Tuple(elts=items) | ast.List(elts=items):
                return tuple(self._resolve(item, scope) for item in items)
            case ast.Name(id=name) if name in scope:
                return scope[name]
            case ast.Name(id=name) if name in self.constants:
                return self._resolve(self.constants[name], {})
            case ast.JoinedStr(values=parts):
                return "".join(str(self._resolve(part, scope)) for part in parts)
            case ast.FormattedValue(value=value):
                return self._resolve(value, scope)
            case ast.Dict(keys=keys, values=values):
                names = [None if key is None else str(self._resolve(key, scope)) for key in keys]
                return self._collect(zip(names, values, strict=True), scope)
            case ast.Call(func=ast.Name(id=name)):
                return self._call(name, node, scope)
        raise UnresolvedError(ast.dump(node))

    def _collect(
        self, pairs: Iterable[tuple[str | None, ast.expr]], scope: Mapping[str, object]
    ) -> dict[str, object]:
        found: dict[str, object] = {}
        for key, value in pairs:
            if key is None:
                found.update(_mapping(self._resolve(value, scope)))
            elif FIELDS.fullmatch(key):
                found[key] = self._resolve(value, scope)
        return found

    def _call(self, name: str, node: ast.Call, scope: Mapping[str, object]) -> object:
        arguments = [self._resolve(argument, scope) for argument in node.args]
        keywords = self._collect(((k.arg, k.value) for k in node.keywords), scope)
        if name == "dict":
            merged: dict[str, object] = {}
            for argument in arguments:
                merged.update(_mapping(argument))
            return merged | keywords
        helper = self.functions.get(name)
        match helper and helper.body:
            case [ast.Return(value=value)] | [ast.Expr(), ast.Return(value=value)] if helper and value:
                return self._resolve(value, self._bind(helper.args, arguments, keywords))
        raise UnresolvedError(name)

    def _bind(self, spec: ast.arguments, values: list[object], keywords: dict[str, object]) -> dict[str, object]:
        names = [argument.arg for argument in spec.args]
        scope: dict[str, object] = {}
        for name, default in zip(reversed(names), reversed(spec.defaults), strict=False):
            scope[name] = self._resolve(default, {})
        scope.update(zip(names, values, strict=False))
        scope.update({key: keywords.pop(key) for key in names if key in keywords})
        if spec.kwarg:
            scope[spec.kwarg.arg] = keywords
        return scope


def _assignment(node: ast.stmt) -> tuple[str, ast.expr | None]:
    match node:
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            return name, value
        case ast.AnnAssign(target=ast.Name(id=name), value=value):
            return name, value
    return "", None


def _structure(function: ast.FunctionDef) -> dict[str, tuple[int, ...]]:
    found: dict[str, tuple[int, ...]] = {}
    for node in function.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            for keyword in node.value.keywords:
                numbers = _numbers(keyword.value)
                if keyword.arg and numbers:
                    found[keyword.arg] = numbers
    return found


def _numbers(node: ast.expr) -> tuple[int, ...]:
    items = node.elts if isinstance(node, ast.Tuple | ast.List) else [node]
    values = [item.value for item in items if isinstance(item, ast.Constant)]
    numbers = tuple(v for v in values if isinstance(v, int) and not isinstance(v, bool))
    return numbers if len(numbers) == len(items) else ()


def _mapping(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise UnresolvedError(repr(value))
    return value


def read_entries(models: Path) -> list[Entry]:
    """Read every set of pretrained weights that timm describes.

    Args:
        models: The folder `timm/models`.

    Returns:
        The entries, sorted by name; timm's own unit-test models are left out.
    """
    found = [e for path in sorted(models.glob("*.py")) for e in Module(path).entries()]
    return sorted((e for e in found if not e.name.startswith("test_")), key=lambda e: e.name.lower())
