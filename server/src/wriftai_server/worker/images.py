"""Images of models, unpacked once each for the runtimes of this machine."""

import asyncio
import os
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, NamedTuple, TypeVar

import msgspec
from msgspec import Meta, Struct

from wriftai_runtime import requirements
from wriftai_server.http.bodies import Digest
from wriftai_server.images.blobs import BlobMissing, Blobs
from wriftai_server.worker.confinement.removal import remove_tree
from wriftai_server.worker.unpacking import BadImage, Room, unpack

_LABEL = "ai.wrift.model"
_LAYER = "application/vnd.oci.image.layer.v1.tar"
_MOST_BYTES = 4 * 1024 * 1024  # Of a manifest, or a config.
_LABEL_FILE = "label.json"

T = TypeVar("T")


class ImageMissing(Exception):
    """The hub does not hold all of an image."""


class _Blob(Struct):
    digest: Digest
    mediaType: str  # noqa: N815  as the specification writes it


class _Manifest(Struct):
    config: _Blob
    layers: Annotated[list[_Blob], Meta(min_length=1, max_length=127)]


class _Config(Struct):
    Labels: dict[str, str] = {}


class _ImageConfig(Struct):
    config: _Config = msgspec.field(default_factory=_Config)


class Label(Struct):
    """What an image says of its model.

    Attributes:
        format: Number of the form that such images have; there is one so far.
        predictor: File and class, as `predict.py:Predictor`.
        python: Version that the model runs on, as 3.11.
        concurrency: How many predictions one runtime runs at a time, 1 to 1,000.
    """

    format: Annotated[int, Meta(ge=1, le=1)]
    predictor: Annotated[str, Meta(max_length=255)]
    python: Annotated[str, Meta(pattern=r"^3\.[0-9]{1,3}(?!\n)$")]
    concurrency: Annotated[int, Meta(ge=1, le=1000)] = 1


class Image(NamedTuple):
    """An image that is unpacked.

    Attributes:
        folder: The model's files.
        requirements: File that lists what its environment holds, with hashes.
        label: What it says of its model.
    """

    folder: Path
    requirements: Path
    label: Label


class Images:
    """Unpacks images, each once for all that run it.

    Args:
        folder: Holds a folder for each, named by its digest.
        blobs: Hold the manifest, the config and the layers of each.
    """

    def __init__(self, folder: Path, blobs: Blobs) -> None:
        self._folder = folder
        self._blobs = blobs
        self._under_way: dict[str, asyncio.Task[Path]] = {}

    def place(self, digest: str) -> Path:
        """Tell where an image is unpacked to, by the digest of its manifest (`sha256:…`)."""
        return self._folder / digest.removeprefix("sha256:")

    def unpacked(self) -> dict[str, Path]:
        """Give the folders of all images that are unpacked, by digest."""
        if not self._folder.is_dir():
            return {}
        return {
            f"sha256:{place.name}": place for place in self._folder.iterdir() if not place.name.startswith(".")
        }

    def unfinished(self) -> list[Path]:
        """Give the folders in which images are unpacked or removed, or were when their worker was killed."""
        return [place for place in self._folder.glob(".*") if place.is_dir()]

    def remove(self, place: Path) -> None:
        """Remove the folder of an image; one that is left half removed counts as none.

        Raises:
            OSError: It cannot be moved out of the way.
        """
        if not place.name.startswith("."):
            place = place.rename(self._hidden(place.name))
        remove_tree(place)

    async def get(self, digest: str) -> Image:
        """Give an image, unpacked now if it was not before.

        Raises:
            ImageMissing: The hub does not hold it.
            BadImage: It is not the image of a model.
            StoreUnavailable: It cannot be fetched now.
            OSError: It cannot be written.
        """
        place = self.place(digest)
        if not place.is_dir():
            if digest not in self._under_way:
                task = self._under_way[digest] = asyncio.create_task(self._unpack(digest))
                task.add_done_callback(lambda _: self._under_way.pop(digest))
            await asyncio.shield(self._under_way[digest])
        os.utime(place)  # Tells whoever removes what nobody uses.
        label = msgspec.json.decode((place / _LABEL_FILE).read_bytes(), type=Label)
        return Image(place / "model", place / "requirements.txt", label)

    async def _unpack(self, digest: str) -> Path:
        place = self.place(digest)
        work = self._hidden(place.name)
        files = work / "files"
        files.mkdir(parents=True)
        try:
            manifest = _decoded(await self._read(digest), _Manifest, "manifest")
            config = _decoded(await self._read(manifest.config.digest), _ImageConfig, "config")
            label = _decoded(config.config.Labels.get(_LABEL, "").encode(), Label, f"label {_LABEL}")
            if len({layer.digest for layer in manifest.layers}) < len(manifest.layers):
                raise BadImage("it names a layer twice")
            room = Room()
            for layer in manifest.layers:
                await self._add(layer, work / "layer", files, room)
            (files / _LABEL_FILE).write_bytes(msgspec.json.encode(label))
            await asyncio.to_thread(_check, files)
            await asyncio.to_thread(os.sync)  # What is in place is whole, whatever happens to the machine.
            _move(files, place)
        finally:
            await asyncio.to_thread(remove_tree, work)
        return place

    def _hidden(self, name: str) -> Path:
        return self._folder / f".{name}-{random.getrandbits(64):016x}"

    async def _add(self, layer: _Blob, file: Path, target: Path, room: Room) -> None:
        if layer.mediaType != _LAYER:
            raise BadImage(f"a layer is of the type {layer.mediaType}, not {_LAYER}")
        with file.open("wb") as out:
            async for piece in await self._pieces(layer.digest):
                await asyncio.to_thread(out.write, piece)
        await asyncio.to_thread(unpack, file, target, room)

    async def _read(self, digest: str) -> bytes:
        content = bytearray()
        async for piece in await self._pieces(digest):
            content += piece
            if len(content) > _MOST_BYTES:
                raise BadImage(f"{digest} is longer than {_MOST_BYTES:,} bytes")
        return bytes(content)

    async def _pieces(self, digest: str) -> AsyncIterator[bytes]:
        try:
            return await self._blobs.read(digest)
        except BlobMissing as error:
            raise ImageMissing(digest) from error


def _decoded(content: bytes, kind: type[T], name: str) -> T:
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise BadImage(f"its {name} is not as it should be: {error}") from error


def _check(folder: Path) -> None:
    if not (folder / "model").is_dir() or not (folder / "requirements.txt").is_file():
        raise BadImage("it lacks model/ or requirements.txt")
    with (folder / "requirements.txt").open("rb") as file:
        text = file.read(requirements.MOST_BYTES + 1)
    if len(text) > requirements.MOST_BYTES:
        raise BadImage(f"its requirements.txt is longer than {requirements.MOST_BYTES:,} bytes")
    try:
        text.decode()
    except UnicodeDecodeError as error:
        raise BadImage(f"its requirements.txt is not UTF-8: {error}") from error


def _move(folder: Path, place: Path) -> None:
    try:
        folder.rename(place)
    except OSError:
        if not place.is_dir():  # Another worker may have been faster.
            raise
