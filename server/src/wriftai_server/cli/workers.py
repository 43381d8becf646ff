"""Options of what runs predictions, for the commands that do."""

import functools
import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

from wriftai_server.settings import Confinement, WorkerSettings

_USUAL = WorkerSettings()
_PANEL = "Running predictions"


def _option(kind: Any, name: str, help_: str, *, least: float | None = None) -> Any:
    variable = f"WRIFTAI_{name.lstrip('-').partition('/')[0].replace('-', '_').upper()}"
    return Annotated[kind, typer.Option(name, envvar=variable, help=help_, min=least, rich_help_panel=_PANEL)]


_OPTIONS = {
    "idle_seconds": _option(
        float, "--idle-seconds", "A loaded model that nobody uses is stopped after so long.", least=0.001
    ),
    "setup_seconds": _option(float, "--setup-seconds", "Loading a model may take so long.", least=0.001),
    "prediction_seconds": _option(float, "--prediction-seconds", "A prediction may take so long.", least=0.001),
    "lease_seconds": _option(
        float, "--lease-seconds", "Predictions of a worker that is silent for so long run again.", least=0.001
    ),
    "grace_seconds": _option(
        float, "--grace-seconds", "What runs when told to stop has so long to end, and then waits again.", least=0
    ),
    "max_output_bytes": _option(int, "--max-output-bytes", "An output may be so long, as JSON.", least=1),
    "max_file_bytes": _option(int, "--max-file-bytes", "A file of an input may be so long.", least=1),
    "allow_private_addresses": _option(
        bool,
        "--private-addresses",
        "Fetch files of inputs from addresses that are not public too.",
    ),
    "memory_mb": _option(
        int, "--memory-mb", "Memory of a loaded model, in MiB; 0 is four fifths of the machine's.", least=0
    ),
    "disk_mb": _option(int, "--disk-mb", "Size of the files that a loaded model keeps, in MiB.", least=1),
    "max_processes": _option(int, "--max-processes", "Processes and threads of a loaded model.", least=1),
    "models_have_network": _option(
        bool, "--models-network/--no-models-network", "Whether models may open connections."
    ),
    "confinement": _option(
        Confinement, "--confinement", "Whether to run models where the kernel cannot lock them in wholly."
    ),
    "retention_days": _option(
        float, "--retention-days", "Inputs, outputs and logs are removed so long after the end.", least=0.001
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
