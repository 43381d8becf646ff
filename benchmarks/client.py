"""The client: what importing it costs, making one, and calling through it."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from typing import Any

from benchmarks.report import Row, at_most, reported
from benchmarks.scale import Scale
from benchmarks.servers import ROOT, Servers
from benchmarks.spread import in_turn, ratio, spread

_IMPORTS = {
    "nothing": "pass",
    "wriftai": "import wriftai",
    "httpx": "import httpx",
    "Client": "from wriftai import Client; Client()",
}
_NAMES = 2_000
_MS = "{:z.2f} ms"
_US = "{:,.0f} µs"


def measure(servers: Servers, scale: Scale) -> list[Row]:
    """Measure all three."""
    return [*_importing(scale), *_calling(servers, scale)]


def _importing(scale: Scale) -> list[Row]:
    """Start interpreters that import something, or nothing, in turn."""
    with tempfile.TemporaryDirectory(prefix="wriftai-bytecode-") as folder:
        # Compiled once, as after installing; what the environment says of bytecode must not matter.
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        environment["PYTHONPYCACHEPREFIX"] = folder
        sides = {name: _starting(code, environment) for name, code in _IMPORTS.items()}
        in_turn(sides, 1)
        found = in_turn(sides, scale.starts)
    extra = {
        name: [used - bare for used, bare in zip(found[name], found["nothing"], strict=True)] for name in found
    }
    milliseconds = {name: spread(1000 * each for each in seconds) for name, seconds in extra.items()}
    return [
        at_most("import wriftai: CPU, over that of import httpx", ratio(extra["wriftai"], extra["httpx"]), 0.25),
        reported("import wriftai: CPU", milliseconds["wriftai"], _MS),
        reported("import httpx: CPU", milliseconds["httpx"], _MS),
        reported("from wriftai import Client; Client(): CPU", milliseconds["Client"], _MS),
    ]


def _starting(code: str, environment: dict[str, str]) -> Callable[[], float]:
    def cpu_seconds() -> float:
        process = subprocess.Popen([sys.executable, "-c", code], env=environment)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0, code
        return used.ru_utime + used.ru_stime

    return cpu_seconds


def _calling(servers: Servers, scale: Scale) -> list[Row]:
    """Make clients, and calls through one, in a process of their own."""
    task = {
        "url": servers.hub.url,
        "names": servers.names[:_NAMES],
        "rounds": scale.call_rounds,
        "calls": scale.calls,
    }
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.calls"],
        input=json.dumps(task),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        cwd=ROOT,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    added = [ours - bare for ours, bare in zip(found["client"], found["httpx"], strict=True)]
    return [
        at_most("Client(): time", spread(1e6 * each for each in found["construct"]), 200, _US),
        at_most("client.models.get: time, over that of bare httpx", ratio(found["client"], found["httpx"]), 1.1),
        reported("client.models.get: time", spread(1e6 * each for each in found["client"]), _US),
        reported("client.models.get: time added to bare httpx", spread(1e6 * each for each in added), _US),
    ]
