"""Tiers, whatever is indexed and searched for: a page is a part of the whole answer, from either side."""

import random
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from wriftai_server.database.feed import Note
from wriftai_server.search import index
from wriftai_server.search.documents import model_document
from wriftai_server.search.hits import Hit
from wriftai_server.search.index import Index, Snapshot, State
from wriftai_server.search.query import parse

WORDS = (
    "vit base llama resnet50 3 8B tiny patch16 net Qwen2.5 dino v2 transformer detection detect the of vitbase"
)
MODELS, QUERIES = 120, 150

Find = Callable[[Hit | None, bool, int], list[Hit]]


class Chance:
    """Makes names, texts and queries.

    Args:
        seed: Decides which.
    """

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self.owners = [(self.id(), name) for name in ("vit-o", "ada", "NetHub")]

    def id(self) -> str:
        return str(uuid.UUID(int=self._random.getrandbits(128)))

    def words(self, least: int, most: int, sign: str = " ") -> str:
        return sign.join(self._random.choices(WORDS.split(), k=self._random.randint(least, most)))

    def name(self) -> str:
        return self.words(1, 4, self._random.choice("-_."))

    def row(self) -> tuple[object, ...]:
        """Make what the index is told of a model."""
        owner_id, username = self._random.choice(self.owners)
        visibility = self._random.choice(("public", "public", "private"))
        count = self._random.choice((0, 0, 1, 5, 100, 5000))
        return (self.id(), owner_id, self.name(), visibility, self.words(0, 6), count, username, None)

    def query(self) -> str:
        """Make a query, which may be half of something, or have a letter too few."""
        q = self._random.choice((self.words(1, 6), self.name()))
        if self._random.random() < 0.3:
            place = self._random.randrange(len(q))
            q = q[:place] + q[place + 1 :]
        if self._random.random() < 0.4:
            q = q[: self._random.randint(1, max(1, len(q)))]
        return f"ada/{q}" if self._random.random() < 0.1 else q

    def viewer(self) -> str | None:
        return self._random.choice((None, self.owners[0][0], self.owners[1][0]))


@pytest.fixture(params=range(3))
def chance(request: pytest.FixtureRequest) -> Chance:
    return Chance(request.param)


@pytest.fixture
def snapshot(chance: Chance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Snapshot:
    """Give an index of few models, of which the best are searched first."""
    monkeypatch.setattr(index, "_LEAST_AT_TOP", 6)
    made = Index(tmp_path)
    writer = made.writer()
    writer.write([], [model_document(chance.row()) for _ in range(MODELS)])
    writer.commit(State(Note(0, 1, "model", "", "")))
    writer.close()
    made.reload()
    assert made.snapshot.top_cutoff("public") is not None
    return made.snapshot


def walked(find: Find, start: Hit | None, size: int, *, backward: bool) -> list[Hit]:
    """Find page after page, until there is nothing more."""
    found, at = [], start
    while page := find(at, backward, size):
        found += page
        at = page[-1]
        assert len(found) <= 2 * MODELS, "This walk does not end."
    return found


def test_a_page_is_a_part_of_the_whole_answer_from_either_side(chance: Chance, snapshot: Snapshot) -> None:
    for _ in range(QUERIES):
        q, viewer = chance.query(), chance.viewer()
        query = parse(q)

        def find(after: Hit | None, backward: bool, limit: int) -> list[Hit]:
            return snapshot.find(
                query,  # noqa: B023
                users=False,
                viewer=viewer,  # noqa: B023
                after=after,
                backward=backward,
                limit=limit,
            )

        whole = find(None, False, MODELS + 1)
        assert len({hit.number for hit in whole}) == len(whole), q
        for size in (1, 3, 7, 30):
            assert find(None, False, size) == whole[:size], q
        for size in (1, 4):
            assert walked(find, None, size, backward=False) == whole, q
            assert walked(find, None, size, backward=True) == whole[::-1], q


@pytest.mark.parametrize(
    ("q", "compounds"),
    [
        ("qwen2.5 instruct", ("qwen25",)),
        ("one two three four five six seven eight.nine", ()),
        ("one two three four five six seven-eight nine-one", ("seveneight",)),
    ],
)
def test_words_that_do_not_count_are_in_no_compound(q: str, compounds: tuple[str, ...]) -> None:
    assert parse(q).compounds == compounds
