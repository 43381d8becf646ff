"""Uploading an image: what is there already stays here, and what is refused is explained."""

from pathlib import Path

import pytest

from tests.client.servers import SocketServer, Visit, header, http
from wriftai.cli.image import Blob, Image
from wriftai.cli.refusals import Refusal
from wriftai.cli.registry import Registry

DIGEST = "sha256:" + "0" * 64


@pytest.fixture
def blob(tmp_path: Path) -> Blob:
    file = tmp_path / "blob"
    file.write_bytes(b"x" * 600_000)
    return Blob("application/octet-stream", DIGEST, 600_000, file)


def answering(*replies: bytes) -> SocketServer:
    """Give a registry that answers in turn."""

    def script(visit: Visit) -> None:
        for reply in replies:
            if not visit.read_request():
                return
            visit.send(reply)

    return SocketServer(script)


def asked(server: SocketServer) -> list[str]:
    return [request.split(b" HTTP")[0].decode() for request in server.requests]


def at(server: SocketServer, monkeypatch: pytest.MonkeyPatch, path: str = "/v1") -> Registry:
    monkeypatch.setenv("WRIFTAI_API_BASE_URL", f"{server.address}{path}")
    monkeypatch.setenv("WRIFTAI_ACCESS_TOKEN", "secret")
    return Registry("ada", "digits")


@pytest.mark.parametrize(
    ("location", "put"),
    [
        ("/v2/ada/digits/blobs/uploads/u1", "PUT /v2/ada/digits/blobs/uploads/u1?digest=sha256%3A" + "0" * 64),
        ("u1?state=a%2Fb", "PUT /v2/ada/digits/blobs/uploads/u1?state=a%2Fb&digest=sha256%3A" + "0" * 64),
    ],
)
def test_a_blob_is_sent_in_one_go_to_where_the_registry_says(
    monkeypatch: pytest.MonkeyPatch, blob: Blob, location: str, put: str
) -> None:
    sent: list[int] = []
    begun = http(b"", f"Location: {location}", status="202 Accepted")
    with answering(begun, http(b"", status="201 Created")) as server, at(server, monkeypatch) as registry:
        registry.upload(blob, sent.append)
    assert asked(server) == ["POST /v2/ada/digits/blobs/uploads/", put]
    assert server.requests[1].endswith(b"\r\n\r\n" + b"x" * 600_000)
    assert header(server.requests[1], "content-length") == "600000"
    assert [header(request, "authorization") for request in server.requests] == ["Bearer secret"] * 2
    assert sum(sent) == 600_000
    assert len(sent) > 1


def test_only_what_lacks_is_uploaded_and_each_blob_once(monkeypatch: pytest.MonkeyPatch, blob: Blob) -> None:
    other = Blob(blob.media_type, "sha256:" + "1" * 64, blob.size, blob.file)
    image = Image(b"{}", DIGEST, (blob, other, blob))
    replies = (http(b"", status="404 Not Found"), http(b""))
    with answering(*replies) as server, at(server, monkeypatch, path="/v1/") as registry:
        assert registry.lacking(image) == [blob]
    assert asked(server) == [f"HEAD /v2/ada/digits/blobs/{each.digest}" for each in (blob, other)]


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        ("403 Forbidden", b'{"errors": [{"code": "DENIED", "message": "No."}]}', "No. (DENIED)"),
        (
            "400 Bad",
            b'{"errors": [{"code": "A", "message": "a"}, {"code": "B", "message": "b"}]}',
            "a (A); b (B)",
        ),
        ("502 Bad Gateway", b"<html>", "PUT /v2/ada/digits/manifests/sha256:0000"),
        ("502 Bad Gateway", b"[]", "PUT /v2/ada/digits/manifests/sha256:0000"),
        ("502 Bad Gateway", b'{"errors": [{}]}', "PUT /v2/ada/digits/manifests/sha256:0000"),
        ("200 OK", b"", "PUT /v2/ada/digits/manifests/sha256:0000"),
    ],
)
def test_a_refusal_is_in_the_words_of_the_registry(
    monkeypatch: pytest.MonkeyPatch, status: str, body: bytes, said: str
) -> None:
    with (
        answering(http(body, status=status)) as server,
        at(server, monkeypatch) as registry,
        pytest.raises(Refusal) as caught,
    ):
        registry.publish(Image(b"{}", DIGEST, ()))
    assert str(caught.value).startswith(f"The hub did not take the image: {said}")
