"""A write that is refused changes nothing: the whole database is compared before and after."""

import json
from typing import Any, NamedTuple

import httpx
import pytest

from tests.hubs import Hub
from tests.system.folders import add_user, bearer, dump
from tests.system.payloads import VERSION, model

TOO_LARGE = b'{"name": "%s"}' % (b"x" * 2_000_000)
BAD_SCHEMAS = {"prediction": {"input": {"type": "no such type"}, "output": {}}}
TAKEN = {"name": "TAKEN", "description": "Changed."}
NO_HARDWARE = {"hardware_identifier": "no-such-hardware", "description": "Changed."}


class Write(NamedTuple):
    """A request that the hub must refuse.

    Attributes:
        status: Of the refusal.
        caller: Owns `public`, `private` and `taken`, or does not; None is anonymous.
        method: Of the request.
        path: May name the id of the version of a model.
        body: Sent as JSON, or as it is.
        key: Of idempotency; `used` is that of another request.
    """

    status: int
    caller: str | None
    method: str
    path: str
    body: Any = None
    key: str | None = None

    def __str__(self) -> str:
        return f"{self.status} {self.caller} {self.method} {self.path} {json.dumps(self.body, default=len)[:40]}"


WRITES = [
    Write(401, None, "POST", "/models", model("new")),
    Write(401, "nobody", "POST", "/models", model("new")),
    Write(409, "dora", "POST", "/models", model("Taken")),
    Write(409, "dora", "POST", "/models", model("Taken"), "new key"),
    Write(413, "dora", "POST", "/models", TOO_LARGE),
    Write(422, "dora", "POST", "/models", b'{"name": "new"'),
    Write(422, "dora", "POST", "/models", model("new", description=1)),
    Write(422, "dora", "POST", "/models", model("new") | NO_HARDWARE, "new key"),
    Write(422, "dora", "POST", "/models", model("new"), "used"),
    Write(401, None, "PATCH", "/models/dora/public", {"description": "Changed."}),
    Write(403, "eve", "PATCH", "/models/dora/public", {"description": "Changed."}),
    Write(404, "eve", "PATCH", "/models/dora/private", {"description": "Changed."}),
    Write(404, "dora", "PATCH", "/models/dora/absent", {"description": "Changed."}),
    Write(409, "dora", "PATCH", "/models/dora/public", TAKEN),
    Write(413, "dora", "PATCH", "/models/dora/public", TOO_LARGE),
    Write(422, "dora", "PATCH", "/models/dora/public", {"description": "Changed.", "name": "-"}),
    Write(422, "dora", "PATCH", "/models/dora/public", NO_HARDWARE),
    Write(401, None, "DELETE", "/models/dora/public"),
    Write(403, "eve", "DELETE", "/models/dora/public"),
    Write(404, "eve", "DELETE", "/models/dora/private"),
    Write(404, "dora", "DELETE", "/models/dora/absent"),
    Write(401, None, "POST", "/models/dora/public/versions", VERSION),
    Write(403, "eve", "POST", "/models/dora/public/versions", VERSION, "new key"),
    Write(404, "eve", "POST", "/models/dora/private/versions", VERSION),
    Write(413, "dora", "POST", "/models/dora/public/versions", TOO_LARGE),
    Write(422, "dora", "POST", "/models/dora/public/versions", VERSION | {"schemas": BAD_SCHEMAS}, "new key"),
    Write(422, "dora", "POST", "/models/dora/public/versions", VERSION, "used"),
    Write(401, None, "DELETE", "/versions/{public}"),
    Write(403, "eve", "DELETE", "/versions/{public}"),
    Write(404, "eve", "DELETE", "/versions/{private}"),
    Write(404, "dora", "DELETE", "/versions/absent"),
    Write(401, None, "DELETE", "/models/dora/public/versions/1"),
    Write(403, "eve", "DELETE", "/models/dora/public/versions/1"),
    Write(404, "eve", "DELETE", "/models/dora/private/versions/1"),
    Write(404, "dora", "DELETE", "/models/dora/public/versions/2"),
    Write(422, "dora", "DELETE", "/models/dora/public/versions/0"),
    Write(401, None, "PATCH", "/user", {"bio": "Changed."}),
    Write(409, "dora", "PATCH", "/user", {"bio": "Changed.", "username": "EVE"}),
    Write(413, "dora", "PATCH", "/user", TOO_LARGE),
    Write(422, "dora", "PATCH", "/user", {"bio": "Changed.", "urls": ["ftp://dora.example"]}),
    Write(405, "dora", "PUT", "/models/dora/public", model("new")),
]


class World(NamedTuple):
    """A hub, the tokens of its users by name, and the ids of versions by the names of their models."""

    hub: Hub
    tokens: dict[str, str]
    versions: dict[str, str]

    def send(self, write: Write) -> httpx.Response:
        headers = bearer(self.tokens[write.caller]) if write.caller else {}
        if write.key:
            headers["Idempotency-Key"] = write.key
        sent: dict[str, Any] = {"content": write.body} if isinstance(write.body, bytes) else {"json": write.body}
        url = f"{self.hub.url}{write.path.format(**self.versions)}"
        return httpx.request(write.method, url, headers=headers, **sent)


@pytest.fixture(scope="module")
def world(hub: Hub) -> World:
    tokens = {name: add_user(hub.data_dir, name) for name in ("dora", "eve")}
    world = World(hub, tokens | {"nobody": tokens["dora"][:-4] + "____"}, {})
    for name in ("public", "private", "taken"):
        visibility = "private" if name == "private" else "public"
        made = world.send(Write(201, "dora", "POST", "/models", model(name, visibility=visibility)))
        assert made.status_code == 201
        version = world.send(Write(201, "dora", "POST", f"/models/dora/{name}/versions", VERSION))
        world.versions[name] = version.json()["id"]
    assert world.send(Write(201, "dora", "POST", "/models", model("first"), "used")).status_code == 201
    return world


@pytest.mark.parametrize("write", WRITES, ids=str)
def test_a_refused_write_changes_nothing(world: World, write: Write) -> None:
    before = dump(world.hub.data_dir)

    answer = world.send(write)

    assert answer.status_code == write.status, answer.text
    assert answer.json()["detail"]
    assert dump(world.hub.data_dir) == before
