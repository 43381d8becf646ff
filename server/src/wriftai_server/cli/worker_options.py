"""Options of `serve` and `worker` that say how predictions are run."""

import functools
import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

from wriftai_server.settings import (
    DAY_SECONDS,
    MOST_DAYS,
    MOST_FILE_BYTES,
    MOST_MB,
    MOST_PROCESSES,
    MOST_TEXT_BYTES,
    YEAR_SECONDS,
    Confinement,
    WorkerSettings,
)

_USUAL = WorkerSettings()
_PANEL = "Running predictions"


def _option(kind: Any, name: str, help_: str, *, least: float | None = None, most: float | None = None) -> Any:
    variable = f"WRIFTAI_{name.lstrip('-').partition('/')[0].replace('-', '_').upper()}"
    option = typer.Option(name, envvar=variable, help=help_, min=least, max=most, rich_help_panel=_PANEL)
    return Annotated[kind, option]


def _seconds(name: str, help_: str, *, least: float = 0.001, most: float = YEAR_SECONDS) -> Any:
    return _option(float, name, help_, least=least, most=most)


def _number(name: str, help_: str, *, most: int, least: int = 1) -> Any:
    return _option(int, name, help_, least=least, most=most)


_OPTIONS = {
    "idle_seconds": _seconds("--idle-seconds", "A loaded model that nobody uses is stopped after so long."),
    "setup_seconds": _seconds("--setup-seconds", "Loading a model may take so long."),
    "prediction_seconds": _seconds("--prediction-seconds", "A prediction may take so long."),
    "lease_seconds": _seconds(
        "--lease-seconds", "Predictions of a worker that is silent for so long run again.", most=DAY_SECONDS
    ),
    "grace_seconds": _seconds(
        "--grace-seconds", "What runs when told to stop has so long to end, and then waits again.", least=0
    ),
    "max_output_bytes": _number("--max-output-bytes", "An output may be so long, as JSON.", most=MOST_TEXT_BYTES),
    "max_file_bytes": _number("--max-file-bytes", "A file of an input may be so long.", most=MOST_FILE_BYTES),
    "allow_private_addresses": _option(
        bool,
        "--private-addresses",
        "Fetch files of inputs from addresses that are not public too.",
    ),
    "memory_mb": _number(
        "--memory-mb",
        "Memory of a loaded model, in MiB; 0 is four fifths of the machine's.",
        least=0,
        most=MOST_MB,
    ),
    "disk_mb": _number("--disk-mb", "Size of the files that a loaded model keeps, in MiB.", most=MOST_MB),
    "max_processes": _number("--max-processes", "Processes and threads of a loaded model.", most=MOST_PROCESSES),
    "models_have_network": _option(
        bool, "--models-network/--no-models-network", "Whether models may open connections."
    ),
    "confinement": _option(
        Confinement, "--confinement", "Whether to run models where the kernel cannot lock them in wholly."
    ),
    "retention_days": _option(
        float,
        "--retention-days",
        "Inputs, outputs and logs are removed so long after the end.",
        least=0.001,
        most=MOST_DAYS,
    ),
}


def with_worker_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of a worker; it gets them together, as its parameter `worker`."""
    own = inspect.signature(command)
    kept = [parameter for parameter in own.parameters.values() if parameter.name != "worker"]
    more = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=option, default=getattr(_USUAL, name))
        for name, option in _OPTIONS.items()
    ]

    @functools.wraps(command)
    def whole(**values: Any) -> None:
        chosen = {name: values.pop(name) for name in _OPTIONS}
        command(**values, worker=WorkerSettings(**chosen))

    parameters = [*kept, *more]
    whole.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]  # read by typer
    whole.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return whole
