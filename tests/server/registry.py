"""The OCI distribution protocol, as programs speak it that copy images."""

import base64
from typing import Any

import httpx

from tests.images import MANIFEST_TYPE, Image, digest_of
from tests.server.people import Person
from tests.server.samples import add_model, new_name

ROOT = "http://hub.test/v2/"


def basic(username: str, password: str) -> dict[str, str]:
    """Make the header that says who is calling."""
    return {"Authorization": f"Basic {base64.b64encode(f'{username}:{password}'.encode()).decode()}"}


def refusal(reply: httpx.Response, status: int, code: str) -> str:
    """Give the message of a refusal, which has the shape of the specification and nothing else in it."""
    assert reply.status_code == status, reply.text
    assert reply.headers["content-type"] == "application/json"
    assert reply.headers["docker-distribution-api-version"] == "registry/2.0"
    assert reply.headers["x-request-id"]
    (error,) = reply.json().pop("errors")
    assert error["code"] == code
    message: str = error["message"]
    return message


class Repository:
    """A model, seen by someone as a repository of images.

    Args:
        person: Sends the requests.
        owner: Username.
        name: Of the model.
    """

    def __init__(self, person: Person, owner: str, name: str) -> None:
        self.person = person
        self.name = f"{owner}/{name}"

    def seen_by(self, person: Person) -> "Repository":
        """Give the same repository for someone else."""
        return Repository(person, *self.name.split("/"))

    def send(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send a request to an address below the repository, or to a whole one from an answer."""
        url = f"http://hub.test{path}" if path.startswith("/") else f"{ROOT}{self.name}/{path}"
        return self.person.send(method, url, **options)

    def begin(self) -> str:
        """Begin an upload; give its address."""
        reply = self.send("POST", "blobs/uploads/")
        assert reply.status_code == 202, reply.text
        location: str = reply.headers["location"]
        return location

    def finish(self, upload: str, digest: str, content: bytes = b"", **options: Any) -> httpx.Response:
        """Finish an upload, perhaps with its last bytes."""
        return self.send("PUT", upload, params={"digest": digest}, content=content, **options)

    def push(self, content: bytes) -> str:
        """Upload a blob; give its digest."""
        digest = digest_of(content)
        reply = self.send("POST", "blobs/uploads/", params={"digest": digest}, content=content)
        assert reply.status_code == 201, reply.text
        return digest

    def push_manifest(self, content: bytes, reference: str, media_type: str = MANIFEST_TYPE) -> httpx.Response:
        """Send a manifest."""
        return self.send("PUT", f"manifests/{reference}", content=content, headers={"Content-Type": media_type})

    def push_image(self, image: Image, tag: str = "latest") -> None:
        """Send an image, blobs first."""
        for content in image.blobs:
            self.push(content)
        reply = self.push_manifest(image.manifest, tag)
        assert reply.status_code == 201, reply.text

    def pull(self, digest: str, **options: Any) -> httpx.Response:
        """Ask for a blob."""
        return self.send("GET", f"blobs/{digest}", **options)


def add_repository(owner: Person, visibility: str = "private") -> Repository:
    """Add a model to a hub; its owner sees it as a repository."""
    return Repository(owner, owner.name, add_model(owner, new_name(), visibility=visibility)["name"])
