"""`wriftai predict`."""

import re
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wriftai.cli.options import AsJson, Inputs, Output

if TYPE_CHECKING:
    from wriftai import Client
    from wriftai.cli.results import Printer
    from wriftai.common_types import Version
    from wriftai.predictions import Prediction, PredictionWithIO

_SECONDS = 60  # Of one call: an input may hold files, and a line may be slow.
_SECONDS_TO_CONNECT = 10
_REFERENCE = re.compile(r"([^/:\s]+)/([^/:\s]+)(?::([1-9][0-9]*))?")


def predict(
    model: Annotated[str, typer.Argument(metavar="OWNER/NAME[:NUMBER]", help="Model, and which version of it.")],
    inputs: Inputs,
    stream: Annotated[bool, typer.Option("--stream", help="Print the output and the logs as they come.")] = False,
    as_json: AsJson = False,
    output: Output = None,
) -> None:
    """Run a model on the hub, and print the output.

    What the model prints goes to standard error, its output to standard output.
    """
    from wriftai import Client, _http
    from wriftai.cli.refusals import refusals
    from wriftai.cli.results import Printer
    from wriftai.cli.values import pairs, parsed

    reference = _REFERENCE.fullmatch(model)
    if reference is None:
        raise typer.BadParameter(f"A model is named owner/name or owner/name:number, not {model!r}.")
    given = pairs(inputs)
    patience = _http.Timeout(_SECONDS, connect=_SECONDS_TO_CONNECT)
    with refusals(), Client(client_options={"timeout": patience}) as client:
        version = _version(client, *reference.groups())
        schemas = version["schemas"]["prediction"]
        values: Any = parsed(given, schemas["input"])
        printer = Printer(schemas["output"], as_json=as_json, file=output, shows_pieces=stream)
        if stream:
            made = client.predictions.create({"input": values}, version_id=version["id"])
            made = _followed(client, made, printer)
        else:
            made = _awaited(client, values, version["id"])
            _echo_logs(made["logs"])
        _check(made)
        printer.end(made["output"])


def _version(client: "Client", owner: str, name: str, number: str | None) -> "Version":
    from wriftai._policy import path
    from wriftai.cli.refusals import Refusal

    if number is not None:
        version: Version = client.api.request("GET", path("models", owner, name, "versions", number))
        return version
    latest = client.models.get(owner, name)["latest_version"]
    if latest is None:
        raise Refusal(f"{owner}/{name} has no version yet: push one with `wriftai push`.")
    return latest


def _awaited(client: "Client", values: Any, version_id: str) -> "PredictionWithIO":
    """Run a version, and show how far that has got until its end."""
    from wriftai.cli.progress import step
    from wriftai.predictions import WaitOptions

    with step("Asking the hub") as show:
        options = WaitOptions(on_poll=lambda seen: show(_UNDER_WAY.get(seen["status"], "Done")))
        return client.predictions.create(
            {"input": values}, version_id=version_id, wait=True, wait_options=options
        )


def _followed(client: "Client", prediction: "PredictionWithIO", printer: "Printer") -> "PredictionWithIO":
    """Show what happens in a prediction while it happens; give it as it is at its end."""
    is_under_way = False
    for event in client.predictions.stream(prediction["id"]):
        if event["event"] == "init" and is_under_way:
            typer.echo("The prediction began anew: its output is shown when it is whole.", err=True)
            printer.begin_anew()
        elif event["event"] == "log":
            typer.echo(event["data"], err=True)
        elif event["event"] == "output":
            printer.piece(event["data"])
        is_under_way = event["event"] != "init"
    return client.predictions.get(prediction["id"])


def _echo_logs(lines: list[str] | None) -> None:
    for line in lines or ():
        typer.echo(line, err=True)


def _check(prediction: "Prediction") -> None:
    """Refuse what did not succeed."""
    from wriftai.cli.refusals import Refusal

    if prediction["status"] != "succeeded":
        error = prediction["error"]
        reason = f": {error['message']}" if error else "."
        raise Refusal(
            f"The prediction {prediction['id']} {_WORDS.get(prediction['status'], 'did not succeed')}{reason}"
        )


_UNDER_WAY = {"pending": "Waiting for a worker", "started": "Running"}
_WORDS = {"failed": "failed", "cancelled": "was cancelled"}
