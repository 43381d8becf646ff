"""Publishing a project: from its folder to a version on the hub."""

import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from wriftai import Client, NotFoundError
from wriftai.cli import bundle, environment, progress
from wriftai.cli.image import Blob, Image, Workshop, workshop
from wriftai.cli.project import Project, is_model_name
from wriftai.cli.refusals import Refusal
from wriftai.cli.registry import Registry
from wriftai.common_types import Schemas, Version

_MOST_NOTES = 255


def publish(client: Client, project: Project, *, model: str | None, release_notes: str, limit: int) -> str:
    """Make a project the newest version of its model; give its name, number and digest.

    Args:
        client: Of the hub, as the owner.
        project: What to publish.
        model: `owner/name` or `name`, instead of what the project says.
        release_notes: What is new.
        limit: Bytes that its files may have together.

    Raises:
        Refusal: Something in the project or on the hub does not allow it.
        APIStatusError: The hub refused.
    """
    if len(release_notes) > _MOST_NOTES:
        raise Refusal(f"--release-notes has {len(release_notes)} characters; the hub takes {_MOST_NOTES}.")
    files = bundle.members(project.folder, project.exclude, limit)
    owner, name = _target(client, project, model)
    with workshop() as shop:
        image, schemas = _built(shop, project, files)
        _make_model(client, owner, name, project.hardware)
        _upload(owner, name, image)
    version = client.versions.create(
        owner,
        name,
        {"release_notes": release_notes, "schemas": schemas, "container_image_digest": image.digest},
    )
    return f"{owner}/{name}:{_number(version)} {image.digest}"


def _target(client: Client, project: Project, model: str | None) -> tuple[str, str]:
    """Find out whose model of what name is meant; only one's own can be pushed to."""
    wanted = model or project.model
    if not wanted:
        raise Refusal(f"{project.folder} does not say which model it is: add --model owner/name.")
    if not is_model_name(wanted):
        raise Refusal(f"--model must be owner/name, or name for one of your own, not {wanted!r}.")
    user = client.authenticated_user.get()["username"]
    owner, _, name = wanted.rpartition("/")
    if owner and owner.lower() != user.lower():
        raise Refusal(f"{wanted} belongs to {owner}, and the token is that of {user}: add --model {user}/{name}.")
    return user, name


def _built(shop: Workshop, project: Project, files: list[bundle.Member]) -> tuple[Image, Schemas]:
    with progress.step("Packing"):
        source = shop.source(files)
    with progress.step("Resolving the requirements"):
        requirements = environment.resolve(project)
    with progress.step("Making the environment"):
        python = environment.build(project, requirements)
    with environment.opened(python) as place, TemporaryDirectory(prefix="wriftai-") as folder:
        # Not the project's own folder: a file that was left out is missing here as it will be on the hub.
        schemas = environment.describe(place, project, _unpacked(source, Path(folder)))
    return shop.image(project, schemas, (source, shop.requirements(requirements))), schemas


def _unpacked(source: Blob, folder: Path) -> Path:
    with tarfile.open(source.file) as archive:
        # Early releases of Python 3.10 and 3.11 know no filters; what is unpacked was packed by this process.
        options: dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
        archive.extractall(folder, **options)  # noqa: S202  our own archive
    return folder / "model"


def _make_model(client: Client, owner: str, name: str, hardware: str) -> None:
    """Create the model, private, unless it is there."""
    try:
        client.models.get(owner, name)
    except NotFoundError:
        client.models.create({"name": name, "hardware_identifier": hardware})


def _upload(owner: str, name: str, image: Image) -> None:
    with Registry(owner, name) as registry:
        lacking = registry.lacking(image)
        if lacking:
            with progress.upload("Uploading", sum(blob.size for blob in lacking)) as done:
                for blob in lacking:
                    registry.upload(blob, done)
        registry.publish(image)


def _number(version: Version) -> object:
    """Give the number of a version, which the hub adds to what the interface names."""
    return dict(version).get("number", version["id"])
