"""The floor: the same routes on a bare Litestar, with the bytes ready in memory, served as the hub is.

What a hub answers in this framework cannot be faster than this.

    python -m benchmarks.floor BODIES

prints the port. A line of BODIES is the JSON array `[owner, name, body]` for a model, `["/models", query, body]`
and `["/search/models", query, body]` for pages, and `["POST", "", body]` for a model that is created or changed.
"""

import json
import socket
import sys
from pathlib import Path
from typing import Any

import uvicorn
from litestar import Litestar, Request, get, patch, post


def build(bodies: dict[tuple[str, str], bytes]) -> Litestar:
    """Make an application that answers from a dictionary."""

    @get("/v1/models/{owner:str}/{name:str}", media_type="application/json")
    async def get_model(owner: str, name: str) -> bytes:
        return bodies[owner, name]

    @get("/v1/models", media_type="application/json")
    async def list_models(request: Request[Any, Any, Any]) -> bytes:
        return bodies["/models", request.scope["query_string"].decode()]

    @get("/v1/search/models", media_type="application/json")
    async def search_models(request: Request[Any, Any, Any]) -> bytes:
        return bodies["/search/models", request.scope["query_string"].decode()]

    @post("/v1/models", media_type="application/json")
    async def create_model(data: dict[str, str]) -> bytes:
        return bodies["POST", ""]

    @patch("/v1/models/{owner:str}/{name:str}", media_type="application/json")
    async def update_model(owner: str, name: str, data: dict[str, str]) -> bytes:
        return bodies["POST", ""]

    return Litestar(
        [get_model, list_models, search_models, create_model, update_model],
        openapi_config=None,
        logging_config=None,
    )


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
