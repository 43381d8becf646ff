"""`wriftai-server users`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from wriftai_server.cli.execution import fail, on_database
from wriftai_server.cli.options import DEFAULT_DATA_DIR, DatabaseAddress, DataDir

if TYPE_CHECKING:
    from wriftai_server.database.driver import Database, Row

app = typer.Typer(help="Add and list users, and sign their webhooks.", no_args_is_help=True)


@app.command(short_help="Add a user, and print the first token.")
def create(
    name: Annotated[str, typer.Argument(help="Username: letters, digits, dashes and underscores.")],
    admin: Annotated[bool, typer.Option("--admin", help="Mark the user as an administrator.")] = False,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    database: DatabaseAddress = None,
) -> None:
    """Add a user, and print the first token: it is shown this once."""
    import msgspec

    from wriftai_server.http.bodies import Username
    from wriftai_server.users import service

    try:
        msgspec.convert(name, Username)
    except msgspec.ValidationError:
        raise fail(
            f"'{name}' is not a username: it takes 1 to 63 letters, digits, dashes and underscores, "
            "and begins with a letter or digit."
        ) from None

    async def work(opened: Database) -> str:
        async with opened.writing() as transaction:
            return (await service.create(transaction, username=name, is_admin=admin)).text

    typer.echo(on_database(data_dir, database, work, create=True))


@app.command("list")
def list_(data_dir: DataDir = DEFAULT_DATA_DIR, database: DatabaseAddress = None) -> None:
    """List all users: username, rights, time of creation."""
    from wriftai_server.users import service

    async def work(opened: Database) -> list[Row]:
        async with opened.reading() as view:
            return await service.list_all(view)

    for username, is_admin, created_at in on_database(data_dir, database, work):
        typer.echo(f"{username}\t{'admin' if is_admin else 'user'}\t{created_at}")


@app.command("webhook-secret", short_help="Give a user a new secret that signs webhooks.")
def webhook_secret(
    name: Annotated[str, typer.Argument(help="Username.")],
    remove: Annotated[bool, typer.Option("--remove", help="Sign nothing any more.")] = False,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    database: DatabaseAddress = None,
) -> None:
    """Give a user a new secret that signs the user's webhooks, and print it: it is shown this once."""
    from wriftai_server.users import service

    async def work(opened: Database) -> str | None:
        async with opened.writing() as transaction:
            if remove:
                await service.remove_webhook_secret(transaction, username=name)
                return None
            return await service.renew_webhook_secret(transaction, username=name)

    secret = on_database(data_dir, database, work)
    if secret is None:
        typer.echo(f"Webhooks of {name} are no longer signed.", err=True)
    else:
        typer.echo(secret)
