"""What ends a command with one line for people, instead of a traceback."""

from collections.abc import Generator
from contextlib import contextmanager

import typer

from wriftai import _settings


class Refusal(Exception):
    """The command cannot do its work; the text names the field or file, and says what to do next."""


@contextmanager
def refusals() -> Generator[None, None, None]:
    """Turn what went wrong inside into one line on standard error and the exit status 1; 2 for a bad setting."""
    try:
        yield
    except _settings.UnusableSetting as error:
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(2) from None
    except Exception as error:
        said = reason(error)
        if said is None:
            raise
        typer.echo(f"Error: {said}", err=True)
        raise typer.Exit(1) from None


def warn(text: str) -> None:
    """Say on standard error what does not keep the command from going on."""
    typer.echo(f"Warning: {text}", err=True)


def reason(error: Exception) -> str | None:
    """Say for people what went wrong, and what to do next; None where that is a fault of ours."""
    if isinstance(error, Refusal):
        return str(error)
    if isinstance(error, BrokenPipeError):
        return None  # Whoever read the output has enough, as `head` does: Typer ends the command without a word.
    if isinstance(error, OSError):
        named = f"{error.filename}: " if error.filename else ""
        return f"{named}{error.strerror or error}."
    return _reason_of_hub(error)


def _reason_of_hub(error: Exception) -> str | None:
    from wriftai import _http, errors

    if isinstance(error, errors.AuthenticationError):
        return f"{_said(error)} Set WRIFTAI_ACCESS_TOKEN to a token of this hub."
    if isinstance(error, errors.NotFoundError):
        return f"{_said(error)}{_where_to_look()}"
    if isinstance(error, errors.APIStatusError):
        return _said(error)
    if isinstance(error, _http.DecodingError):
        return str(error)
    if isinstance(error, _http.UnsupportedProtocol):
        return "WRIFTAI_API_BASE_URL is no address of a hub: begin it with http:// or https://."
    if isinstance(error, _http.InvalidURL):
        return "WRIFTAI_API_BASE_URL is no address of a hub: write it like https://hub.example.org/v1."
    if isinstance(error, _http.RequestError):
        return f"The hub {error.request.url.host} cannot be reached: {error}. Is WRIFTAI_API_BASE_URL right?"
    return None


def _where_to_look() -> str:
    """Tell which setting may be why nothing was found; nothing where each looks right."""
    if not _settings.base_url().rstrip("/").endswith("/v1"):
        return " Is WRIFTAI_API_BASE_URL right? It mostly ends with /v1."
    if not _settings.access_token():
        return " WRIFTAI_ACCESS_TOKEN is not set."
    return ""


def _said(error: Exception) -> str:
    """Give the hub's own words, which come behind those of the HTTP library."""
    first, *rest = str(error).splitlines()
    return "; ".join(line for line in rest if not line.startswith("For more information")) or first
