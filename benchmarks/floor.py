"""The floor: the same route on a bare Litestar, with the bytes ready in memory, served as the hub is.

What a hub answers in this framework cannot be faster than this.

    python -m benchmarks.floor BODIES

prints the port. A line of BODIES is the JSON array `[owner, name, body]`.
"""

import json
import socket
import sys
from pathlib import Path

import uvicorn
from litestar import Litestar, get


def build(bodies: dict[tuple[str, str], bytes]) -> Litestar:
    """Make an application that answers from a dictionary."""

    @get("/v1/models/{owner:str}/{name:str}", media_type="application/json")
    async def get_model(owner: str, name: str) -> bytes:
        return bodies[owner, name]

    return Litestar([get_model], openapi_config=None, logging_config=None)


def main() -> None:
    """Serve until told to stop, under the settings of `wriftai-server serve`, with uvicorn as it comes."""
    lines = Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()
    bodies = {(owner, name): body.encode() for owner, name, body in map(json.loads, lines)}
    listening = socket.create_server(("127.0.0.1", 0), backlog=2048)
    print(listening.getsockname()[1], flush=True)
    config = uvicorn.Config(
        build(bodies),
        loop="uvloop",
        http="httptools",
        log_config=None,
        access_log=False,
        server_header=False,
    )
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
