"""The servers that are measured: the hub as anyone runs it, and the floor beside it, on one core."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from benchmarks.folder import Folder
from benchmarks.machine import SERVER_CORE, on_core
from benchmarks.session import Server, Session
from tests.hubs import running

ROOT = Path(__file__).parents[1]


class Servers(NamedTuple):
    """What is measured, and what to ask for.

    Attributes:
        hub: `wriftai-server serve` with default settings.
        floor: A bare route that answers with the bytes of the hub.
        names: Owner and name of the models that both have.
        folder: What the hub has.
    """

    hub: Server
    floor: Server
    names: list[tuple[str, str]]
    folder: Folder


@contextmanager
def both(folder: Folder, names: int) -> Iterator[Servers]:
    """Run the hub on a folder, and the floor on what the hub answers.

    Args:
        folder: Filled.
        names: How many models the floor has, drawn at random.
    """
    chosen = folder.public(names)
    with ExitStack() as stack:
        with on_core(SERVER_CORE):
            hub = stack.enter_context(hub_on(folder.path))
        bodies = _write_bodies(folder.path.parent / "bodies.jsonl", hub, chosen)
        with on_core(SERVER_CORE):
            floor = stack.enter_context(floor_with(bodies))
        _check(hub, floor, chosen[:50])
        yield Servers(hub, floor, chosen, folder)


@contextmanager
def hub_on(path: Path, *options: str) -> Iterator[Server]:
    """Run the hub on a data folder, on the core that is allowed."""
    with running(path, *options) as hub:
        address = urlsplit(hub.address)
        yield Server(str(address.hostname), address.port or 0, hub.process.pid)


@contextmanager
def floor_with(bodies: Path) -> Iterator[Server]:
    """Run the floor with what is in a file, on the core that is allowed."""
    command = [sys.executable, "-m", "benchmarks.floor", str(bodies)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            yield Server("127.0.0.1", int(process.stdout.readline()), process.pid)
        finally:
            process.terminate()


def _write_bodies(file: Path, hub: Server, names: list[tuple[str, str]]) -> Path:
    with Session(hub) as session, file.open("w", encoding="utf-8") as lines:
        for owner, name in names:
            body = session.bytes(f"/models/{owner}/{name}").decode()
            lines.write(f"{json.dumps((owner, name, body))}\n")
    return file


def _check(hub: Server, floor: Server, names: list[tuple[str, str]]) -> None:
    """Make sure that both answer with the same bytes."""
    with Session(hub) as ours, Session(floor) as bare:
        for owner, name in names:
            path = f"/models/{owner}/{name}"
            assert ours.bytes(path) == bare.bytes(path), path
