"""Counts of predictions: right at every moment, whoever settles tallies, and whatever is killed meanwhile."""

import asyncio
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from tests.databases import address_of, open_in, run_sql
from tests.server.conftest import Home
from tests.server.counts import Counts
from tests.server.people import Person
from tests.server.runs import add_runnable, run
from wriftai_server.database.values import popularity

# More than are settled in one transaction.
MANY = 600
PICKS = st.integers(0, 1000)
HUBS = st.integers(0, 1)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, database: Home) -> Iterator[Path]:
    with database(tmp_path_factory.mktemp("counts")) as place:
        yield place


@pytest.fixture(scope="module")
def counts(place: Path) -> Iterator[Counts]:
    with asyncio.Runner() as runner:
        hubs = [open_in(place) for _ in range(2)]
        yield Counts(runner, hubs)
        for database in hubs:
            runner.run(database.close())


@pytest.fixture(scope="module")
def owners(counts: Counts) -> tuple[str, str]:
    return counts.add_user("ada"), counts.add_user("bob")


class Steps(RuleBasedStateMachine):
    """Counts, settles, adds and removes, and compares what is shown with what must be."""

    def __init__(self, counts: Counts, owners: tuple[str, str]) -> None:
        super().__init__()
        self.counts = counts
        self.owners = owners
        self.expected: dict[str, int] = {}
        self.places: dict[str, tuple[str, bool]] = {}

    def teardown(self) -> None:
        for model_id in self.expected:
            self.counts.remove_model(model_id)

    @rule(owner=st.integers(0, 1), public=st.booleans())
    def add(self, owner: int, *, public: bool) -> None:
        owner_id = self.owners[owner]
        model_id = self.counts.add_model(owner_id, visibility="public" if public else "private")
        self.expected[model_id] = 0
        self.places[model_id] = (owner_id, public)

    @precondition(lambda self: self.expected)
    @rule(picks=st.lists(PICKS, min_size=1, max_size=5), hub=HUBS, fails=st.booleans())
    def count(self, picks: list[int], hub: int, *, fails: bool) -> None:
        models = [self._pick(pick) for pick in picks]
        self.counts.count(*models, hub=hub, fails=fails)
        for model_id in models:
            self.expected[model_id] += not fails

    @rule(hub=HUBS)
    def settle(self, hub: int) -> None:
        self.counts.settle(hub=hub)
        assert self.counts.waiting() == 0

    @rule()
    def settle_at_once(self) -> None:
        self.counts.settle_at_once()
        assert self.counts.waiting() == 0

    @precondition(lambda self: self.expected)
    @rule(pick=PICKS)
    def remove(self, pick: int) -> None:
        model_id = self._pick(pick)
        self.counts.remove_model(model_id)
        del self.expected[model_id]

    @invariant()
    def counts_are_right(self) -> None:
        assert {model_id: self.counts.shown(model_id) for model_id in self.expected} == self.expected

    @rule(
        viewer=st.sampled_from([None, 0, 1]),
        owner=st.sampled_from([None, 0, 1]),
        descending=st.booleans(),
        backward=st.booleans(),
    )
    def walk(self, viewer: int | None, owner: int | None, *, descending: bool, backward: bool) -> None:
        viewer_id = None if viewer is None else self.owners[viewer]
        owner_id = None if owner is None else self.owners[owner]
        met = self.counts.walk(viewer=viewer_id, owner_id=owner_id, descending=descending, backward=backward)
        visible = [
            (number, model_id)
            for model_id, number in self.expected.items()
            if self._is_listed(model_id, viewer_id, owner_id)
        ]
        assert met == sorted(visible, reverse=descending)

    def _is_listed(self, model_id: str, viewer_id: str | None, owner_id: str | None) -> bool:
        owned_by, public = self.places[model_id]
        return owner_id in (None, owned_by) and (public or viewer_id == owned_by)

    def _pick(self, pick: int) -> str:
        return list(self.expected)[pick % len(self.expected)]


def test_counts_and_lists_are_right_whatever_happens(counts: Counts, owners: tuple[str, str]) -> None:
    run_state_machine_as_test(
        lambda: Steps(counts, owners),  # type: ignore[arg-type]  # any factory will do
        settings=settings(
            max_examples=30,
            stateful_step_count=25,
            derandomize=True,
            database=None,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )


def test_many_tallies_are_folded_by_several_hubs_at_once(counts: Counts, owners: tuple[str, str]) -> None:
    models = [counts.add_model(owners[0]) for _ in range(3)]
    counts.count(*models * MANY)
    counts.settle_at_once()
    assert counts.waiting() == 0
    assert [counts.shown(model_id) for model_id in models] == [MANY] * 3


def test_the_feed_names_a_model_when_its_popularity_changed(counts: Counts, owners: tuple[str, str]) -> None:
    model_id = counts.add_model(owners[0])
    for number in range(1, 41):
        before = counts.last_note()
        counts.count(model_id)
        counts.settle()
        changed = popularity(number) != popularity(number - 1)
        assert counts.notes(before) == (Counter({model_id: 1}) if changed else Counter())


def test_tallies_of_a_model_that_is_gone_go(counts: Counts, owners: tuple[str, str]) -> None:
    model_id = counts.add_model(owners[0])
    counts.count(model_id)
    counts.remove_model(model_id)
    before = counts.last_note()
    counts.settle()
    assert counts.waiting() == 0
    assert counts.shown(model_id) is None
    assert counts.notes(before) == Counter()


@pytest.mark.parametrize("lines", [1, 40])
def test_nothing_is_lost_or_counted_twice_when_a_hub_is_killed(
    counts: Counts, owners: tuple[str, str], place: Path, lines: int
) -> None:
    model_id = counts.add_model(owners[0])
    command = [sys.executable, "-m", "tests.server.settling", str(place), model_id, address_of(place) or ""]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        told = sum(1 for _ in zip(range(lines), process.stdout, strict=False))
        counts.settle(hub=1)
        process.kill()
        told += sum(1 for _ in process.stdout)
    assert told >= lines
    shown = counts.shown(model_id)
    # The last that it counted may be one that it could not tell of any more.
    assert shown in (3 * told, 3 * told + 3)
    while counts.waiting():  # PostgreSQL may notice only now that who held some is gone.
        counts.settle()
    assert counts.shown(model_id) == shown


def test_a_running_hub_folds_what_its_predictions_leave(ada: Person, folder: Path) -> None:
    version = add_runnable(ada, folder)
    owner, name, model_id = ada.name, version["model"]["name"], version["model"]["id"]
    for _ in range(3):
        run(ada, version)
    while run_sql(folder, "SELECT predictions_count FROM models WHERE id = ?", model_id)[0][0] < 3:
        assert ada.client.models.get(owner, name)["predictions_count"] == 3
    assert ada.client.models.get(owner, name)["predictions_count"] == 3
