"""A hub with more than a page of everything."""

import asyncio
from pathlib import Path

from tests.databases import open_in
from tests.server.people import People, Person
from tests.server.runs import add_runnable_version, run
from tests.server.samples import add_model, add_version
from wriftai_server.models import tallies

COUNT = 28
LISTS = (
    "/models",
    "/models/ada",
    "/user/models",
    "/models/ada/model-00/versions",
    "/users",
    "/hardware",
    "/search/models?q=model",
    "/search/users?q=reader",
    "/predictions",
    "/predictions?statuses=pending",
)
"""Each has `COUNT` entries for its reader, `ada`; the users among them."""


def write_catalogue(file: Path) -> Path:
    """Write a catalogue of `COUNT` kinds of hardware."""
    file.write_text(
        "\n".join(
            f'[[hardware]]\nidentifier = "{name}"\nname = "{name}"\ncpus = 1\nram_gb = 1\n'
            for name in ("cpu", *(f"kind-{n}" for n in range(1, COUNT)))
        )
    )
    return file


def fill(people: People, folder: Path) -> Person:
    """Add users, models, versions and predictions, every third model a private one; give the owner.

    Args:
        people: Adds users.
        folder: Of the hub.
    """
    ada = people.add("ada")
    for n in range(COUNT):
        add_model(ada, f"model-{n:02}", visibility="public" if n % 3 else "private")
        add_version(ada, "model-00", f"Version {n}.")
    version = add_runnable_version(ada, folder, ada.client.models.get("ada", "model-01"))
    for _ in range(COUNT):
        run(ada, version)
    for n in range(COUNT - 1):
        people.add(f"reader-{n:02}")
    ada.client.authenticated_user.update({"bio": "An eager reader."})
    asyncio.run(_count(folder))
    return ada


async def _count(folder: Path) -> None:
    """Add up the predictions, which the hub would do a second later: what is popular comes first in a search."""
    database = open_in(folder)
    await tallies.settle(database)
    await database.close()
