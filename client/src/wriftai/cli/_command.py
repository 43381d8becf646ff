"""The command, put together from one module a verb.

A command imports what it works with when it is called, so that `--help` and its like are there at once.
"""

from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from wriftai._version import __version__
from wriftai.cli import init, predict, push, run, search


class Verb(TyperCommand):
    """A command that refuses text which is not in UTF-8; names of files may be in anything."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Fill in the parameters."""
        left = super().parse_args(ctx, args)
        parameters: list[Any] = self.params
        for parameter in parameters:
            given = ctx.params.get(parameter.name)
            for each in given if isinstance(given, (list, tuple)) else [given]:
                if isinstance(each, str) and not _is_unicode(each):
                    raise typer.BadParameter("It is not text in UTF-8.", ctx=ctx, param=parameter)
        return left


def _is_unicode(text: str) -> bool:
    """Tell whether each byte was part of a character: the rest is there as halves of surrogates."""
    return not any("\ud800" <= sign <= "\udfff" for sign in text)


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
app.command("init", cls=Verb, short_help="Write a starter project that works as it is.")(init.init)
app.command("run", cls=Verb)(run.run)
app.command("push", cls=Verb, short_help="Make a project the newest version of its model on the hub.")(push.push)
app.command("predict", cls=Verb)(predict.predict)
app.command("search", cls=Verb)(search.search)


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
