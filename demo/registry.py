"""What a person does with models: find them, walk over them, own some, and meet the errors."""

import asyncio
import json

from demo.show import line, refused, title
from wriftai import Client
from wriftai.common_types import SortDirection
from wriftai.models import ModelsSortBy, ModelVisibility


def find(client: Client) -> None:
    """Search."""
    title("Finding models")
    for q in ("timm/resnet50.a1_in1k", "mobilenetv4", "masked autoencoder vit"):
        page = client.models.search(q, {"page_size": 3})
        print(f"search({q!r})")
        for model in page:
            print(f"    {line(model)}")


def walk(client: Client) -> None:
    """Sort, and page through everything, blocking and async."""
    title("Paging through all of them")
    newest = client.models.list(
        {"page_size": 3, "sort_by": ModelsSortBy.CREATED_AT, "sort_direction": SortDirection.DESC}
    )
    print("The three newest:", ", ".join(model["name"] for model in newest))
    blocking = [model["name"] for model in client.models.list({"page_size": 100}, owner="timm").iter_all()]

    async def walk_async() -> list[str]:
        async with client:
            page = await client.models.async_list({"page_size": 100}, owner="timm")
            return [model["name"] async for model in page.async_iter_all()]

    awaited = asyncio.run(walk_async())
    print(f"iter_all() met {len(blocking):,} models, async_iter_all() {len(awaited):,}, in the same order.")
    if blocking != awaited or len(set(blocking)) != len(blocking):
        raise AssertionError("the two walks must meet the same models, each once")


def own(client: Client, anonymous: Client) -> None:
    """Create, change, rename and delete."""
    title("A model of one's own")
    hardware = next(iter(client.hardware.list()))
    print(f"This hub offers {hardware['name']} as {hardware['identifier']!r}.")
    model = client.models.create(
        {"name": "digits", "hardware_identifier": "cpu", "description": "Reads handwritten digits."}
    )
    print(f"Created {line(model)}: {model['visibility']}, id {model['id']}.")
    refused("an anonymous caller does not see it", lambda: anonymous.models.get("ada", "digits"))
    changed = client.models.update(
        "ada",
        "digits",
        {
            "name": "mnist-digits",
            "visibility": ModelVisibility.public,
            "license_url": "https://spdx.org/licenses/MIT",
        },
    )
    print(f"Renamed and published as {line(changed)}; the id stays: {changed['id'] == model['id']}.")
    print(f"Now anyone sees it: {anonymous.models.get('ada', 'mnist-digits')['license_url']}")


def versions(client: Client) -> None:
    """Give a model versions, and delete it."""
    title("Versions")
    for number, notes in enumerate(("First weights.", "Trained twice as long."), 1):
        client.versions.create(
            "ada",
            "mnist-digits",
            {
                "release_notes": notes,
                "schemas": {"prediction": {"input": {"type": "object"}, "output": {"type": "integer"}}},
                "container_image_digest": f"sha256:{number:064x}",
            },
        )
    listed = client.versions.list("ada", "mnist-digits")
    print("Newest first:", json.dumps([version["release_notes"] for version in listed]))
    latest = client.models.get("ada", "mnist-digits")["latest_version"]
    print("The latest:", latest and latest["release_notes"])
    client.models.delete("ada", "mnist-digits")
    print("Deleted the model, and its versions with it.")
    refused("it is gone", lambda: client.models.get("ada", "mnist-digits"))


def refusals(client: Client, anonymous: Client) -> None:
    """Show the errors that a person meets."""
    title("What goes wrong, and what the hub says then")
    refused("no token", lambda: anonymous.models.create({"name": "mine", "hardware_identifier": "cpu"}))
    refused("someone else's model", lambda: client.models.delete("timm", "resnet50.a1_in1k"))
    client.models.create({"name": "twice", "hardware_identifier": "cpu"})
    print("Created ada/twice.")
    refused("a name that is taken", lambda: client.models.create({"name": "Twice", "hardware_identifier": "cpu"}))
    refused(
        "bad input",
        lambda: client.models.create(
            {"name": "no spaces please", "hardware_identifier": "cpu", "paper_url": "see the appendix"}
        ),
    )
    refused("unknown hardware", lambda: client.models.create({"name": "big", "hardware_identifier": "h100"}))
    refused("a made-up cursor", lambda: client.models.list({"cursor": "page-2"}))
