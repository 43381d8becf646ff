"""A model that is loaded in a process of its own, and one prediction of it."""

import json
import os
import signal
import subprocess
from collections.abc import Callable, Generator
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import IO, Any

import typer

from wriftai.cli.environment import Environment
from wriftai.cli.project import Project
from wriftai.cli.refusals import Refusal
from wriftai.common_types import JsonValue

_ID = "local"
_STANDARD_ERROR = 2


class Runner:
    """Speaks with the process of a model.

    Args:
        process: Reads messages from its standard input.
        replies: Other end of the pipe that it writes messages to.
    """

    def __init__(self, process: "subprocess.Popen[str]", replies: IO[str]) -> None:
        self._process = process
        self._replies = replies

    def predict(self, given: JsonValue, on_piece: Callable[[JsonValue], None]) -> JsonValue:
        """Run one prediction; give its whole output.

        Args:
            given: The input.
            on_piece: Is given each piece of an output that comes in pieces.

        Raises:
            Refusal: The model could not be loaded, or the prediction failed.
        """
        with TemporaryDirectory(prefix="wriftai-") as folder:
            self._send({"type": "predict", "id": _ID, "input": given, "folder": folder})
            for message in map(json.loads, self._replies):
                if message["type"] == "output":
                    on_piece(message["value"])
                elif message["type"] == "succeeded":
                    output: JsonValue = message["output"]
                    return output
                elif message["type"] in ("failed", "unusable"):
                    typer.echo(message["traceback"] or "", err=True, nl=False)
                    raise Refusal(message["message"])
        raise Refusal(f"The model's process {self._end()} before the prediction did.")

    def _send(self, message: dict[str, Any]) -> None:
        assert self._process.stdin  # noqa: S101  It was opened with one.
        try:
            self._process.stdin.write(json.dumps(message) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # It has ended already; reading its replies tells how.

    def _end(self) -> str:
        status = self._process.wait()
        return f"ended with {status}" if status >= 0 else f"was ended by {_name(-status)}"


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # Most real-time signals have none.
        return f"signal {number}"


@contextmanager
def runner(place: Environment, project: Project) -> Generator[Runner, None, None]:
    """Start the process of a model, whose prints go to standard error; end it with all that it holds.

    Args:
        place: Environment that it can run in.
        project: The model.
    """
    readable, writable = os.pipe()
    options = ["--predictor", project.predictor, "--replies", str(writable), "--allow-private-addresses"]
    with os.fdopen(readable, encoding="utf-8") as replies:
        try:
            process = subprocess.Popen(  # noqa: S603  The model of the caller.
                place.command("serve", *options, str(project.folder)),
                env=place.variables,
                stdin=subprocess.PIPE,
                stdout=_STANDARD_ERROR,
                pass_fds=[writable],
                text=True,
                encoding="utf-8",
            )
        finally:
            os.close(writable)
        try:
            yield Runner(process, replies)
        finally:
            process.kill()
            process.communicate()
