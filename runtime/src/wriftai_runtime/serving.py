"""What the two commands do with a model: describe it, and serve it."""

import contextlib
import faulthandler
import io
import os
import signal
import sys
import time
from pathlib import Path

from wriftai_runtime import logs, predictors
from wriftai_runtime.downloads import Download
from wriftai_runtime.faults import Unusable, model_traceback, words
from wriftai_runtime.jobs import Terms
from wriftai_runtime.listening import Listener
from wriftai_runtime.pipes import Replies, encoded, take_stdin
from wriftai_runtime.servers import server_for
from wriftai_runtime.signature import signature_of


def describe(folder: Path, predictor: str) -> int:
    """Print a model's schemas as one JSON object; give the exit code.

    What the model prints while it is imported goes to standard error, and so does the reason of a failure.

    Args:
        folder: Holds the model's files.
        predictor: File in it and class, as `predict.py:Predictor`.
    """
    answer = os.dup(1)
    os.dup2(2, 1)
    try:
        described = signature_of(predictors.find(folder, predictor)).described()
    except BaseException as error:
        _flush()  # What was printed before comes before the reason.
        message, trace = _reason(error)
        sys.stderr.write(f"{trace}{message}\n")
        return 1
    with os.fdopen(answer, "wb") as file:
        file.write(encoded(described) + b"\n")
    return 0


def serve(
    folder: Path, predictor: str, *, concurrency: int, replies: int, download: Download, most_output: int
) -> int:
    """Load a model and run the predictions that come in on standard input; give the exit code.

    Args:
        folder: Holds the model's files.
        predictor: File in it and class, as `predict.py:Predictor`.
        concurrency: How many predictions may run side by side, 1 or more.
        replies: File descriptor to write messages to the parent to.
        download: Fetches files of inputs.
        most_output: Bytes that an output may have as JSON.
    """
    begin = time.perf_counter()
    parent = Replies(replies)
    listener = Listener(take_stdin(), parent)
    listener.start()
    signal.signal(signal.SIGINT, lambda *_: None)  # Ctrl-C reaches the parent too, and the parent decides.
    faulthandler.enable()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(line_buffering=True, errors="backslashreplace")
    if concurrency > 1:
        logs.separate()
    try:
        made = predictors.make(predictors.find(folder, predictor))
        server = server_for(made, concurrency)

        def on_ready() -> None:
            parent.send(type="ready", seconds=time.perf_counter() - begin)
            listener.serve(server, Terms(made.signature, parent, download, most_output))

        server.run(on_ready)
    except BaseException as error:
        if listener.is_serving:
            raise
        _flush()
        message, trace = _reason(error)
        parent.send(type="unusable", message=message, traceback=trace)
        return 1
    return 0


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):  # The model may have closed them.
            stream.flush()


def _reason(error: BaseException) -> tuple[str, str]:
    """Give a sentence, and a traceback where the model's code raised."""
    if isinstance(error, Unusable):
        return f"The model cannot be used: {error}.", model_traceback(error.__cause__) if error.__cause__ else ""
    return f"The model cannot be used: {words(error)}", model_traceback(error)
