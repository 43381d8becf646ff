"""Blobs of images: read, looked for, and removed."""

import httpx
import pytest

from tests.images import Image, digest_of, layer
from tests.server.people import Person
from tests.server.registry import Repository, add_repository, refusal

CONTENT = bytes(range(256)) * 10
DIGEST = digest_of(CONTENT)
SIZE = len(CONTENT)
ABSENT = digest_of(b"absent")


@pytest.fixture
def repository(ada: Person) -> Repository:
    """Give a private model that holds a blob."""
    found = add_repository(ada)
    assert found.push(CONTENT) == DIGEST
    return found


def test_a_blob_is_given_as_it_was_pushed(repository: Repository) -> None:
    reply = repository.pull(DIGEST)
    assert (reply.status_code, reply.content) == (200, CONTENT)
    assert reply.headers["content-length"] == str(SIZE)
    assert reply.headers["content-type"] == "application/octet-stream"
    assert reply.headers["docker-content-digest"] == DIGEST
    assert reply.headers["etag"] == f'"{DIGEST}"'
    assert reply.headers["accept-ranges"] == "bytes"
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["docker-distribution-api-version"] == "registry/2.0"


def test_head_tells_the_same_without_the_bytes(repository: Repository) -> None:
    head, get = repository.send("HEAD", f"blobs/{DIGEST}"), repository.pull(DIGEST)
    assert (head.status_code, head.content) == (200, b"")
    ignored = {"x-request-id"}
    assert {key: head.headers[key] for key in head.headers.keys() - ignored} == {
        key: get.headers[key] for key in get.headers.keys() - ignored
    }
    assert repository.send("HEAD", f"blobs/{ABSENT}").status_code == 404


@pytest.mark.parametrize("content", [b"", b"x", b"x" * 3_000_000])
def test_blobs_of_any_size(repository: Repository, content: bytes) -> None:
    reply = repository.pull(repository.push(content))
    assert (reply.status_code, reply.content) == (200, content)
    assert reply.headers["content-length"] == str(len(content))


@pytest.mark.parametrize(
    ("header", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=0-99", 0, 100),
        ("bytes=100-", 100, SIZE),
        (f"bytes=5-{SIZE - 1}", 5, SIZE),
        (f"bytes=5-{SIZE}", 5, SIZE),
        ("bytes=5-999999999999", 5, SIZE),
        ("bytes=-7", SIZE - 7, SIZE),
        ("bytes=-999999", 0, SIZE),
    ],
)
def test_a_part_of_a_blob(repository: Repository, header: str, start: int, end: int) -> None:
    reply = repository.pull(DIGEST, headers={"Range": header})
    assert (reply.status_code, reply.content) == (206, CONTENT[start:end])
    assert reply.headers["content-range"] == f"bytes {start}-{end - 1}/{SIZE}"
    assert reply.headers["content-length"] == str(end - start)


@pytest.mark.parametrize(
    "header",
    ["bytes=-", "bytes=5-4", "bytes=0-1,3-4", "bytes=a-b", "lines=0-5", "bytes 0-5", "0-5", f"bytes={'9' * 30}-"],
)
def test_what_is_no_part_gives_the_whole(repository: Repository, header: str) -> None:
    reply = repository.pull(DIGEST, headers={"Range": header})
    assert (reply.status_code, reply.content) == (200, CONTENT)


@pytest.mark.parametrize("header", [f"bytes={SIZE}-", f"bytes={SIZE}-{SIZE + 5}", "bytes=-0"])
def test_a_part_behind_the_end(repository: Repository, header: str) -> None:
    reply = repository.pull(DIGEST, headers={"Range": header})
    refusal(reply, 416, "UNSUPPORTED")
    assert reply.headers["content-range"] == f"bytes */{SIZE}"


def test_an_empty_blob_has_no_parts(repository: Repository) -> None:
    reply = repository.pull(repository.push(b""), headers={"Range": "bytes=0-"})
    assert reply.headers["content-range"] == "bytes */0"


@pytest.mark.parametrize(
    "digest",
    [
        "sha256:" + "A" * 64,
        "sha256:" + "a" * 63,
        "sha256:" + "a" * 65,
        "sha512:" + "a" * 128,
        "md5:" + "a" * 32,
        "a" * 64,
        "sha256:..%2F..%2Fhub.sqlite3",
        "..%2F..%2Fhub.sqlite3",
        "sha256:" + "a" * 64 + "%0A",
        "sha256:%00",
        "latest",
    ],
)
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_what_is_no_digest(repository: Repository, method: str, digest: str) -> None:
    reply = repository.person.send(method, httpx.URL(f"http://hub.test/v2/{repository.name}/blobs/{digest}"))
    refusal(reply, 400, "DIGEST_INVALID")


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_blob_that_the_model_lacks(repository: Repository, method: str) -> None:
    assert ABSENT in refusal(repository.send(method, f"blobs/{ABSENT}"), 404, "BLOB_UNKNOWN")


def test_a_blob_that_another_model_holds_is_not_there(ada: Person, bob: Person, repository: Repository) -> None:
    for other in (add_repository(ada), add_repository(bob)):
        refusal(other.pull(DIGEST), 404, "BLOB_UNKNOWN")
        assert other.send("HEAD", f"blobs/{DIGEST}").status_code == 404


def test_a_blob_is_taken_from_one_model_and_no_other(ada: Person, repository: Repository) -> None:
    other = add_repository(ada)
    other.push(CONTENT)
    assert repository.send("DELETE", f"blobs/{DIGEST}").status_code == 202
    refusal(repository.pull(DIGEST), 404, "BLOB_UNKNOWN")
    refusal(repository.send("DELETE", f"blobs/{DIGEST}"), 404, "BLOB_UNKNOWN")
    assert other.pull(DIGEST).content == CONTENT
    repository.push(CONTENT)
    assert repository.pull(DIGEST).content == CONTENT


def test_a_blob_that_a_manifest_names_stays(repository: Repository) -> None:
    image = Image(layer(a=b"1"))
    repository.push_image(image)
    for content in image.blobs:
        reply = repository.send("DELETE", f"blobs/{digest_of(content)}")
        assert "delete the manifest first" in refusal(reply, 405, "UNSUPPORTED")
        assert reply.headers["allow"] == "GET, HEAD"
    assert repository.send("DELETE", f"manifests/{image.digest}").status_code == 202
    for content in image.blobs:
        assert repository.send("DELETE", f"blobs/{digest_of(content)}").status_code == 202
