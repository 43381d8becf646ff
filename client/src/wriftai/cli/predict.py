"""`wriftai predict`."""

import re
import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
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
_SECONDS_OF_A_LOOK = 1
_SECONDS_UNTIL_NAMED = 5  # Of a prediction that is pending: long enough for a worker that has a free slot.
_INTERRUPTED = 130
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
        made = client.predictions.create({"input": values}, version_id=version["id"])
        with _cancelled_by_ctrl_c(client, made["id"]):
            made = _followed(client, made, printer) if stream else _awaited(client, made)
        if not stream:
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


@contextmanager
def _cancelled_by_ctrl_c(client: "Client", prediction_id: str) -> Generator[None, None, None]:
    """Cancel a prediction that nobody waits for any more, and end with the status that shells know."""
    try:
        yield
    except KeyboardInterrupt:
        typer.echo(_cancelled(client, prediction_id), err=True)
        raise typer.Exit(_INTERRUPTED) from None


def _cancelled(client: "Client", prediction_id: str) -> str:
    """Cancel a prediction, and tell whether it worked."""
    from wriftai.cli.refusals import reason

    try:
        client.predictions.cancel(prediction_id)
    except KeyboardInterrupt:
        why: str | None = "Ctrl-C was pressed again."
    except Exception as error:
        why = reason(error) or repr(error)
    else:
        return f"Cancelled the prediction {prediction_id}."
    return f"The prediction {prediction_id} was not cancelled and may go on: {why}"


@contextmanager
def _named_while_pending(prediction_id: str) -> Generator[Callable[[], None], None, None]:
    """Say once, after some seconds, that a prediction waits for a worker; give what ends that wait."""
    # Not by `echo`, which writes past what is shown on a terminal meanwhile, and into its line.
    text = f"The prediction {prediction_id} is still pending: no worker of the hub has taken it yet."
    timer = threading.Timer(_SECONDS_UNTIL_NAMED, lambda: sys.stderr.write(f"{text}\n"))
    timer.daemon = True
    timer.start()
    try:
        yield timer.cancel
    finally:
        timer.cancel()


def _awaited(client: "Client", prediction: "PredictionWithIO") -> "PredictionWithIO":
    """Show how far a prediction has got until its end; give it as it is then."""
    from wriftai._policy import path
    from wriftai.cli.progress import step

    where = path("predictions", prediction["id"])
    with step(_UNDER_WAY["pending"]) as show, _named_while_pending(prediction["id"]) as taken:
        while prediction["status"] in _UNDER_WAY:
            show(_UNDER_WAY[prediction["status"]])
            next_look = time.monotonic() + _SECONDS_OF_A_LOOK
            # Not `create(wait=True)`, as the id has to be known first; `wait` would begin with a pause.
            prediction = client.api.request("GET", where, headers={"Prefer": f"wait={_SECONDS_OF_A_LOOK}"})
            if prediction["status"] != "pending":
                taken()
            if prediction["status"] in _UNDER_WAY:
                time.sleep(max(0.0, next_look - time.monotonic()))  # For a hub that does not hold its answer.
    return prediction


def _followed(client: "Client", prediction: "PredictionWithIO", printer: "Printer") -> "PredictionWithIO":
    """Show what happens in a prediction while it happens; give it as it is at its end."""
    with _named_while_pending(prediction["id"]) as taken:
        is_under_way = False
        for event in client.predictions.stream(prediction["id"]):
            data: Any = event["data"]
            if event["event"] != "init" or data["status"] != "pending":
                taken()
            if event["event"] == "init" and is_under_way:
                typer.echo("The prediction began anew: its output is shown when it is whole.", err=True)
                printer.begin_anew()
            elif event["event"] == "log":
                typer.echo(data, err=True)
            elif event["event"] == "output":
                printer.piece(data)
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
