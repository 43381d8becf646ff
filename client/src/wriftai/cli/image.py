"""Images: a bundle, its requirements and its schemas as one thing that a hub keeps and hands out (OCI, 1.0)."""

import hashlib
import json
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from wriftai.cli import bundle
from wriftai.cli.project import Project
from wriftai.common_types import Schemas

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
_CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
_LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar"
_LABEL = "ai.wrift.model"
_FORMAT = 1
_FOLDER = "model"
_REQUIREMENTS = "requirements.txt"


@dataclass(frozen=True)
class Blob:
    """A part of an image.

    Attributes:
        media_type: Of its content, as OCI names it.
        digest: SHA-256 of its content, as `sha256:` and 64 hexadecimal digits.
        size: Of its content, in bytes.
        file: Path of a file that has its content.
    """

    media_type: str
    digest: str
    size: int
    file: Path

    @property
    def descriptor(self) -> dict[str, Any]:
        """What a manifest says of it."""
        return {"mediaType": self.media_type, "digest": self.digest, "size": self.size}


@dataclass(frozen=True)
class Image:
    """An image, ready to be uploaded.

    Attributes:
        manifest: JSON that names the parts by their digests.
        digest: Of the manifest, and so of the whole, as `sha256:…`.
        blobs: The parts: layers, and the config.
    """

    manifest: bytes
    digest: str
    blobs: tuple[Blob, ...]


class Workshop:
    """Makes the parts of an image, in a folder that is removed at the end.

    Args:
        folder: Path of an empty folder, to work in.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def source(self, members: list[bundle.Member]) -> Blob:
        """Pack the files of a project.

        Raises:
            OSError: A file cannot be read, or changed while it was.
        """
        file = self._folder / "source.tar"
        with file.open("xb") as target:
            digest = bundle.pack(members, _FOLDER, target)
        return Blob(_LAYER_TYPE, digest, file.stat().st_size, file)

    def requirements(self, text: str) -> Blob:
        """Pack the text of a requirements file."""
        file = self._folder / "requirements.tar"
        with file.open("xb") as target:
            digest = bundle.pack_text(_REQUIREMENTS, text, target)
        return Blob(_LAYER_TYPE, digest, file.stat().st_size, file)

    def image(self, project: Project, schemas: Schemas, layers: tuple[Blob, ...]) -> Image:
        """Put an image together.

        Args:
            project: Says how the model is run.
            schemas: What its predictions take and give.
            layers: What `source` and `requirements` made.
        """
        label = {
            "format": _FORMAT,
            "predictor": project.predictor,
            "python": project.python,
            "concurrency": project.concurrency,
            "schemas": schemas,
        }
        config = {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Labels": {_LABEL: _encoded(label).decode()}},
            "rootfs": {"type": "layers", "diff_ids": [layer.digest for layer in layers]},
        }
        file = self._folder / "config.json"
        file.write_bytes(_encoded(config))
        described = Blob(_CONFIG_TYPE, _digest(file.read_bytes()), file.stat().st_size, file)
        manifest = _encoded(
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST_TYPE,
                "config": described.descriptor,
                "layers": [layer.descriptor for layer in layers],
            }
        )
        return Image(manifest, _digest(manifest), (*layers, described))


@contextmanager
def workshop() -> Generator[Workshop, None, None]:
    """Open a workshop in a temporary folder."""
    with TemporaryDirectory(prefix="wriftai-") as folder:
        yield Workshop(Path(folder))


def _encoded(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"
