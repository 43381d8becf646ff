"""Manifests of images, their tags, and what is about them."""

import itertools
import json
from typing import Any

import httpx
import pytest

from tests.images import INDEX_TYPE, LAYER_TYPE, MANIFEST_TYPE, Image, descriptor, digest_of, layer
from tests.server.people import Person
from tests.server.registry import Repository, add_repository, refusal

DOCKER_TYPE = "application/vnd.docker.distribution.manifest.v2+json"
IMAGE = Image(layer(a=b"1"), layer(b=b"2"))


@pytest.fixture
def repository(ada: Person) -> Repository:
    """Give a model that has an image, named by the tag `latest`."""
    found = add_repository(ada)
    found.push_image(IMAGE)
    return found


def index(*images: Image, **more: Any) -> bytes:
    """Make a manifest that names others."""
    entries = [descriptor(MANIFEST_TYPE, image.manifest) for image in images]
    return json.dumps({"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": entries, **more}).encode()


def tags(repository: Repository, **params: Any) -> list[str]:
    reply = repository.send("GET", "tags/list", params=params)
    assert reply.status_code == 200
    assert reply.json()["name"] == repository.name
    found: list[str] = reply.json()["tags"]
    return found


def test_a_manifest_is_given_as_it_was_pushed_by_tag_and_by_digest(repository: Repository) -> None:
    for reference in ("latest", IMAGE.digest):
        reply = repository.send("GET", f"manifests/{reference}")
        assert (reply.status_code, reply.content) == (200, IMAGE.manifest)
        assert reply.headers["content-type"] == MANIFEST_TYPE
        assert reply.headers["docker-content-digest"] == IMAGE.digest
        head = repository.send("HEAD", f"manifests/{reference}")
        assert (head.status_code, head.content) == (200, b"")
        for name in ("content-type", "content-length", "docker-content-digest"):
            assert head.headers[name] == reply.headers[name]


def test_pushing_says_where_it_is(ada: Person) -> None:
    repository = add_repository(ada)
    for content in IMAGE.blobs:
        repository.push(content)
    for reference in ("v1", IMAGE.digest, "v1"):
        reply = repository.push_manifest(IMAGE.manifest, reference, f"{MANIFEST_TYPE}; charset=utf-8")
        assert (reply.status_code, reply.content) == (201, b"")
        assert reply.headers["location"] == f"/v2/{repository.name}/manifests/{IMAGE.digest}"
        assert reply.headers["docker-content-digest"] == IMAGE.digest
        assert "oci-subject" not in reply.headers
    assert repository.send("GET", f"manifests/{IMAGE.digest}").headers["content-type"] == MANIFEST_TYPE
    assert tags(repository) == ["v1"]


def test_a_tag_moves(repository: Repository) -> None:
    newer = Image(layer(a=b"3"))
    repository.push_image(newer)
    assert repository.send("GET", "manifests/latest").content == newer.manifest
    assert repository.send("GET", f"manifests/{IMAGE.digest}").content == IMAGE.manifest


def test_manifests_of_docker_are_taken(repository: Repository) -> None:
    image = Image(layer(a=b"1"), mediaType=DOCKER_TYPE)
    for content in image.blobs:
        repository.push(content)
    assert repository.push_manifest(image.manifest, "docker", DOCKER_TYPE).status_code == 201
    reply = repository.send("GET", "manifests/docker")
    assert (reply.headers["content-type"], reply.content) == (DOCKER_TYPE, image.manifest)


def test_an_index_names_manifests(repository: Repository) -> None:
    other = Image(layer(a=b"4"))
    content = index(IMAGE, other)
    reply = repository.push_manifest(content, "all", INDEX_TYPE)
    assert other.digest in refusal(reply, 400, "MANIFEST_BLOB_UNKNOWN")
    repository.push_image(other, "other")
    assert repository.push_manifest(content, "all", INDEX_TYPE).status_code == 201
    reply = repository.send("GET", "manifests/all")
    assert (reply.headers["content-type"], reply.content) == (INDEX_TYPE, content)
    refusal(repository.push_manifest(index(IMAGE, annotations=5), "x", INDEX_TYPE), 400, "MANIFEST_INVALID")


@pytest.mark.parametrize("layers", [{"layers": []}, {"layers": None}])
def test_an_image_may_have_no_layers(ada: Person, layers: dict[str, Any]) -> None:
    repository = add_repository(ada)
    image = Image(**layers)
    repository.push_image(image)
    assert repository.send("GET", "manifests/latest").content == image.manifest


def test_an_image_may_name_a_blob_twice(ada: Person) -> None:
    repository = add_repository(ada)
    image = Image(layer(a=b"1"), layer(a=b"1"))
    repository.push_image(image)
    assert repository.send("GET", "manifests/latest").content == image.manifest


def test_an_image_whose_blobs_are_not_there_is_refused_as_a_whole(ada: Person) -> None:
    repository = add_repository(ada)
    pushed, absent = IMAGE.blobs[0], [digest_of(content) for content in IMAGE.blobs[1:]]
    repository.push(pushed)
    message = refusal(repository.push_manifest(IMAGE.manifest, "v1"), 400, "MANIFEST_BLOB_UNKNOWN")
    assert "lacks 2 of the blobs" in message
    assert min(absent) in message
    for reference in ("v1", IMAGE.digest):
        refusal(repository.send("GET", f"manifests/{reference}"), 404, "MANIFEST_UNKNOWN")
    assert tags(repository) == []
    assert repository.send("DELETE", f"blobs/{digest_of(pushed)}").status_code == 202


def test_blobs_of_other_models_do_not_count(bob: Person, repository: Repository) -> None:
    refusal(add_repository(bob).push_manifest(IMAGE.manifest, "v1"), 400, "MANIFEST_BLOB_UNKNOWN")


def changed(**changes: Any) -> bytes:
    return json.dumps({**json.loads(IMAGE.manifest), **changes}).encode()


CONFIG = json.loads(IMAGE.manifest)["config"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"\xff",
        b"[" * 100_000,
        b'{"x":' * 100_000,
        changed(schemaVersion=1),
        changed(mediaType=DOCKER_TYPE),
        changed(config=None),
        changed(config={**CONFIG, "digest": "sha512:" + "a" * 128}),
        changed(config={**CONFIG, "digest": f"{CONFIG['digest']}\n"}),
        changed(config={**CONFIG, "digest": "../../hub.sqlite3"}),
        changed(config={**CONFIG, "size": CONFIG["size"] + 1}),
        changed(config={**CONFIG, "size": -1}),
        changed(config={**CONFIG, "size": 2**70}),
        changed(config={**CONFIG, "size": "5"}),
        changed(layers={}),
        changed(layers=[5]),
        changed(subject="x"),
        changed(subject={"mediaType": MANIFEST_TYPE}),
        index(IMAGE),
    ],
)
def test_what_is_no_manifest(repository: Repository, content: bytes) -> None:
    refusal(repository.push_manifest(content, "bad"), 400, "MANIFEST_INVALID")
    refusal(repository.send("GET", f"manifests/{digest_of(content)}"), 404, "MANIFEST_UNKNOWN")
    assert tags(repository) == ["latest"]


@pytest.mark.parametrize(
    "media_type",
    ["", "application/json", "text/html", "application/vnd.docker.distribution.manifest.v1+json", ";"],
)
def test_other_types_are_refused(repository: Repository, media_type: str) -> None:
    message = refusal(repository.push_manifest(IMAGE.manifest, "bad", media_type), 400, "MANIFEST_INVALID")
    assert MANIFEST_TYPE in message


def test_the_digest_must_be_that_of_the_manifest(repository: Repository) -> None:
    absent = digest_of(b"absent")
    assert absent in refusal(repository.push_manifest(IMAGE.manifest, absent), 400, "DIGEST_INVALID")
    for digest in ("sha512:" + "a" * 128, "sha256:x", ":"):
        refusal(repository.push_manifest(IMAGE.manifest, digest), 400, "DIGEST_INVALID")


def test_a_manifest_is_at_most_four_megabytes(repository: Repository) -> None:
    limit = 4 * 1024 * 1024
    padded = IMAGE.manifest[:-1] + b" " * (limit - len(IMAGE.manifest)) + b"}"
    assert len(padded) == limit
    assert repository.push_manifest(padded, "padded").status_code == 201
    assert repository.send("GET", "manifests/padded").content == padded
    refusal(repository.push_manifest(padded + b" ", "padded"), 413, "SIZE_INVALID")


@pytest.mark.parametrize(
    "reference", ["absent", "sha256:" + "a" * 64, "sha256:x", "..", "%2E%2E%2Flatest", "%00", "a b"]
)
def test_a_manifest_that_is_not_there(repository: Repository, reference: str) -> None:
    for method in ("GET", "DELETE"):
        escaped = reference.replace("..", "%2E%2E").replace(" ", "%20")
        url = httpx.URL(f"http://hub.test/v2/{repository.name}/manifests/{escaped}")
        refusal(repository.person.send(method, url), 404, "MANIFEST_UNKNOWN")


@pytest.mark.parametrize(
    "tag", ["-a", ".a", "a" * 129, "a%20b", "%C3%A9", "a%0A", "a%2Fb", "%2E%2E", "a+b", "a@b"]
)
def test_what_is_no_tag(repository: Repository, tag: str) -> None:
    url = httpx.URL(f"http://hub.test/v2/{repository.name}/manifests/{tag}")
    reply = repository.person.send("PUT", url, content=IMAGE.manifest, headers={"Content-Type": MANIFEST_TYPE})
    refusal(reply, 400, "MANIFEST_INVALID")
    assert tags(repository) == ["latest"]


def test_a_tag_is_removed_and_its_manifest_stays(repository: Repository) -> None:
    assert repository.send("DELETE", "manifests/latest").status_code == 202
    refusal(repository.send("GET", "manifests/latest"), 404, "MANIFEST_UNKNOWN")
    refusal(repository.send("DELETE", "manifests/latest"), 404, "MANIFEST_UNKNOWN")
    assert repository.send("GET", f"manifests/{IMAGE.digest}").status_code == 200


def test_a_manifest_is_removed_with_its_tags(repository: Repository) -> None:
    repository.push_manifest(IMAGE.manifest, "also")
    assert repository.send("DELETE", f"manifests/{IMAGE.digest}").status_code == 202
    for reference in ("latest", "also", IMAGE.digest):
        refusal(repository.send("GET", f"manifests/{reference}"), 404, "MANIFEST_UNKNOWN")
    assert tags(repository) == []


def test_tags_come_in_the_order_of_their_bytes(repository: Repository) -> None:
    names = ["v10", "v2", "V1", "_x", "1.0", "latest", "a" * 128]
    for name in names:
        assert repository.push_manifest(IMAGE.manifest, name).status_code == 201
    ordered = sorted(names)
    assert tags(repository) == tags(repository, n=100) == ordered
    assert tags(repository, n=2) == ordered[:2]
    assert tags(repository, n=0) == []
    assert tags(repository, last=ordered[2]) == ordered[3:]
    assert tags(repository, n=2, last=ordered[2]) == ordered[3:5]
    assert tags(repository, last="between") == [name for name in ordered if name > "between"]


def test_pages_of_tags_lead_to_one_another(repository: Repository) -> None:
    names = ["latest", *(f"v{number}" for number in range(6))]
    for name in names[1:]:
        repository.push_manifest(IMAGE.manifest, name)
    found, address = [], f"/v2/{repository.name}/tags/list?n=3"
    while address:
        reply = repository.send("GET", address)
        found.append(reply.json()["tags"])
        address = reply.links["next"]["url"] if "link" in reply.headers else ""
    assert found == [names[:3], names[3:6], names[6:]]


@pytest.mark.parametrize("n", ["-1", "x", "1.5", "9" * 30, "", "\u0661"])
def test_numbers_of_tags_that_are_none(repository: Repository, n: str) -> None:
    refusal(repository.send("GET", "tags/list", params={"n": n}), 400, "UNSUPPORTED")


def referrers(repository: Repository, **params: Any) -> tuple[list[dict[str, Any]], httpx.Response]:
    reply = repository.send("GET", f"referrers/{IMAGE.digest}", params=params)
    assert reply.status_code == 200
    assert reply.headers["content-type"] == INDEX_TYPE
    shown = reply.json()
    assert (shown["schemaVersion"], shown["mediaType"]) == (2, INDEX_TYPE)
    return shown["manifests"], reply


def test_nothing_is_about_an_image_at_first(repository: Repository) -> None:
    assert referrers(repository)[0] == []
    reply = repository.send("GET", f"referrers/{digest_of(b'absent')}")
    assert (reply.status_code, reply.json()["manifests"]) == (200, [])


def test_what_is_about_an_image_is_listed(repository: Repository) -> None:
    subject = descriptor(MANIFEST_TYPE, IMAGE.manifest)
    signature = Image(layer(s=b"1"), subject=subject, artifactType="x/signature", annotations={"by": "ada"})
    plain = Image(layer(s=b"2"), subject=subject)
    both = index(IMAGE, subject=subject)
    for content in (*signature.blobs, *plain.blobs):
        repository.push(content)
    for content, media_type in (
        (signature.manifest, MANIFEST_TYPE),
        (plain.manifest, MANIFEST_TYPE),
        (both, INDEX_TYPE),
    ):
        reply = repository.push_manifest(content, digest_of(content), media_type)
        assert (reply.status_code, reply.headers["oci-subject"]) == (201, IMAGE.digest)
    config_type = json.loads(plain.manifest)["config"]["mediaType"]
    expected = [
        descriptor(MANIFEST_TYPE, signature.manifest, artifactType="x/signature", annotations={"by": "ada"}),
        descriptor(MANIFEST_TYPE, plain.manifest, artifactType=config_type),
        descriptor(INDEX_TYPE, both),
    ]
    found, reply = referrers(repository)
    assert found == sorted(expected, key=lambda each: each["digest"])
    assert "oci-filters-applied" not in reply.headers
    filtered, reply = referrers(repository, artifactType="x/signature")
    assert filtered == expected[:1]
    assert reply.headers["oci-filters-applied"] == "artifactType"


def test_pages_of_what_is_about_an_image(repository: Repository) -> None:
    subject = descriptor(MANIFEST_TYPE, IMAGE.manifest)
    pushed = set()
    for number in range(103):
        content = index(subject=subject, annotations={"number": str(number)})
        assert repository.push_manifest(content, digest_of(content), INDEX_TYPE).status_code == 201
        pushed.add(digest_of(content))
    first, reply = referrers(repository)
    second = repository.send("GET", reply.links["next"]["url"])
    assert len(first) == 100
    assert "link" not in second.headers
    assert {each["digest"] for each in [*first, *second.json()["manifests"]]} == pushed


def test_a_page_of_what_is_about_an_image_is_no_larger_than_one_manifest(repository: Repository) -> None:
    subject = descriptor(MANIFEST_TYPE, IMAGE.manifest)
    sizes = (4_190_000, 2_000_000, 2_100_000, 1_000_000, 10)
    pushed = [index(subject=subject, annotations={"padding": "x" * size}) for size in sizes]
    for content in pushed:
        assert repository.push_manifest(content, digest_of(content), INDEX_TYPE).status_code == 201
    pages, reply = [], referrers(repository)[1]
    while True:
        pages.append(reply.json()["manifests"])
        if "link" not in reply.headers:
            break
        reply = repository.send("GET", reply.links["next"]["url"])
    assert [each["digest"] for page in pages for each in page] == sorted(map(digest_of, pushed))
    for page, following in itertools.pairwise(pages):
        assert sum(each["size"] for each in page) <= 4 * 1024 * 1024
        assert sum(each["size"] for each in [*page, following[0]]) > 4 * 1024 * 1024


def test_a_manifest_names_a_thousand_at_most(repository: Repository) -> None:
    layers = [layer(number=str(number).encode()) for number in range(1000)]
    content = Image(*layers).manifest
    refusal(repository.push_manifest(content, "many"), 400, "MANIFEST_INVALID")
    content = Image(*layers[:999]).manifest
    refusal(repository.push_manifest(content, "many"), 400, "MANIFEST_BLOB_UNKNOWN")
    assert tags(repository) == ["latest"]


def test_a_subject_need_not_be_there(ada: Person) -> None:
    repository = add_repository(ada)
    repository.push_image(Image(layer(s=b"1"), subject=descriptor(MANIFEST_TYPE, IMAGE.manifest)))
    assert len(referrers(repository)[0]) == 1


@pytest.mark.parametrize("digest", ["latest", "sha256:x", "sha512:" + "a" * 128])
def test_what_is_about_what_is_no_digest(repository: Repository, digest: str) -> None:
    refusal(repository.send("GET", f"referrers/{digest}"), 400, "DIGEST_INVALID")


def test_layers_may_be_of_any_type(ada: Person) -> None:
    repository = add_repository(ada)
    content = b"anything"
    repository.push(content)
    manifest = {
        "schemaVersion": 2,
        "config": descriptor("application/vnd.oci.empty.v1+json", content),
        "layers": [descriptor(LAYER_TYPE, content), descriptor("text/html", content)],
    }
    assert repository.push_manifest(json.dumps(manifest).encode(), "any").status_code == 201
