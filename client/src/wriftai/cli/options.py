"""Options that several commands have."""

from pathlib import Path
from typing import Annotated

import typer

Inputs = Annotated[
    list[str],
    typer.Option(
        "-i",
        "--input",
        metavar="KEY=VALUE",
        default_factory=list,
        show_default=False,
        help="An input; may be repeated. Text as it is, numbers, true and false; lists and objects as JSON; "
        "`@path` for the content of a file, where the model takes one.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the output as JSON, in one line.")]
Output = Annotated[
    Path | None,
    typer.Option("-o", "--output", metavar="FILE", help="Store the output in a file instead of printing it."),
]
