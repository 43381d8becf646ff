"""Images of models for tests, made as the documented format says."""

import hashlib
import io
import json
import tarfile
import textwrap
from collections.abc import Mapping
from typing import Any, NamedTuple

import httpx

LAYER = "application/vnd.oci.image.layer.v1.tar"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
ANYTHING: dict[str, Any] = {"prediction": {"input": {}, "output": {}}}

ECHO = """
    class Predictor:
        def predict(self, text: str) -> str:
            return text
"""


class Image(NamedTuple):
    """An image, as the blobs that it is made of.

    Attributes:
        digest: Of the manifest.
        blobs: By digest, the manifest among them.
    """

    digest: str
    blobs: dict[str, bytes]


def image(code: str = ECHO, *, requirements: str = "", **label: Any) -> Image:
    """Make an image of a model that is one file.

    Args:
        code: Of `predict.py`; may be indented.
        requirements: Text of the requirements, with hashes.
        label: What differs from the usual in the model's label.
    """
    files = {"model/predict.py": textwrap.dedent(code).encode()}
    return of_layers(tar(files), tar({"requirements.txt": requirements.encode()}), **label)


def of_layers(*layers: bytes, media_type: str = LAYER, **label: Any) -> Image:
    """Make an image of layers as they are."""
    known = {"format": 1, "predictor": "predict.py:Predictor", "python": "3.11", "schemas": ANYTHING}
    config = _json(
        architecture="amd64",
        os="linux",
        rootfs={"type": "layers", "diff_ids": [digest(layer) for layer in layers]},
        config={"Labels": {"ai.wrift.model": json.dumps(known | label)}},
    )
    manifest = _json(
        schemaVersion=2,
        mediaType=MANIFEST,
        config=_named(config, CONFIG),
        layers=[_named(layer, media_type) for layer in layers],
    )
    return Image(digest(manifest), {digest(blob): blob for blob in (*layers, config, manifest)})


def tar(files: Mapping[str, bytes], form: int = tarfile.PAX_FORMAT) -> bytes:
    """Make a tar of regular files."""
    return tar_of(*((tarfile.TarInfo(name), content) for name, content in files.items()), form=form)


def tar_of(*members: tuple[tarfile.TarInfo, bytes], form: int = tarfile.PAX_FORMAT) -> bytes:
    """Make a tar of members as they are, but for their sizes."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=form) as archive:
        for member, content in members:
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def digest(content: bytes) -> str:
    """Name some bytes."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _named(content: bytes, media_type: str) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": digest(content), "size": len(content)}


def _json(**values: Any) -> bytes:
    return json.dumps(values).encode()


def push(hub: httpx.Client, owner: str, name: str, pushed: Image) -> str:
    """Push an image to a model as any tool for images does, and make a version of it; give the version's id.

    Args:
        hub: Speaks for the owner, at the address of the hub without the `/v1`.
        owner: Username.
        name: Of the model, which is made if it is new.
        pushed: The image.
    """
    model = {"name": name, "hardware_identifier": "cpu", "visibility": "public"}
    assert hub.post("/v1/models", json=model).status_code in (201, 409)
    repository = f"/v2/{owner}/{name}"
    for named, content in pushed.blobs.items():
        if named != pushed.digest:
            begun = hub.post(f"{repository}/blobs/uploads/").raise_for_status()
            place = httpx.URL(begun.headers["location"])
            hub.put(place.copy_merge_params({"digest": named}), content=content).raise_for_status()
    hub.put(
        f"{repository}/manifests/{pushed.digest}",
        content=pushed.blobs[pushed.digest],
        headers={"content-type": MANIFEST},
    ).raise_for_status()
    body = {"release_notes": "", "schemas": ANYTHING, "container_image_digest": pushed.digest}
    version: str = hub.post(f"/v1/models/{owner}/{name}/versions", json=body).raise_for_status().json()["id"]
    return version
