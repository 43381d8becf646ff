"""Uploads of images under a hub as it is served: killed, full, held up, and large."""

import asyncio
import hashlib
import resource
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.hubs import Hub, running
from tests.images import digest_of
from tests.system.folders import add_user, assert_sound, bearer
from tests.system.payloads import model
from wriftai_server.database.opening import open_database
from wriftai_server.database.values import now
from wriftai_server.images.blobs import Blobs
from wriftai_server.images.collection import collect

PIECE = bytes(range(256)) * 4096
UNAVAILABLE = "The hub cannot store anything at the moment; try again later."


class Pusher:
    """Someone who pushes to a model of their own.

    Args:
        hub: Runs on this machine.
        token: Of who has the model already; None adds both.
    """

    def __init__(self, hub: Hub, token: str | None = None) -> None:
        self.hub = hub
        self.token = token or add_user(hub.data_dir, "ada")
        self.http = httpx.Client(base_url=f"{hub.address}/v2/ada/big/", headers=bearer(self.token), timeout=120)
        if token is None:
            created = self.http.post(f"{hub.url}/models", json=model("big"))
            assert created.status_code == 201

    def begin(self) -> str:
        return f"{self.hub.address}{self.http.post('blobs/uploads/').headers['location']}"

    def stored(self) -> list[Path]:
        return [file for file in (self.hub.data_dir / "blobs").rglob("*") if file.is_file()]

    @contextmanager
    def adding(self, upload: str, content: bytes, *, announced: int) -> Iterator[socket.socket]:
        """Begin to send a chunk, and do not go on."""
        address = urlsplit(upload)
        with socket.create_connection((address.hostname, address.port), timeout=30) as connection:
            header = (
                f"PATCH {address.path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
                f"Authorization: Bearer {self.token}\r\nContent-Length: {announced}\r\n\r\n"
            )
            connection.sendall(header.encode() + content)
            yield connection

    def spooled(self, upload: str) -> int:
        path = self.hub.data_dir / "uploads" / upload.rpartition("/")[2]
        return path.stat().st_size if path.exists() else 0


@pytest.fixture
def pusher(tmp_path: Path) -> Iterator[Pusher]:
    with running(tmp_path / "data") as hub:
        pusher = Pusher(hub)
        with closing(pusher.http):
            yield pusher


def wait_until_spooled(pusher: Pusher, upload: str, size: int) -> None:
    patience = threading.Event()
    for _ in range(3000):
        if pusher.spooled(upload) >= size:
            return
        patience.wait(0.01)
    raise TimeoutError(f"Only {pusher.spooled(upload)} bytes came in half a minute.")


def test_an_upload_outlives_a_kill_and_nothing_is_half_visible(tmp_path: Path) -> None:
    with running(tmp_path / "data") as hub:
        pusher = Pusher(hub)
        upload = pusher.begin()
        assert pusher.http.patch(upload, content=PIECE).status_code == 202
        with pusher.adding(upload, PIECE * 3, announced=len(PIECE) * 5):
            wait_until_spooled(pusher, upload, len(PIECE) * 3)
            assert pusher.stored() == []
            hub.kill()
        pusher.http.close()
    assert pusher.stored() == []
    assert_sound(hub.data_dir)

    with running(tmp_path / "data") as hub:
        again = Pusher(hub, pusher.token)
        upload = f"{hub.address}{urlsplit(upload).path}"
        status = again.http.get(upload)
        size = int(status.headers["range"].removeprefix("0-")) + 1
        assert size == again.spooled(upload) >= len(PIECE) * 3
        whole = PIECE * 5
        assert (
            again.http.put(upload, content=whole[size:], params={"digest": digest_of(whole)}).status_code == 201
        )
        assert again.http.get(f"blobs/{digest_of(whole)}").content == whole
        again.http.close()


def test_a_chunk_that_broke_off_can_be_sent_again(pusher: Pusher) -> None:
    upload = pusher.begin()
    assert pusher.http.patch(upload, content=PIECE).status_code == 202
    with pusher.adding(upload, PIECE * 3, announced=len(PIECE) * 5):
        wait_until_spooled(pusher, upload, len(PIECE) * 3)
    ranged = {"Content-Range": f"{len(PIECE)}-{len(PIECE) * 2 - 1}"}
    # The first ones may come before the hub has noticed that the other connection is gone.
    statuses = (pusher.http.patch(upload, content=PIECE, headers=ranged).status_code for _ in range(200))
    assert next(status for status in statuses if status != 416) == 202
    assert pusher.http.put(upload, params={"digest": digest_of(PIECE * 2)}).status_code == 201


def test_two_at_once_do_not_mix_their_bytes(pusher: Pusher) -> None:
    upload = pusher.begin()
    with pusher.adding(upload, PIECE * 2, announced=len(PIECE) * 2 + 1) as first:
        wait_until_spooled(pusher, upload, len(PIECE))
        for method in ("PATCH", "PUT"):
            reply = pusher.http.request(method, upload, content=b"x", params={"digest": digest_of(b"x")})
            assert reply.status_code == 416
            assert "Another request is adding" in reply.json()["errors"][0]["message"]
        first.sendall(b"!")
        assert first.recv(100).startswith(b"HTTP/1.1 202 ")
    assert pusher.http.put(upload, params={"digest": digest_of(PIECE * 2 + b"!")}).status_code == 201


def test_a_full_disk_is_told_and_leaves_nothing(pusher: Pusher) -> None:
    upload, digest = pusher.begin(), digest_of(PIECE * 8)
    assert pusher.http.patch(upload, content=PIECE * 2).status_code == 202
    pid, kind = pusher.hub.process.pid, resource.RLIMIT_FSIZE
    limits = resource.prlimit(pid, kind)
    resource.prlimit(pid, kind, (len(PIECE) * 4, limits[1]))
    try:
        refused = [
            pusher.http.patch(upload, content=PIECE * 6),
            pusher.http.put(upload, content=PIECE * 6, params={"digest": digest}),
            pusher.http.post("blobs/uploads/", content=PIECE * 8, params={"digest": digest}),
        ]
        for reply in refused:
            assert reply.status_code == 503
            assert reply.json() == {"errors": [{"code": "UNAVAILABLE", "message": UNAVAILABLE, "detail": None}]}
            assert int(reply.headers["retry-after"]) > 0
        assert pusher.http.get(f"blobs/{digest}").status_code == 404
        assert pusher.spooled(upload) == len(PIECE) * 2
        assert len(list((pusher.hub.data_dir / "uploads").iterdir())) == 1
        assert pusher.http.get(f"{pusher.hub.url}/models").status_code == 200
    finally:
        resource.prlimit(pid, kind, limits)
    assert pusher.stored() == []
    reply = pusher.http.put(upload, content=PIECE * 6, params={"digest": digest})
    assert reply.status_code == 201
    assert pusher.http.get(f"blobs/{digest}").content == PIECE * 8


def test_a_blob_that_is_put_while_it_is_removed_is_whole_or_not_there(pusher: Pusher) -> None:
    done = threading.Event()
    removed = 0

    async def remove() -> None:
        nonlocal removed
        database, blobs = open_database(pusher.hub.data_dir), Blobs(pusher.hub.data_dir)
        while not done.is_set():
            removed += await collect(database, blobs, before=now())
        await database.close()

    removing = threading.Thread(target=asyncio.run, args=(remove(),))
    removing.start()
    statuses = set[int]()
    digest = digest_of(b"again and again")
    try:
        for _ in range(300):
            put = pusher.http.post("blobs/uploads/", content=b"again and again", params={"digest": digest})
            assert put.status_code == 201
            got = pusher.http.get(f"blobs/{digest}")
            assert got.status_code == 404 or got.content == b"again and again"
            statuses.add(got.status_code)
    finally:
        done.set()
        removing.join()

    assert removed
    assert 200 in statuses
    assert_sound(pusher.hub.data_dir)


def peak_kilobytes(hub: Hub) -> int:
    lines = Path(f"/proc/{hub.process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))


def test_large_blobs_are_never_in_memory_as_a_whole(pusher: Pusher) -> None:
    pieces = 256
    digest = hashlib.sha256()
    for _ in range(pieces):
        digest.update(PIECE)
    name = f"sha256:{digest.hexdigest()}"
    small = pusher.http.post("blobs/uploads/", content=PIECE, params={"digest": digest_of(PIECE)})
    assert small.status_code == 201
    before = peak_kilobytes(pusher.hub)

    upload = pusher.begin()
    assert pusher.http.patch(upload, content=(PIECE for _ in range(pieces))).status_code == 202
    assert pusher.http.put(upload, params={"digest": name}).status_code == 201
    pulled = hashlib.sha256()
    with pusher.http.stream("GET", f"blobs/{name}") as reply:
        for piece in reply.iter_bytes():
            pulled.update(piece)
    with pusher.http.stream("GET", f"blobs/{name}") as unread:
        assert unread.status_code == 200
    assert pusher.http.head(f"blobs/{name}").headers["content-length"] == str(len(PIECE) * pieces)

    assert pulled.digest() == digest.digest()
    assert peak_kilobytes(pusher.hub) - before < 64 * 1024
