"""What tests of search share: a hub of few models, and what is found on it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.server.conftest import inside
from tests.server.people import People, Person
from tests.server.samples import add_model
from wriftai.models import Model
from wriftai.pagination import PaginatedResponse

MODELS = {
    "resnet": "Residual network.",
    "resnet50": "Residual network with 50 layers.",
    "tiny-resnet": None,
    "mobile.net_v4": "Small and fast; 100% integer arithmetic.",
    "mobile-net-v4": "The same without a point: C:\\models\\mobile.",
    "vit": "Vision Transformer, a RESNET killer. Über-Netz für ÄPFEL.",
    "bert": "Language model; ümlauts and 語.",
}


@contextmanager
def few_models(folder: Path) -> Iterator[People]:
    """Run a hub that has these models of timm's, a private one, and others of Bob's; give the people on it."""
    with inside(folder) as people:
        timm, bob = people.add("timm"), people.add("Bob")
        for name, description in MODELS.items():
            add_model(timm, name, description=description, visibility="public")
        add_model(timm, "resnet-secret", visibility="private")
        for name in ("resnet", "ResNet-of-bob"):
            add_model(bob, name, visibility="public")
        people.add("resnet").client.authenticated_user.update(
            {"name": "Kaiming H.", "bio": "Residual learning.", "company": "Research 100%", "location": "Über"}
        )
        yield people


def person(people: People, name: str) -> Person:
    return next(person for person in people.everyone if person.name == name)


def found(searcher: Person, q: str) -> list[str]:
    page = searcher.client.models.search(q, {"page_size": 100})
    return [f"{model['owner']['username']}/{model['name']}" for model in page]


def walked(searcher: Person, q: str, size: int) -> list[PaginatedResponse[Model]]:
    """Give the pages of a search, from the first to the last."""
    pages = [searcher.client.models.search(q, {"page_size": size})]
    while (cursor := pages[-1].next_cursor) is not None:
        pages.append(searcher.client.models.search(q, {"page_size": size, "cursor": cursor}))
        assert len(pages) < 20, "This walk does not end."
    return pages


def names_found(searcher: Person, q: str) -> list[str]:
    return [entry.partition("/")[2] for entry in found(searcher, q)]


def until_found(searcher: Person, q: str, names: list[str]) -> None:
    """Search until all is found: a look that comes upon a damaged index may find less, and is no failure."""
    for attempt in range(1000):
        if sorted(names_found(searcher, q)) == names:
            return
        if attempt > 100:
            time.sleep(0.01)  # Many searches leave the index little time, where processors are few.
    assert sorted(names_found(searcher, q)) == names
