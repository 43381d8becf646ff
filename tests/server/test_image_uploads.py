"""Uploads of blobs: in one go, in chunks, and taken over from other models."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.images import digest_of
from tests.server.conftest import inside
from tests.server.people import People, Person
from tests.server.registry import Repository, add_repository, refusal

CONTENT = b"a layer of some model"
DIGEST = digest_of(CONTENT)
ABSENT = digest_of(b"absent")


@pytest.fixture
def repository(ada: Person) -> Repository:
    return add_repository(ada)


def spools(folder: Path) -> set[str]:
    return {file.name for file in (folder / "uploads").iterdir()}


def test_in_one_request(repository: Repository) -> None:
    reply = repository.send("POST", "blobs/uploads/", params={"digest": DIGEST}, content=CONTENT)
    assert (reply.status_code, reply.content) == (201, b"")
    assert reply.headers["location"] == f"/v2/{repository.name}/blobs/{DIGEST}"
    assert reply.headers["docker-content-digest"] == DIGEST
    assert repository.send("GET", reply.headers["location"]).content == CONTENT


def test_in_two_requests(repository: Repository) -> None:
    upload = repository.begin()
    reply = repository.finish(upload, DIGEST, CONTENT)
    assert reply.status_code == 201
    assert reply.headers["location"] == f"/v2/{repository.name}/blobs/{DIGEST}"
    assert repository.pull(DIGEST).content == CONTENT


def test_as_a_stream_and_then_the_digest(repository: Repository) -> None:
    upload = repository.begin()
    reply = repository.send("PATCH", upload, content=CONTENT)
    assert (reply.status_code, reply.headers["range"]) == (202, f"0-{len(CONTENT) - 1}")
    assert repository.finish(upload, DIGEST).status_code == 201
    assert repository.pull(DIGEST).content == CONTENT


def test_in_chunks(repository: Repository) -> None:
    upload = repository.begin()
    assert repository.send("GET", upload).headers["range"] == "0-0"
    for start in range(0, len(CONTENT) - 4, 4):
        chunk = CONTENT[start : start + 4]
        reply = repository.send(
            "PATCH", upload, content=chunk, headers={"Content-Range": f"{start}-{start + len(chunk) - 1}"}
        )
        assert reply.status_code == 202
        assert reply.headers["location"] == upload
        status = repository.send("GET", upload)
        assert (status.status_code, status.headers["location"]) == (204, upload)
        assert status.headers["range"] == reply.headers["range"] == f"0-{start + len(chunk) - 1}"
    ranged = {"Content-Range": "20-20"}
    assert repository.finish(upload, DIGEST, CONTENT[20:], headers=ranged).status_code == 201
    assert repository.pull(DIGEST).content == CONTENT


@pytest.mark.parametrize(
    "content_range",
    ["1-5", "0-4", "10-14", "4-8", "6-10", "", "bytes 5-9", "5", "5-", "-5", "9-5", "a-b", "5-9/*"],
)
def test_chunks_out_of_order_are_refused(repository: Repository, content_range: str) -> None:
    upload = repository.begin()
    repository.send("PATCH", upload, content=CONTENT[:5], headers={"Content-Range": "0-4"})
    ranged = {"Content-Range": content_range}
    for reply in (
        repository.send("PATCH", upload, content=CONTENT[5:10], headers=ranged),
        repository.finish(upload, DIGEST, CONTENT[5:10], headers=ranged),
    ):
        assert "goes on at byte 5" in refusal(reply, 416, "BLOB_UPLOAD_INVALID")
        assert (reply.headers["location"], reply.headers["range"]) == (upload, "0-4")
    assert repository.finish(upload, DIGEST, CONTENT[5:]).status_code == 201


@pytest.mark.parametrize("content", [b"1234", b"123456", b""])
def test_a_chunk_of_another_length_than_its_range_is_not_taken(repository: Repository, content: bytes) -> None:
    upload = repository.begin()
    ranged = {"Content-Range": "0-4"}
    refusal(repository.send("PATCH", upload, content=content, headers=ranged), 400, "SIZE_INVALID")
    assert repository.send("PATCH", upload, content=CONTENT[:5], headers=ranged).status_code == 202
    assert repository.finish(upload, DIGEST, CONTENT[5:]).status_code == 201


@pytest.mark.parametrize("digest", ["", "nonsense", "sha512:" + "a" * 128, DIGEST.upper(), f"{DIGEST}\n"])
def test_digests_that_are_none(repository: Repository, digest: str) -> None:
    upload = repository.begin()
    refusal(repository.finish(upload, digest, CONTENT), 400, "DIGEST_INVALID")
    refusal(repository.send("PUT", upload, content=CONTENT), 400, "DIGEST_INVALID")
    for parameter in ("digest", "mount"):
        reply = repository.send(
            "POST", "blobs/uploads/", params={parameter: digest, "from": repository.name}, content=CONTENT
        )
        refusal(reply, 400, "DIGEST_INVALID")
    assert repository.finish(upload, DIGEST, CONTENT).status_code == 201


def test_another_algorithm_is_refused(repository: Repository) -> None:
    reply = repository.send("POST", "blobs/uploads/", params={"digest-algorithm": "sha512"})
    refusal(reply, 400, "DIGEST_INVALID")
    assert repository.send("POST", "blobs/uploads/", params={"digest-algorithm": "sha256"}).status_code == 202


def test_of_bytes_with_another_digest_nothing_stays(repository: Repository, folder: Path) -> None:
    before = spools(folder)
    upload = repository.begin()
    assert repository.send("PATCH", upload, content=CONTENT).status_code == 202
    refusal(repository.finish(upload, ABSENT), 400, "DIGEST_INVALID")
    refusal(repository.finish(upload, DIGEST), 404, "BLOB_UPLOAD_UNKNOWN")
    reply = repository.send("POST", "blobs/uploads/", params={"digest": ABSENT}, content=CONTENT)
    refusal(reply, 400, "DIGEST_INVALID")
    for digest in (ABSENT, DIGEST):
        refusal(repository.pull(digest), 404, "BLOB_UNKNOWN")
    assert spools(folder) == before
    assert not (folder / "blobs/sha256" / ABSENT[7:9] / ABSENT[7:]).exists()


def test_a_cancelled_upload_is_gone(repository: Repository, folder: Path) -> None:
    before = spools(folder)
    upload = repository.begin()
    repository.send("PATCH", upload, content=CONTENT)
    assert spools(folder) > before
    reply = repository.send("DELETE", upload)
    assert (reply.status_code, reply.content) == (204, b"")
    assert spools(folder) == before
    for method in ("GET", "PATCH", "PUT", "DELETE"):
        reply = repository.send(method, upload, params={"digest": DIGEST})
        refusal(reply, 404, "BLOB_UPLOAD_UNKNOWN")


@pytest.mark.parametrize("upload_id", ["x", "00000000-0000-4000-8000-000000000000", "..", "hub.sqlite3"])
def test_uploads_that_are_not_under_way(repository: Repository, folder: Path, upload_id: str) -> None:
    before = spools(folder)
    for method in ("GET", "PATCH", "PUT", "DELETE"):
        escaped = upload_id.replace(".", "%2E")
        reply = repository.send(method, f"blobs/uploads/{escaped}", params={"digest": DIGEST}, content=CONTENT)
        refusal(reply, 404, "BLOB_UPLOAD_UNKNOWN")
    assert spools(folder) == before


def test_an_upload_belongs_to_its_model(ada: Person, bob: Person, repository: Repository) -> None:
    upload = repository.begin()
    upload_id = upload.rpartition("/")[2]
    for other in (add_repository(ada), add_repository(bob)):
        reply = other.send("PUT", f"blobs/uploads/{upload_id}", params={"digest": DIGEST}, content=CONTENT)
        refusal(reply, 404, "BLOB_UPLOAD_UNKNOWN")
    refusal(repository.seen_by(bob).send("GET", upload), 404, "NAME_UNKNOWN")


def test_an_upload_goes_with_its_model(ada: Person, repository: Repository) -> None:
    upload = repository.begin()
    assert ada.send("DELETE", f"/models/{repository.name}").status_code == 200
    refusal(repository.finish(upload, DIGEST, CONTENT), 404, "NAME_UNKNOWN")


def test_the_same_blob_again(repository: Repository) -> None:
    for _ in range(2):
        assert repository.finish(repository.begin(), DIGEST, CONTENT).status_code == 201
        assert repository.push(CONTENT) == DIGEST
    assert repository.pull(DIGEST).content == CONTENT


def test_a_blob_is_taken_over_from_a_model_that_one_sees(
    ada: Person, bob: Person, repository: Repository
) -> None:
    public, mine = add_repository(bob, "public"), add_repository(ada)
    public.push(CONTENT)
    repository.push(b"mine")
    for source, content in ((public.name, CONTENT), (repository.name.upper(), b"mine")):
        digest = digest_of(content)
        reply = mine.send("POST", "blobs/uploads/", params={"mount": digest, "from": source})
        assert reply.status_code == 201
        assert reply.headers["location"] == f"/v2/{mine.name}/blobs/{digest}"
        assert mine.pull(digest).content == content


def test_otherwise_an_upload_begins(ada: Person, bob: Person, repository: Repository) -> None:
    private = add_repository(bob)
    private.push(CONTENT)
    for parameters in (
        {"mount": DIGEST, "from": private.name},
        {"mount": DIGEST, "from": repository.name},
        {"mount": DIGEST, "from": "nobody/nothing"},
        {"mount": DIGEST, "from": "../.."},
        {"mount": DIGEST, "from": ""},
        {"mount": DIGEST},
    ):
        reply = repository.send("POST", "blobs/uploads/", params=parameters)
        assert reply.status_code == 202
        refusal(repository.pull(DIGEST), 404, "BLOB_UNKNOWN")
    assert repository.finish(reply.headers["location"], DIGEST, CONTENT).status_code == 201


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Person]:
    """Give someone on a hub whose blobs have at most a hundred bytes."""
    with inside(tmp_path_factory.mktemp("small") / "data", max_blob_bytes=100) as people:
        yield people.add()


def test_a_blob_that_just_fits(small: Person) -> None:
    repository = add_repository(small)
    assert repository.pull(repository.push(b"x" * 100)).content == b"x" * 100


def test_a_blob_that_is_too_large(small: Person) -> None:
    repository = add_repository(small)
    content = b"x" * 101
    digest = digest_of(content)
    for reply in (
        repository.send("POST", "blobs/uploads/", params={"digest": digest}, content=content),
        repository.finish(repository.begin(), digest, content),
        repository.send("PATCH", repository.begin(), content=content),
    ):
        assert "at most 100 bytes" in refusal(reply, 413, "SIZE_INVALID")
    refusal(repository.pull(digest), 404, "BLOB_UNKNOWN")


def test_a_blob_that_grows_too_large(small: Person) -> None:
    repository = add_repository(small)
    upload = repository.begin()
    assert repository.send("PATCH", upload, content=b"x" * 60).status_code == 202
    # Without a length the hub finds out only as it reads.
    reply = repository.send("PATCH", upload, content=iter([b"x" * 40, b"x"]))
    assert "content-length" not in reply.request.headers
    refusal(reply, 413, "SIZE_INVALID")
    assert repository.finish(upload, digest_of(b"x" * 100), b"x" * 40).status_code == 201


def test_larger_bodies_than_others_are_taken(people: People, ada: Person) -> None:
    repository = add_repository(ada)
    content = b"x" * 5_000_000
    assert repository.pull(repository.push(content)).content == content
