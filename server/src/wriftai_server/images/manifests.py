"""Manifests: what is read out of them. They are stored as they were sent."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
from msgspec import Meta

from wriftai_server.http.bodies import Digest
from wriftai_server.http.problems import Problem

MAX_BYTES = 4 * 1024 * 1024
# Several times what programs that run images can stack; each is looked for and noted in one transaction.
MAX_NAMES = 1000
INDEX_TYPE = "application/vnd.oci.image.index.v1+json"


class Descriptor(msgspec.Struct, rename="camel"):
    """Names a blob or a manifest."""

    media_type: str
    digest: Digest
    size: Annotated[int, Meta(ge=0, le=2**53)]


class _Document(msgspec.Struct, rename="camel", kw_only=True):
    schema_version: Literal[2]
    media_type: str | None = None
    artifact_type: str | None = None
    subject: Descriptor | None = None
    annotations: dict[str, str] | None = None


class Image(_Document):
    """A config and layers."""

    config: Descriptor
    layers: list[Descriptor] | None = None


class Index(_Document):
    """Several manifests, such as one for each kind of machine."""

    manifests: list[Descriptor] | None = None


_KINDS: Mapping[str, type[Image | Index]] = {
    "application/vnd.oci.image.manifest.v1+json": Image,
    "application/vnd.docker.distribution.manifest.v2+json": Image,
    INDEX_TYPE: Index,
    "application/vnd.docker.distribution.manifest.list.v2+json": Index,
}


class Manifest(NamedTuple):
    """What is read out of a manifest.

    Attributes:
        media_type: As it was sent.
        names: Blobs of an image, or manifests of an index.
        is_index: Which of the two.
        subject: Digest of the manifest that this one is about.
        shown: What a list of referrers tells of it, beside its digest and size.
    """

    media_type: str
    names: list[Descriptor]
    is_index: bool
    subject: str | None
    shown: dict[str, Any]


def read(content: bytes, content_type: str) -> Manifest:
    """Read a manifest.

    Args:
        content: As it was sent.
        content_type: Header of the request; parameters do not count.

    Raises:
        Problem: 400, it is not one of the hub's kinds, malformed, or names too much.
    """
    media_type = content_type.partition(";")[0].strip()
    kind = _KINDS.get(media_type)
    if kind is None:
        raise invalid(f"The content type '{media_type}' is none of {', '.join(_KINDS)}.")
    try:
        document = msgspec.json.decode(content, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise invalid(f"This is not a manifest of type {media_type}: {error}.") from None
    if document.media_type not in (None, media_type):
        raise invalid(f"The manifest says that it is '{document.media_type}', the request '{media_type}'.")
    names = _names(document)
    if len(names) > MAX_NAMES:
        raise invalid(f"The manifest names {len(names)} blobs or manifests, {MAX_NAMES} at most can be named.")
    return Manifest(
        media_type=media_type,
        names=names,
        is_index=isinstance(document, Index),
        subject=document.subject.digest if document.subject else None,
        shown=_shown(document, media_type),
    )


def invalid(detail: str) -> Problem:
    """Make the answer for a manifest that cannot be taken."""
    return Problem(400, detail, code="MANIFEST_INVALID")


def _names(document: Image | Index) -> list[Descriptor]:
    # Some programs write null for a list without entries.
    if isinstance(document, Image):
        return [document.config, *(document.layers or [])]
    return document.manifests or []


def _shown(document: Image | Index, media_type: str) -> dict[str, Any]:
    artifact_type = document.artifact_type
    if not artifact_type and isinstance(document, Image):
        artifact_type = document.config.media_type
    shown = {
        "mediaType": media_type,
        "artifactType": artifact_type or None,
        "annotations": document.annotations,
    }
    return {key: value for key, value in shown.items() if value is not None}
