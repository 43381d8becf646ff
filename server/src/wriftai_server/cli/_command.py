"""The command, put together from one module for each command, or for each group of them.

A command imports what it works with when it is called, so that `--help` and its like are there at once.
"""

from typing import Annotated

import typer

from wriftai_server._version import __version__
from wriftai_server.cli import backup, copy, import_, restore, serve, tokens, users, worker

app = typer.Typer(
    name="wriftai-server",
    help="Run and administer a WriftAI hub.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    add_completion=False,
)
app.command("serve", short_help="Run the hub.")(serve.serve)
app.command("worker", short_help="Run predictions of a hub, beside it.")(worker.worker)
app.command("import", short_help="Load a catalogue of models.")(import_.import_)
app.command("backup", short_help="Make a backup of a hub.")(backup.backup)
app.command("restore", short_help="Make a hub of a backup.")(restore.restore)
app.command("copy", short_help="Copy all rows to another database.")(copy.copy)
app.add_typer(users.app, name="users")
app.add_typer(tokens.app, name="tokens")


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
