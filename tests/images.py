"""Images for tests: blobs, manifests, and layouts in folders (OCI image specification)."""

import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar"


def digest_of(content: bytes) -> str:
    """Give the digest of a blob."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def descriptor(media_type: str, content: bytes, **more: Any) -> dict[str, Any]:
    """Describe a blob."""
    return {"mediaType": media_type, "digest": digest_of(content), "size": len(content), **more}


def layer(**files: bytes) -> bytes:
    """Pack files into a layer, always the same bytes for the same files."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, content in sorted(files.items()):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


class Image:
    """An image as a model has one: a config and uncompressed layers.

    Args:
        layers: Packed files.
        more: Further keys of the manifest.
    """

    def __init__(self, *layers: bytes, **more: Any) -> None:
        self.config = json.dumps(
            {
                "architecture": "amd64",
                "os": "linux",
                "rootfs": {"type": "layers", "diff_ids": [digest_of(each) for each in layers]},
            }
        ).encode()
        self.blobs = [self.config, *layers]
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": descriptor(CONFIG_TYPE, self.config),
            "layers": [descriptor(LAYER_TYPE, each) for each in layers],
            **more,
        }
        self.manifest = json.dumps(manifest).encode()

    @property
    def digest(self) -> str:
        """Digest of the manifest."""
        return digest_of(self.manifest)


def write_layout(folder: Path, image: Image, tag: str) -> None:
    """Write an image into a folder (OCI image layout)."""
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    for content in (*image.blobs, image.manifest):
        (blobs / digest_of(content).partition(":")[2]).write_bytes(content)
    named = descriptor(MANIFEST_TYPE, image.manifest, annotations={"org.opencontainers.image.ref.name": tag})
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [named]}))


def read_layout(folder: Path) -> dict[str, bytes]:
    """Give all that is in a layout, by digest."""
    blobs = (folder / "blobs" / "sha256").iterdir()
    return {f"sha256:{blob.name}": blob.read_bytes() for blob in blobs}
