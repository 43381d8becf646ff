"""Write the reference pages of the client from its docstrings, or check that they are up to date."""

import argparse
import importlib
import os
import sys
from pathlib import Path

from reference_sections import MODULES, home, page_name, public, section, summary, table, targets
from reference_source import module_docstring, operations

OUTPUT = Path(__file__).parent / "reference"
INDEX = "README.md"
MARK = "<!-- Written by `make docs` from the docstrings of the client: change those, not this page. -->"
INTRODUCTION = """\
# Reference

Every public name of the Python client, one page a module.

```python
from wriftai import Client

with Client() as client:
    model = client.models.get("owner", "name")
```

- **Operations exist twice.** `client.models.get(…)` blocks; `await client.models.async_get(…)` does the same in
  async code. Signatures show the blocking form, and the other one too where more than its name differs.
- **What goes to the hub and comes from it are dictionaries**, typed as `TypedDict`: `model["owner"]["username"]`.
  A key that may be absent can be left out; one that is typed `… | None` is always there and may be `None`.
- **What the hub refuses** raises an [`APIStatusError`](errors.md#apistatuserror); failures of the network are
  those of [httpx](https://www.python-httpx.org/exceptions/)."""


def contents(module: str) -> list[str]:
    """Write a table of the names and operations that a page describes."""
    rows = []
    for name in public(module):
        rows.append((f"[`{name}`](#{name.lower()})", summary(module, name)))
        value = getattr(importlib.import_module(module), name)
        if home(module, name) == module and isinstance(value, type):
            for twins in operations(value):
                anchor = "-".join(each.name for each in twins)
                rows.append((f"[`{name}.{twins[0].name}`](#{anchor})", twins[0].docstring.summary))
    return table(("Name", "What it is"), rows) if len(rows) > 1 else []


def page(module: str) -> str:
    """Write the page of a module."""
    head = [MARK, f"[Reference]({INDEX})", f"# `{module}`", module_docstring(module).text, *contents(module)]
    sections = [block for name in public(module) for block in section(module, name)]
    text = "\n\n".join(block for block in [*head, *sections] if block) + "\n"
    return text.replace(f"]({page_name(module)}#", "](#")


def index() -> str:
    """Write the page that leads to the others."""
    rows = [(f"[`{each}`]({page_name(each)})", module_docstring(each).summary) for each in MODULES]
    names = sorted(targets().items(), key=lambda item: item[0].casefold())
    links = " · ".join(f"[`{name}`]({target})" for name, target in names)
    blocks = [MARK, INTRODUCTION, *table(("Module", "What it is"), rows), "## Names", links]
    return "\n\n".join(blocks) + "\n"


def drift(output: Path, pages: dict[str, str]) -> list[str]:
    """Tell in a sentence of each page in a folder that is not as it would be written."""
    found = {path.name: path.read_text(encoding="utf-8") for path in output.glob("*.md")}
    faults = {
        **dict.fromkeys(pages.keys() - found.keys(), "is not there"),
        **{
            name: "differs from the docstrings"
            for name in pages.keys() & found.keys()
            if found[name] != pages[name]
        },
        **{name: "describes no module" for name in found.keys() - pages.keys() if found[name].startswith(MARK)},
    }
    return [f"{os.path.relpath(output / name)} {fault}." for name, fault in sorted(faults.items())]


def write(output: Path, pages: dict[str, str]) -> None:
    """Write pages into a folder, and remove those that were written for a module that is gone."""
    output.mkdir(parents=True, exist_ok=True)
    for path in output.glob("*.md"):
        if path.name not in pages and path.read_text(encoding="utf-8").startswith(MARK):
            path.unlink()
    for name, text in pages.items():
        (output / name).write_text(text, encoding="utf-8", newline="\n")


def main() -> None:
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if a page has drifted")
    parser.add_argument("--output", type=Path, default=OUTPUT, help="folder of the pages, if not docs/reference")
    arguments = parser.parse_args()
    pages = {INDEX: index(), **{page_name(module): page(module) for module in MODULES}}
    if not arguments.check:
        write(arguments.output, pages)
    elif faults := drift(arguments.output, pages):
        sys.exit("\n".join([*faults, "Run `make docs`, and commit the pages with what they describe."]))


if __name__ == "__main__":
    main()
