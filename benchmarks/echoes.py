"""The hub with an echo model, pushed and called as anyone would."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import repeat
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from benchmarks.machine import SERVER_CORE, on_core
from benchmarks.peers import ECHO, TEXT
from benchmarks.posts import Call, once, post
from benchmarks.session import Server
from tests.hubs import Hub, running

_PATH = "/v1/models/bench/echo/predictions"
_BODY = json.dumps({"input": {"text": TEXT}}).encode()


class Echo(NamedTuple):
    """The data folder of a hub that holds the echo model and has run it.

    Attributes:
        data_dir: The folder.
        token: Of the model's owner.
    """

    data_dir: Path
    token: str


def make(data_dir: Path) -> Echo:
    """Push the model to a new hub and call it, so that its environment is there.

    Args:
        data_dir: Does not exist yet.
    """
    with running(data_dir) as hub:
        echo = Echo(data_dir, hub.create_user("bench"))
        settings = {"WRIFTAI_API_BASE_URL": hub.url, "WRIFTAI_ACCESS_TOKEN": echo.token}
        command = Path(sys.executable).with_name("wriftai")
        subprocess.run(
            [command, "push", ECHO / "wriftai"],
            env={**os.environ, **settings},
            stdout=subprocess.DEVNULL,
            check=True,
        )
        once(finishing(echo, hub))
    return echo


@contextmanager
def serving(echo: Echo, *options: str) -> Iterator[Hub]:
    """Run the hub on the core of servers."""
    with on_core(SERVER_CORE), running(echo.data_dir, *options) as hub:
        yield hub


def finishing(echo: Echo, hub: Hub) -> Call:
    """Write the request for a prediction that is answered when it has ended."""
    return _call(echo, hub, {"prefer": "wait=60"}, b'"output":"%s"' % TEXT.encode())


def creating(echo: Echo, hub: Hub) -> Call:
    """Write the request for a prediction that is answered at once."""
    return _call(echo, hub, {}, b'"status":"pending"')


def _call(echo: Echo, hub: Hub, headers: dict[str, str], proof: bytes) -> Call:
    address = urlsplit(hub.address)
    server = Server(str(address.hostname), address.port or 0, hub.process.pid)
    headers = {"authorization": f"Bearer {echo.token}", **headers}
    return Call(server, repeat(post(server, _PATH, _BODY, headers)), proof)
