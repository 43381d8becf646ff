"""The runtime needs nothing but Python: models bring everything else, in versions of their own."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import wriftai_runtime

PACKAGE = Path(wriftai_runtime.__file__).parent


def imported(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")


def test_the_standard_library_is_enough() -> None:
    found = {name.partition(".")[0] for file in PACKAGE.rglob("*.py") for name in imported(file)}
    assert "json" in found
    assert found <= sys.stdlib_module_names | {"wriftai_runtime"}
