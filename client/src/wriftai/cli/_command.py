"""The command, put together from one module a verb.

A command imports what it works with when it is called, so that `--help` and its like are there at once.
"""

from typing import Annotated

import typer

from wriftai._version import __version__
from wriftai.cli import init, predict, push, run, search

app = typer.Typer(
    name="wriftai",
    help="Write models, run them, push them to a WriftAI hub, and find and call them there.",
    epilog="The hub is named by WRIFTAI_API_BASE_URL, the caller by WRIFTAI_ACCESS_TOKEN.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    add_completion=False,
)
app.command("init", short_help="Write a starter project that works as it is.")(init.init)
app.command("run")(run.run)
app.command("push", short_help="Make a project the newest version of its model on the hub.")(push.push)
app.command("predict")(predict.predict)
app.command("search")(search.search)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", help="Print the release.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    pass
