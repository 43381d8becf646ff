"""What no manifest names is removed after a while, and nothing else."""

import asyncio
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.databases import open_in, run_sql
from tests.images import INDEX_TYPE, MANIFEST_TYPE, Image, descriptor, digest_of, layer
from tests.server.conftest import inside
from tests.server.people import Person
from tests.server.registry import Repository, add_repository, refusal
from wriftai_server.database.values import now, timestamp
from wriftai_server.images.blobs import Blobs
from wriftai_server.images.collection import collect

IMAGE = Image(layer(a=b"1"))
LEFT_OVER = b"named by nothing"
DIGEST = digest_of(LEFT_OVER)


@pytest.fixture
def folder(home: Path) -> Path:
    return home


@pytest.fixture
def owner(folder: Path) -> Iterator[Person]:
    """Give the one user of a hub of its own."""
    with inside(folder) as people:
        yield people.add()


def run(folder: Path, *, kept: timedelta = timedelta(0)) -> int:
    """Collect as a process beside the hub does; give how many blobs were removed."""

    async def work() -> int:
        database = open_in(folder)
        try:
            return await collect(database, Blobs(folder), before=timestamp(datetime.now(UTC) - kept))
        finally:
            await database.close()

    return asyncio.run(work())


def stored(folder: Path) -> set[str]:
    return {f"sha256:{file.name}" for file in (folder / "blobs").rglob("*") if file.is_file()}


def is_held(repository: Repository, digest: str) -> bool:
    return repository.send("HEAD", f"blobs/{digest}").status_code == 200


def test_what_a_manifest_names_stays(folder: Path, owner: Person) -> None:
    repository = add_repository(owner)
    repository.push_image(IMAGE)
    assert repository.send("DELETE", "manifests/latest").status_code == 202
    before = stored(folder)
    assert len(before) == 3
    assert [run(folder) for _ in range(3)] == [0, 0, 0]
    assert stored(folder) == before
    assert repository.send("GET", f"manifests/{IMAGE.digest}").content == IMAGE.manifest
    assert all(is_held(repository, digest_of(content)) for content in IMAGE.blobs)


def test_what_nothing_names_goes_once_it_has_been_so_for_long_enough(folder: Path, owner: Person) -> None:
    repository = add_repository(owner)
    repository.push(LEFT_OVER)
    assert run(folder) == 0
    assert run(folder, kept=timedelta(days=30)) == 0
    assert is_held(repository, DIGEST)
    assert run(folder) == 1
    assert stored(folder) == set()
    refusal(repository.pull(DIGEST), 404, "BLOB_UNKNOWN")
    assert repository.push(LEFT_OVER) == DIGEST
    assert repository.pull(DIGEST).content == LEFT_OVER


def test_a_removed_image_goes_unless_another_model_has_it(folder: Path, owner: Person) -> None:
    first, second = add_repository(owner), add_repository(owner)
    first.push_image(IMAGE)
    second.push_image(IMAGE)
    assert first.send("DELETE", f"manifests/{IMAGE.digest}").status_code == 202
    assert [run(folder), run(folder)] == [0, 0]
    assert owner.send("DELETE", f"/models/{second.name}").status_code == 200
    assert [run(folder), run(folder)] == [0, 3]
    assert stored(folder) == set()


def test_what_an_index_names_stays(folder: Path, owner: Person) -> None:
    repository = add_repository(owner)
    repository.push_image(IMAGE)
    entry = str(descriptor(MANIFEST_TYPE, IMAGE.manifest)).replace("'", '"')
    index = f'{{"schemaVersion": 2, "manifests": [{entry}]}}'.encode()
    assert repository.push_manifest(index, "all", INDEX_TYPE).status_code == 201
    assert [run(folder), run(folder)] == [0, 0]
    assert repository.send("GET", f"manifests/{IMAGE.digest}").status_code == 200


@pytest.mark.parametrize("how", ["upload", "upload in parts", "mount", "manifest"])
def test_what_is_marked_and_used_again_stays(folder: Path, owner: Person, how: str) -> None:
    repository, other = add_repository(owner), add_repository(owner)
    image = Image(LEFT_OVER)
    for content in image.blobs:
        repository.push(content)
    assert run(folder) == 0
    marked_until = now()
    match how:
        case "upload":
            repository.push(LEFT_OVER)
        case "upload in parts":
            assert repository.finish(repository.begin(), DIGEST, LEFT_OVER).status_code == 201
        case "mount":
            reply = other.send("POST", "blobs/uploads/", params={"mount": DIGEST, "from": repository.name})
            assert reply.status_code == 201
        case "manifest":
            assert repository.push_manifest(image.manifest, "v1").status_code == 201

    async def work() -> None:
        database = open_in(folder)
        await collect(database, Blobs(folder), before=marked_until)
        await database.close()

    asyncio.run(work())
    assert DIGEST in stored(folder)
    assert is_held(repository, DIGEST)


def test_nothing_is_deleted_while_a_blob_is_put(folder: Path, owner: Person) -> None:
    repository = add_repository(owner)
    repository.push(LEFT_OVER)
    run(folder)

    async def work() -> list[int]:
        database = open_in(folder)
        async with Blobs(folder).keeping():
            beside = await collect(database, Blobs(folder), before=now())
            # Nobody sees it any more, and its bytes are there for whoever puts them again just now.
            assert stored(folder) == {DIGEST}
        behind = await collect(database, Blobs(folder), before=now())
        await database.close()
        return [beside, behind]

    assert asyncio.run(work()) == [0, 1]
    assert stored(folder) == set()


def test_a_blob_waits_while_others_are_deleted(folder: Path, owner: Person) -> None:
    del owner

    async def work() -> None:
        blobs = Blobs(folder)
        waiting = asyncio.Event()

        async def put() -> bool:
            waiting.set()
            async with Blobs(folder).keeping():
                return True

        with blobs.deleting() as alone:
            assert alone
            with Blobs(folder).deleting() as second:
                assert not second
            putting = asyncio.create_task(put())
            await waiting.wait()
            await asyncio.sleep(0.05)
            assert not putting.done()
        assert await putting

    asyncio.run(work())


def test_bytes_that_are_gone_already_are_no_error(folder: Path, owner: Person) -> None:
    repository = add_repository(owner)
    repository.push(LEFT_OVER)
    run(folder)
    (folder / "blobs/sha256" / DIGEST[7:9] / DIGEST[7:]).unlink()
    assert run(folder) == 1
    assert repository.push(LEFT_OVER) == DIGEST


def test_uploads_that_were_left_off_go_after_a_day(folder: Path, owner: Person) -> None:
    repository = add_repository(owner)
    left_off, slow, fresh = (repository.begin() for _ in range(3))
    for upload in (left_off, slow, fresh):
        assert repository.send("PATCH", upload, content=LEFT_OVER).status_code == 202
    orphan = folder / "uploads" / "00000000-0000-4000-8000-000000000000"
    orphan.write_bytes(b"of a process that was killed")
    run(folder)
    assert len(list((folder / "uploads").iterdir())) == 4

    old = time.time() - 25 * 3600
    for path in (orphan, folder / "uploads" / left_off.rpartition("/")[2]):
        os.utime(path, (old, old))

    run_sql(folder, "UPDATE uploads SET created_at = ?", timestamp(datetime.fromtimestamp(old, UTC)))
    run(folder)
    names = {file.name for file in (folder / "uploads").iterdir()}
    assert names == {upload.rpartition("/")[2] for upload in (slow, fresh)}
    refusal(repository.finish(left_off, DIGEST), 404, "BLOB_UPLOAD_UNKNOWN")
    for upload in (slow, fresh):
        assert repository.finish(upload, DIGEST).status_code == 201
