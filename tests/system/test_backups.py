"""Backups of a hub that is being written to."""

import itertools
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from typer.testing import CliRunner

from tests.hubs import Hub, running
from tests.images import MANIFEST_TYPE, Image, digest_of, layer
from tests.system.folders import add_user, assert_sound, bearer, database
from tests.system.payloads import VERSION, model
from wriftai_server.cli import app

ROUNDS = 2


class Writer(threading.Thread):
    """Adds, pushes, changes and removes models, for as long as it is wanted.

    Attributes:
        done: Names of the models that are complete by now, with the digests of their layers, and stay.
    """

    def __init__(self, hub: Hub, token: str, name: str) -> None:
        super().__init__()
        self.done: dict[str, str] = {}
        self._http = httpx.Client(base_url=hub.address, headers=bearer(token), timeout=60)
        self._name = name
        self.is_wanted = True

    def run(self) -> None:
        with self._http:
            for number in itertools.count():
                if not self.is_wanted:
                    return
                name = f"{self._name}-{number}"
                image = Image(layer(a=name.encode()))
                self._send("POST", "/v1/models", json=model(name))
                for content in image.blobs:
                    self._send(
                        "POST", f"/v2/ada/{name}/blobs/uploads/?digest={digest_of(content)}", content=content
                    )
                headers = {"Content-Type": MANIFEST_TYPE}
                self._send("PUT", f"/v2/ada/{name}/manifests/v1", content=image.manifest, headers=headers)
                version = {**VERSION, "container_image_digest": image.digest}
                self._send("POST", f"/v1/models/ada/{name}/versions", json=version)
                if number % 3:
                    self.done[name] = digest_of(image.blobs[1])
                else:
                    self._send("DELETE", f"/v1/models/ada/{name}")

    def _send(self, method: str, path: str, **options: Any) -> None:
        reply = self._http.request(method, path, **options)
        assert reply.is_success, reply.text


@contextmanager
def hammering(hub: Hub, token: str) -> Iterator[list[Writer]]:
    writers = [Writer(hub, token, f"writer-{number}") for number in range(2)]
    for writer in writers:
        writer.start()
    try:
        yield writers
    finally:
        for writer in writers:
            writer.is_wanted = False
            writer.join()


def call(*arguments: object) -> None:
    result = CliRunner().invoke(app, list(map(str, arguments)), catch_exceptions=False)
    assert result.exit_code == 0, result.output


def test_a_backup_of_a_busy_hub_shows_one_moment(tmp_path: Path) -> None:
    with running(tmp_path / "data", "--no-worker") as hub:
        token = add_user(hub.data_dir, "ada")
        complete: list[dict[str, str]] = []
        with hammering(hub, token) as writers:
            for number in range(ROUNDS):
                while sum(len(writer.done) for writer in writers) < 5 * (number + 1):
                    assert all(writer.is_alive() for writer in writers)
                    time.sleep(0.01)
                complete.append({name: layer for writer in writers for name, layer in [*writer.done.items()]})
                call("backup", "--data-dir", hub.data_dir, "--to", tmp_path / f"backup-{number}")

    for number, known in enumerate(complete):
        data_dir = tmp_path / f"restored-{number}"
        call("restore", "--data-dir", data_dir, "--from", tmp_path / f"backup-{number}")
        assert_sound(data_dir)
        with database(data_dir) as connection:
            found = connection.execute(
                "SELECT name, container_image_digest FROM versions JOIN models ON models.id = model_id"
            ).fetchall()
            held = {digest for (digest,) in connection.execute("SELECT digest FROM model_blobs")}
            manifests = {digest for (digest,) in connection.execute("SELECT digest FROM manifests")}
        stored = {f"sha256:{file.name}" for file in (data_dir / "blobs").rglob("*") if file.is_file()}
        assert known.keys() <= {name for name, _ in found}
        assert {digest for _, digest in found} <= manifests
        assert {*known.values()} <= held
        assert held | manifests == stored
