"""The servers of others that run an echo model, each in an environment of its own."""

import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import repeat
from pathlib import Path
from typing import NamedTuple

from benchmarks.environments import environment
from benchmarks.machine import SERVER_CORE, on_core
from benchmarks.posts import Call, post
from benchmarks.session import Server

ECHO = Path(__file__).parent / "echo"
TEXT = "hello"

_START_SECONDS = 60


class Peer(NamedTuple):
    """Another server of models.

    Attributes:
        name: As its makers write it.
        package: On the index.
        version: Of it.
        folder: Of its echo model.
        command: After the interpreter; {port} stands for the port.
        health: Path that answers 200 once it is ready, with `is_ready` in the body.
        is_ready: See there.
        path: That predictions are posted to.
        body: Of such a post.
    """

    name: str
    package: str
    version: str
    folder: str
    command: tuple[str, ...]
    health: str
    is_ready: bytes
    path: str
    body: bytes


COG = Peer(
    "Cog",
    "cog",
    "0.23.1",
    "cog",
    ("-m", "cog.server.http"),
    "/health-check",
    b'"READY"',
    "/predictions",
    b'{"input":{"text":"%s"}}' % TEXT.encode(),
)
LITSERVE = Peer(
    "LitServe",
    "litserve",
    "0.2.19",
    "litserve",
    ("predict.py", "{port}"),
    "/health",
    b"ok",
    "/predict",
    b'{"text":"%s"}' % TEXT.encode(),
)


@contextmanager
def serving(peer: Peer) -> Iterator[Call]:
    """Run a server with its echo model; stop it and all that it started at the end."""
    binaries = environment(peer.package, peer.version)
    port = free_port()
    with (
        on_core(SERVER_CORE),
        subprocess.Popen(
            [binaries / "python", *(part.format(port=port) for part in peer.command)],
            cwd=ECHO / peer.folder,
            env={
                **os.environ,
                "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}",
                "PORT": str(port),
                "COG_PREDICT_TYPE_STUB": "predict.py:Predictor",
                "PYTHONDONTWRITEBYTECODE": "1",
            },
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        ) as process,
    ):
        try:
            server = Server("127.0.0.1", port, process.pid)
            _wait(server, peer, process)
            yield Call(server, repeat(post(server, peer.path, peer.body)), b'"output":"%s"' % TEXT.encode())
        finally:
            # Its processes do not all end with the first one, but they are one group.
            os.killpg(process.pid, signal.SIGKILL)


def free_port() -> int:
    """Find a port that no one listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def _wait(server: Server, peer: Peer, process: subprocess.Popen[bytes]) -> None:
    """Wait until a server says that it is ready."""
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{server.port}{peer.health}", timeout=5) as answer:
                if peer.is_ready in answer.read():
                    return
        except OSError:
            pass
        time.sleep(0.05)
    raise RuntimeError(f"{peer.name} did not start.")
