"""What a person sees on standard error while a command works."""

from collections.abc import Callable, Generator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn


@contextmanager
def step(name: str) -> Generator[Callable[[str], None], None, None]:
    """Show that something is under way, where there is a terminal; give what shows another name of it."""
    with Console(stderr=True).status(f"{name} …") as status:
        yield lambda name: status.update(f"{name} …")


@contextmanager
def upload(name: str, total: int) -> Generator[Callable[[int], None], None, None]:
    """Show how far an upload is; give what is to be told of each number of bytes that has arrived.

    Args:
        name: What is done, for people.
        total: Bytes of all that is to be uploaded.
    """
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(name, total=total)
        yield lambda size: bar.advance(task, size)
