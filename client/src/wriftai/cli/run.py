"""`wriftai run`."""

from pathlib import Path
from typing import Annotated

import typer

from wriftai.cli.options import AsJson, Inputs, Output


def run(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the project.")],
    inputs: Inputs,
    as_json: AsJson = False,
    output: Output = None,
) -> None:
    """Run a model here, without a hub, in an environment of its own.

    What the model prints goes to standard error, its output to standard output.
    """
    from wriftai.cli import environment, formats, runner
    from wriftai.cli.progress import step
    from wriftai.cli.refusals import refusals
    from wriftai.cli.results import Printer
    from wriftai.cli.values import pairs, parsed

    given = pairs(inputs)
    with refusals():
        model = formats.read(folder)
        with step("Making the environment"):
            python = environment.build(model, environment.resolved(model))
        with environment.opened(python) as place:
            schemas = environment.describe(place, model, model.folder)["prediction"]
            values = parsed(given, schemas["input"])
            printer = Printer(schemas["output"], as_json=as_json, file=output, shows_pieces=not as_json)
            with runner.runner(place, model) as loaded:
                printer.end(loaded.predict(values, printer.piece))
