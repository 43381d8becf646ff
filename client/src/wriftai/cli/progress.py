"""What a person sees on standard error while a command works."""

from collections.abc import Callable, Generator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn


@contextmanager
def step(name: str) -> Generator[None, None, None]:
    """Show that something is under way, where there is a terminal."""
    with Console(stderr=True).status(f"{name} …"):
        yield


@contextmanager
def upload(name: str, total: int) -> Generator[Callable[[int], None], None, None]:
    """Show how far an upload is; give what is to be told how many more bytes are there.

    Args:
        name: For people.
        total: Bytes.
    """
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(name, total=total)
        yield lambda size: bar.advance(task, size)
