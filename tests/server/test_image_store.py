"""Where the bytes of images are kept."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.images import Image, digest_of, layer
from tests.server.conftest import inside
from tests.server.people import Person
from tests.server.registry import Repository, add_repository, refusal
from tests.server.serving import refused
from wriftai_server.images.blobs import Blobs, UnusableStore

IMAGE = Image(layer(a=b"1"), layer(b=b"2" * 6_000_000))


def place(digest: str) -> str:
    return f"sha256/{digest[7:9]}/{digest[7:]}"


@pytest.fixture
def bucket(tmp_path: Path) -> Path:
    """Give a folder that stands for a bucket elsewhere."""
    folder = tmp_path / "bucket"
    folder.mkdir()
    return folder


@pytest.fixture
def repository(tmp_path: Path, bucket: Path) -> Iterator[Repository]:
    """Give a model on a hub whose images are in the bucket."""
    with inside(tmp_path / "data", object_store=f"file://{bucket}") as people:
        yield add_repository(people.add())


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_blobs_are_in_the_data_folder_by_their_digests(ada: Person, folder: Path) -> None:
    repository = add_repository(ada)
    repository.push_image(IMAGE)
    for content in (*IMAGE.blobs, IMAGE.manifest):
        assert (folder / "blobs" / place(digest_of(content))).read_bytes() == content


def test_an_object_store_has_them_instead(repository: Repository, bucket: Path, tmp_path: Path) -> None:
    for _ in range(2):
        repository.push_image(IMAGE)
        upload = repository.begin()
        assert repository.finish(upload, digest_of(IMAGE.config), IMAGE.config).status_code == 201
    expected = {place(digest_of(content)): content for content in (*IMAGE.blobs, IMAGE.manifest)}
    assert files(bucket) == expected
    assert files(tmp_path / "data" / "uploads") == {}
    assert not (tmp_path / "data" / "blobs").exists()
    assert repository.send("GET", "manifests/latest").content == IMAGE.manifest
    digest = digest_of(IMAGE.blobs[2])
    assert repository.pull(digest).content == IMAGE.blobs[2]
    part = repository.pull(digest, headers={"Range": "bytes=5000000-5999999"})
    assert (part.status_code, len(part.content)) == (206, 1_000_000)


def test_a_store_that_cannot_be_reached_is_told_apart(
    repository: Repository, bucket: Path, tmp_path: Path
) -> None:
    repository.push_image(IMAGE)
    away = bucket.rename(tmp_path / "away")
    bucket.write_bytes(b"no folder")
    blob = digest_of(IMAGE.config)
    for path in (f"blobs/{blob}", "manifests/latest"):
        message = refusal(repository.send("GET", path), 503, "UNAVAILABLE")
        assert message == "The hub cannot read this at the moment; try again later."
    upload = repository.begin()
    assert repository.send("PATCH", upload, content=b"new").status_code == 202
    reply = repository.finish(upload, digest_of(b"new"))
    message = refusal(reply, 503, "UNAVAILABLE")
    assert message == "The hub cannot store anything at the moment; try again later."
    assert int(reply.headers["retry-after"]) > 0
    refusal(repository.pull(digest_of(b"new")), 404, "BLOB_UNKNOWN")
    bucket.unlink()
    away.rename(bucket)
    assert repository.finish(upload, digest_of(b"new")).status_code == 201
    assert repository.pull(digest_of(b"new")).content == b"new"
    assert repository.pull(blob).content == IMAGE.config


def test_bytes_that_someone_took_away_may_be_pushed_again(ada: Person, folder: Path) -> None:
    repository = add_repository(ada)
    digest = repository.push(b"taken away")
    (folder / "blobs" / place(digest)).unlink()
    refusal(repository.pull(digest), 404, "BLOB_UNKNOWN")
    repository.push(b"taken away")
    assert repository.pull(digest).content == b"taken away"


@pytest.mark.parametrize("address", ["nonsense", "bogus://bucket", "s3://", "", "http://x", "memory:///"])
def test_addresses_that_are_none(tmp_path: Path, address: str) -> None:
    with pytest.raises(UnusableStore, match=r"cannot be used: .*s3://bucket/prefix"):
        Blobs(tmp_path, address)


@pytest.mark.parametrize("address", ["s3://bucket/prefix", "gs://bucket/prefix", "az://container/prefix"])
def test_addresses_of_the_usual_stores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", "account")
    Blobs(tmp_path, address)


def test_a_hub_with_a_store_that_cannot_be_used_does_not_start(tmp_path: Path) -> None:
    said = refused(tmp_path, "--object-store", "bogus://bucket")
    assert said.startswith("Error: The object store bogus://bucket cannot be used: ")
    assert "Traceback" not in said
