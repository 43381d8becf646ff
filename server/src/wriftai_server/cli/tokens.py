"""`wriftai-server tokens`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from wriftai_server.cli.execution import on_database
from wriftai_server.cli.options import DEFAULT_DATA_DIR, DatabaseAddress, DataDir

if TYPE_CHECKING:
    from wriftai_server.database.driver import Database, Row

app = typer.Typer(help="Give users tokens, and take them back.", no_args_is_help=True)

Owner = Annotated[str, typer.Argument(metavar="USER", help="Username.")]


@app.command()
def create(
    user: Owner,
    label: Annotated[str, typer.Option(help="What it is for, to tell it from others.")] = "",
    data_dir: DataDir = DEFAULT_DATA_DIR,
    database: DatabaseAddress = None,
) -> None:
    """Give a user one more token, and print it: it is shown this once."""
    from wriftai_server.users import service

    async def work(opened: Database) -> str:
        async with opened.writing() as transaction:
            return (await service.create_token(transaction, username=user, label=label)).text

    typer.echo(on_database(data_dir, database, work))


@app.command("list")
def list_(user: Owner, data_dir: DataDir = DEFAULT_DATA_DIR, database: DatabaseAddress = None) -> None:
    """List the tokens of a user: id, time of creation, label."""
    from wriftai_server.users import service

    async def work(opened: Database) -> list[Row]:
        async with opened.reading() as view:
            return await service.tokens(view, username=user)

    for token_id, label, created_at in on_database(data_dir, database, work):
        typer.echo(f"{token_id}\t{created_at}\t{label}")


@app.command()
def revoke(
    token_id: Annotated[str, typer.Argument(help="As listed: the twelve characters behind 'wriftai_'.")],
    data_dir: DataDir = DEFAULT_DATA_DIR,
    database: DatabaseAddress = None,
) -> None:
    """Take a token back: whoever sends it is refused from now on."""
    from wriftai_server.users import service

    token_id = token_id.removeprefix("wriftai_").partition("_")[0]  # Whoever gives all of it means the same.

    async def work(opened: Database) -> None:
        async with opened.writing() as transaction:
            await service.revoke_token(transaction, token_id=token_id)

    on_database(data_dir, database, work)
    typer.echo(f"Revoked {token_id}.", err=True)
