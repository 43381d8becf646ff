"""Walks over pages while rows come, change and go: nothing that stays put is repeated or left out."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from tests.hubs import Hub, running
from tests.system.folders import add_user, bearer, database
from tests.system.payloads import VERSION, model
from tests.system.walks import Listing, Walk

VIEWERS = (None, "ada", "bob")
SORTS = [
    ((("sort_by", by), ("sort_direction", direction)), frozenset({"count"} & {by.removeprefix("prediction_")}))
    for by in ("created_at", "prediction_count")
    for direction in ("asc", "desc")
]
LISTINGS = [
    *(Listing("/models", viewer, *sort) for viewer in VIEWERS for sort in SORTS),
    *(Listing("/models/ada", viewer, *sort) for viewer in VIEWERS for sort in SORTS),
    *(Listing("/user/models", viewer, *sort) for viewer in ("ada", "bob") for sort in SORTS),
    *(
        Listing("/search/models", viewer, (("q", q),), frozenset({"name"}))
        for viewer in VIEWERS
        for q in ("", "alpha", "a", "ada/alpha-1")
    ),
    Listing("/models/ada/numbered/versions"),
    *(Listing("/users", None, (("sort_direction", direction),)) for direction in ("asc", "desc")),
    Listing("/search/users", None, (("q", "b"),), frozenset({"name"})),
]
SIZES = st.integers(1, 5)
PICKS = st.integers(0, 1000)
MOVES = st.lists(st.tuples(st.sampled_from([True, True, False]), SIZES), min_size=1, max_size=3)

_numbers = itertools.count()


@dataclass
class World:
    """A hub with two users, whose rows are changed by requests and beside them."""

    hub: Hub
    tokens: dict[str, str]
    http: httpx.Client = field(default_factory=httpx.Client)
    is_full: bool = False

    def clear(self) -> None:
        """Leave the two users, and one model of the first."""
        with database(self.hub.data_dir) as connection:
            for table in ("versions", "models", "idempotency_keys"):
                connection.execute(f"DELETE FROM {table}")  # noqa: S608  a fixed name
            keep = [token.split("_")[1] for token in self.tokens.values()]
            connection.execute("DELETE FROM tokens WHERE id NOT IN (?, ?)", keep)
            connection.execute("DELETE FROM users WHERE id NOT IN (SELECT user_id FROM tokens)")
        self.is_full = False
        self.send("ada", "POST", "/models", json=model("numbered", visibility="public"))

    def send(self, caller: str | None, method: str, path: str, **options: Any) -> Any:
        headers = bearer(self.tokens[caller]) if caller else {}
        answer = self.http.request(method, f"{self.hub.url}{path}", headers=headers, **options)
        assert answer.is_success, answer.text
        return answer.json()

    def fetch(self, listing: Listing, params: dict[str, Any]) -> Any:
        return self.send(listing.viewer, "GET", listing.path, params={**dict(listing.params), **params})

    def store(self, model_id: str, **columns: Any) -> None:
        """Change what no request changes."""
        with database(self.hub.data_dir) as connection:
            for name, value in columns.items():
                connection.execute(f"UPDATE models SET {name} = ? WHERE id = ?", (value, model_id))  # noqa: S608


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running(tmp_path_factory.mktemp("walks") / "data") as hub:
        world = World(hub, {name: add_user(hub.data_dir, name) for name in ("ada", "bob")})
        with world.http:
            yield world


class Walks(RuleBasedStateMachine):
    """Several walks at once, and changes in between."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world
        world.clear()
        self.models: dict[str, tuple[str, str]] = {}
        self.versions: list[str] = []
        self.walks: list[Walk] = []

    @initialize(rows=st.lists(st.tuples(PICKS, st.booleans(), st.integers(0, 2), st.integers(0, 2)), max_size=14))
    def populate(self, rows: list[tuple[int, bool, int, int]]) -> None:
        """Begin with models that tie in what lists are sorted by."""
        for pick, public, count, second in rows:
            made = self._create(pick, public=public)
            self.world.store(made, predictions_count=count, created_at=f"2026-01-01T00:00:0{second}.000000Z")

    @rule(pick=PICKS, public=st.booleans())
    def create(self, pick: int, *, public: bool) -> None:
        self._create(pick, public=public)

    @precondition(lambda self: self.models)
    @rule(pick=PICKS)
    def rename(self, pick: int) -> None:
        model_id, owner, path = self._pick(pick)
        name = self._name(pick)
        self.world.send(owner, "PATCH", path, json={"name": name})
        self.models[model_id] = (owner, name)
        self._moved([model_id], by="name")

    @precondition(lambda self: self.models)
    @rule(pick=PICKS)
    def delete(self, pick: int) -> None:
        model_id, owner, path = self._pick(pick)
        self.world.send(owner, "DELETE", path)
        del self.models[model_id]
        self._moved([model_id])

    @precondition(lambda self: self.models)
    @rule(pick=PICKS, public=st.booleans())
    def show_or_hide(self, pick: int, *, public: bool) -> None:
        model_id, owner, path = self._pick(pick)
        self.world.send(owner, "PATCH", path, json={"visibility": "public" if public else "private"})
        for walk in self.walks:
            if walk.listing.viewer != owner:
                walk.leave_out([model_id])

    @precondition(lambda self: self.models)
    @rule(pick=PICKS, count=st.integers(0, 3))
    def predict(self, pick: int, count: int) -> None:
        model_id, _, _ = self._pick(pick)
        self.world.store(model_id, predictions_count=count)
        self._moved([model_id], by="count")

    @rule(remove=st.booleans(), pick=PICKS)
    def change_versions(self, pick: int, *, remove: bool) -> None:
        if remove and self.versions:
            version_id = self.versions.pop(pick % len(self.versions))
            self.world.send("ada", "DELETE", f"/versions/{version_id}")
            self._moved([version_id])
        else:
            made = self.world.send("ada", "POST", "/models/ada/numbered/versions", json=VERSION)
            self.versions.append(made["id"])

    @rule(renamed=st.booleans())
    def change_users(self, *, renamed: bool) -> None:
        if renamed:
            bob = self.world.send("bob", "PATCH", "/user", json={"username": f"bob-{next(_numbers)}"})
            of_bob = [model_id for model_id, (owner, _) in self.models.items() if owner == "bob"]
            self._moved([bob["id"], *of_bob], by="name")
        else:
            add_user(self.world.hub.data_dir, f"b{next(_numbers)}")

    @rule(listing=st.sampled_from(LISTINGS), size=SIZES)
    def begin(self, listing: Listing, size: int) -> None:
        self.walks.append(Walk(listing, self.world.fetch, size))

    @precondition(lambda self: self.walks)
    @rule(pick=PICKS, moves=MOVES)
    def move(self, pick: int, moves: list[tuple[bool, int]]) -> None:
        walk = self.walks[pick % len(self.walks)]
        for forward, size in moves:
            walk.move(size, forward=forward)

    def _create(self, pick: int, *, public: bool) -> str:
        owner = ("ada", "bob")[pick % 2]
        visibility = "public" if public else "private"
        made = self.world.send(owner, "POST", "/models", json=model(self._name(pick), visibility=visibility))
        self.models[made["id"]] = (owner, made["name"])
        return str(made["id"])

    def _name(self, pick: int) -> str:
        return f"{('alpha', 'beta', 'alpha-beta')[pick % 3]}-{next(_numbers)}"

    def _pick(self, pick: int) -> tuple[str, str, str]:
        model_id, (owner, name) = list(self.models.items())[pick % len(self.models)]
        username = self.world.send(owner, "GET", "/user")["username"]
        return model_id, owner, f"/models/{username}/{name}"

    def _moved(self, row_ids: list[str], by: str | None = None) -> None:
        for walk in self.walks:
            if by is None or by in walk.listing.moved_by:
                walk.leave_out(row_ids)


def test_rows_that_stay_put_are_seen_once_whatever_happens_around_them(world: World) -> None:
    run_state_machine_as_test(
        lambda: Walks(world),  # type: ignore[arg-type]  # any factory will do
        settings=settings(
            max_examples=20,
            stateful_step_count=40,
            derandomize=True,
            database=None,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )


@pytest.fixture
def full_world(world: World) -> World:
    """Fill the hub with fourteen models, and seven more versions and users, unless it is full already."""
    if not world.is_full:
        world.clear()
        for number in range(7):
            body = model(f"alpha-{number}", visibility=("public", "private")[number % 2])
            for owner in ("ada", "bob"):
                made = world.send(owner, "POST", "/models", json=body)
                moment = f"2026-01-01T00:00:0{number % 2}.000000Z"
                world.store(made["id"], predictions_count=number % 3, created_at=moment)
            world.send("ada", "POST", "/models/ada/numbered/versions", json=VERSION)
            add_user(world.hub.data_dir, f"b{next(_numbers)}")
        world.is_full = True
    return world


@pytest.mark.parametrize("listing", LISTINGS, ids=str)
def test_a_walk_to_the_end_and_back_sees_the_same_pages(full_world: World, listing: Listing) -> None:
    for size in (1, 3):
        walk = Walk(listing, full_world.fetch, size)
        while walk.move(size, forward=True):
            pass
        there = len(walk.seen())
        while walk.move(size, forward=False):
            pass

        pages = walk.seen()
        assert pages[:there] == pages[there - 1 :][::-1]
        assert there > 1 or listing.params == (("q", "ada/alpha-1"),)
