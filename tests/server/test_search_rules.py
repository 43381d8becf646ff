"""Rules that hold of every search: who sees what, what comes first, and that no walk skips or repeats."""

import os
import random
from collections.abc import Iterator
from typing import Any

import pytest

from tests.server.conftest import Home, inside
from tests.server.people import People, Person
from tests.server.samples import add_model
from wriftai.models import ModelVisibility

WORDS = ("vit", "base", "Llama", "resnet50", "3", "8B", "tiny", "patch16", "net")
SEEDS = range(int(os.environ.get("SEARCH_SEEDS", "1")))
"""Of the catalogues, on each database; with more of them in `SEARCH_SEEDS` it takes longer."""
MODELS = 60


class Catalogue:
    """A catalogue by chance, and what is in it.

    Args:
        people: On an empty hub.
        seed: Decides what is in it.
    """

    def __init__(self, people: People, seed: int) -> None:
        self.chance = random.Random(seed)
        self.owners = [people.add(f"{word}-{seed}") for word in ("vit", "net", "ada")]
        self.anyone = people.anyone
        self.models: dict[tuple[str, str], str] = {}
        for _ in range(MODELS):
            self.add()

    def name(self) -> str:
        """Make up a name; some are made up again and again."""
        return self.chance.choice("-_.").join(self.chance.choices(WORDS, k=self.chance.randint(1, 3)))

    def text(self) -> str:
        """Make up a description."""
        return " ".join(self.chance.choices(WORDS, k=4))

    def add(self) -> None:
        """Add a model, unless the owner has one of that name."""
        owner, name = self.chance.choice(self.owners), self.name()
        if (owner.name, name.lower()) not in self.models:
            visibility = self.chance.choice(("public", "public", "private"))
            add_model(owner, name, description=self.text(), visibility=visibility)
            self.models[owner.name, name.lower()] = visibility

    def change(self) -> None:
        """Turn a model private or public, or remove it."""
        owner, name = self.chance.choice(list(self.models))
        person = next(person for person in self.owners if person.name == owner)
        if self.chance.random() < 0.3:
            person.client.models.delete(owner, name)
            del self.models[owner, name]
        else:
            visibility = self.chance.choice(list(ModelVisibility))
            person.client.models.update(owner, name, {"visibility": visibility})
            self.models[owner, name] = visibility.value

    def query(self) -> str:
        """Make up a query, often a name that is there, or half of one."""
        owner, name = self.chance.choice(list(self.models))
        return self.chance.choice(
            [
                name,
                name.upper(),
                f"{owner}/{name}",
                name[: self.chance.randint(1, len(name))],
                self.text(),
                self.name(),
            ]
        )

    def visible(self, caller: Person) -> set[tuple[str, str]]:
        """Give what a caller may see."""
        return {key for key, visibility in self.models.items() if visibility == "public" or key[0] == caller.name}


@pytest.fixture(scope="module", params=SEEDS)
def catalogue(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, database: Home
) -> Iterator[Catalogue]:
    """Give a catalogue on a hub of its own."""
    with database(tmp_path_factory.mktemp("rules") / "data") as folder, inside(folder) as people:
        yield Catalogue(people, request.param)


def keys(models: Any) -> list[tuple[str, str]]:
    return [(model["owner"]["username"], model["name"].lower()) for model in models]


def walk(caller: Person, q: str, size: int, between: Any = lambda: None) -> list[Any]:
    """Walk through all pages; give them."""
    pages = [caller.client.models.search(q, {"page_size": size})]
    while (cursor := pages[-1].next_cursor) is not None:
        between()
        pages.append(caller.client.models.search(q, {"page_size": size, "cursor": cursor}))
        assert len(pages) < 500, "This walk does not end."
    return pages


def test_no_answer_holds_what_the_caller_may_not_see_and_exact_names_come_first(catalogue: Catalogue) -> None:
    for _ in range(40):
        catalogue.change()
        catalogue.add()
        q, caller = catalogue.query(), catalogue.chance.choice([*catalogue.owners, catalogue.anyone])
        answer, visible = keys(caller.client.models.search(q, {"page_size": 100})), catalogue.visible(caller)
        assert set(answer) <= visible
        assert len(set(answer)) == len(answer)
        exact = {key for key in visible if q.lower() in (key[1], "/".join(key))}
        assert set(answer[: len(exact)]) == exact, q


def test_pages_are_the_whole_answer_in_both_directions(catalogue: Catalogue) -> None:
    short = [catalogue.chance.choice((*WORDS, "v", "tiny vit", "llam")) for _ in range(3)]
    for q in (*short, "net vit llama", "tiny base vit nett", "8B patch16 resnet50 tiny llama vit"):
        caller = catalogue.owners[0]
        whole = keys(caller.client.models.search(q, {"page_size": 100}))
        pages = walk(caller, q, 3)
        assert [key for page in pages for key in keys(page)] == whole
        back, cursor = list(reversed(keys(pages[-1]))), pages[-1].previous_cursor
        while cursor is not None:
            page = caller.client.models.search(q, {"page_size": 3, "cursor": cursor})
            back, cursor = [*back, *reversed(keys(page))], page.previous_cursor
        assert back[::-1] == whole


def test_a_walk_holds_each_model_once_that_stayed_while_others_came_and_went(catalogue: Catalogue) -> None:
    caller = catalogue.owners[1]
    before = set(keys(caller.client.models.search("vit", {"page_size": 100})))
    owner, added = catalogue.owners[2], iter(range(1000))

    def come_and_go() -> None:
        name = f"vit-passing-{next(added)}"
        add_model(owner, name, visibility="public")
        if catalogue.chance.random() < 0.5:
            owner.client.models.delete(owner.name, name)

    seen = [key for page in walk(caller, "vit", 5, come_and_go) for key in keys(page)]
    assert before <= set(seen)
    assert len(seen) == len(set(seen))
