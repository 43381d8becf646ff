"""The hub's registry of images (OCI distribution, version 1): what it lacks is uploaded, what it has is left."""

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urljoin

from wriftai import _http, _settings
from wriftai._connections import Connection
from wriftai._policy import path
from wriftai.cli.image import MANIFEST_TYPE, Blob, Image
from wriftai.cli.refusals import Refusal

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

_PIECE = 1 << 18
_TIMEOUT = _http.Timeout(60, connect=10)  # Of each wait; an upload as a whole takes as long as it takes.

Progress = Callable[[int], None]
"""Is told how many more bytes are there."""


class Registry:
    """Holds the images of one model.

    Args:
        owner: Username of the model's owner.
        name: Of the model, without the owner.
    """

    def __init__(self, owner: str, name: str) -> None:
        address = _settings.base_url().rstrip("/").removesuffix("/v1")
        self._connection = Connection(address, _settings.headers(_settings.access_token(), {}), None)
        self._path = f"/v2{path(owner, name)}"

    def __enter__(self) -> "Self":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: "TracebackType | None"
    ) -> None:
        self._connection.close()

    def lacking(self, image: Image) -> list[Blob]:
        """Find the blobs of an image that are not there yet.

        Raises:
            Refusal: The registry does not let the caller see.
        """
        return [blob for blob in {blob.digest: blob for blob in image.blobs}.values() if not self._holds(blob)]

    def upload(self, blob: Blob, progress: Progress) -> None:
        """Upload a blob in one go.

        Args:
            blob: Its content is read from its file.
            progress: Told how many bytes were sent, piece by piece.

        Raises:
            Refusal: The registry does not take it.
            OSError: It cannot be read.
        """
        begun = self._request("POST", f"{self._path}/blobs/uploads/", {202})
        # Where to send it is the registry's to say, and may be relative to where it was asked for.
        where = urljoin(str(begun.request.url), begun.headers["location"])
        self._request(
            "PUT",
            f"{where}{'&' if '?' in where else '?'}{urlencode({'digest': blob.digest})}",
            {201},
            headers={"content-type": "application/octet-stream", "content-length": str(blob.size)},
            content=_pieces(blob, progress),
        )

    def publish(self, image: Image) -> None:
        """Give the manifest of an image whose blobs are there.

        Raises:
            Refusal: The registry does not take it.
        """
        where = f"{self._path}/manifests/{image.digest}"
        self._request("PUT", where, {201}, headers={"content-type": MANIFEST_TYPE}, content=image.manifest)

    def _holds(self, blob: Blob) -> bool:
        return self._request("HEAD", f"{self._path}/blobs/{blob.digest}", {200, 404}).status_code == 200

    def _request(self, method: str, where: str, expected: set[int], **options: Any) -> _http.Response:
        reply = self._connection.request(method, where, timeout=_TIMEOUT, **options)
        if reply.status_code not in expected:
            raise Refusal(f"The hub did not take the image: {_said(reply)}")
        return reply


def _pieces(blob: Blob, progress: Progress) -> Generator[bytes, None, None]:
    with blob.file.open("rb") as content:
        while piece := content.read(_PIECE):
            yield piece
            progress(len(piece))


def _said(reply: _http.Response) -> str:
    """Give what a reply says of an error, in the shape of the specification."""
    try:
        errors = reply.json()["errors"]
        return "; ".join(f"{error['message']} ({error['code']})" for error in errors)
    except (ValueError, LookupError, TypeError):
        return f"{reply.request.method} {reply.request.url.path} was answered with {reply.status_code}."
