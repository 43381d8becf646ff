"""The queue of predictions under any order of steps: one end each, and no word from those who lost a claim."""

import itertools
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from tests.databases import address_of
from tests.server.queues import HARDWARE, Queue
from wriftai.predictions import Status
from wriftai_server.predictions import queue as steps
from wriftai_server.predictions.claims import Claim, Event, Held, Outcome, WaitingVersion

VERSIONS = ("a", "b")
WORKERS = ("w", "x")
ENDS = (Status.succeeded, Status.failed, Status.cancelled)
PICKS = st.integers(0, 1000)
TIMES = st.integers(1, 4)


@dataclass
class Expected:
    """What a prediction must be like.

    Attributes:
        place: Its hardware and version.
        webhook: Whether changes are posted.
        statuses: All that it had since it was created.
        output: JSON.
        attempt: The last one.
        worker: Who holds it.
        lease: Until when.
        lost: How many attempts were lost.
        to_cancel: Whether that was asked for while it ran.
        said: Since the last attempt began.
    """

    place: tuple[str, str]
    webhook: bool
    statuses: list[str] = field(default_factory=lambda: ["pending"])
    output: str | None = None
    attempt: int = 0
    worker: str | None = None
    lease: int | None = None
    lost: int = 0
    to_cancel: bool = False
    said: list[str] = field(default_factory=list)

    @property
    def status(self) -> str:
        return self.statuses[-1]

    def is_held(self, claim: Claim) -> bool:
        return self.status == "started" and (self.worker, self.attempt) == (claim.worker, claim.attempt)

    def give_back(self, *, lost: int) -> None:
        self.lost += lost
        self.statuses.append("cancelled" if self.to_cancel else "failed" if self.lost >= 3 else "pending")
        self.worker = self.lease = None
        if self.status == "pending":
            self.said = []


class Steps(RuleBasedStateMachine):
    """Takes steps, and compares what is stored with what must be."""

    def __init__(self, queue: Queue) -> None:
        super().__init__()
        self.queue = queue
        queue.clear()
        self.expected: dict[str, Expected] = {}
        self.claims: list[Claim] = []
        self.outputs = itertools.count()
        self.ended: dict[str, tuple[object, ...]] = {}

    @rule(hardware=st.sampled_from(HARDWARE), version=st.sampled_from(VERSIONS), webhook=st.booleans())
    def create(self, hardware: str, version: str, *, webhook: bool) -> None:
        made = self.queue.add(version=version, hardware=hardware, webhook=webhook)
        self.expected[made] = Expected((hardware, version), webhook)

    @rule(
        worker=st.sampled_from(WORKERS),
        hardware=st.sampled_from(HARDWARE),
        version=st.sampled_from(VERSIONS),
        lease=TIMES,
        limit=st.integers(1, 3),
    )
    def claim(self, worker: str, hardware: str, version: str, lease: int, limit: int) -> None:
        claims = self.queue.claim(worker, hardware=hardware, version=version, lease_until=str(lease), limit=limit)
        waited = [each for each in self._in("pending") if self.expected[each].place == (hardware, version)]
        assert [claim.id for claim in claims] == waited[:limit]
        for claim in claims:
            known = self.expected[claim.id]
            known.statuses.append("started")
            known.attempt, known.worker, known.lease = known.attempt + 1, worker, lease
            assert (claim.attempt, claim.worker, claim.version_id) == (known.attempt, worker, version)
        self.claims += claims

    @rule(worker=st.sampled_from(WORKERS), lease=TIMES)
    def renew(self, worker: str, lease: int) -> None:
        held = self.queue.do(lambda transaction: steps.renew(transaction, worker=worker, lease_until=str(lease)))
        mine = {each: self.expected[each] for each in self._in("started") if self.expected[each].worker == worker}
        assert sorted(held) == [Held(each, known.attempt, worker) for each, known in mine.items()]
        to_cancel = self.queue.do(lambda transaction: steps.to_cancel(transaction, worker=worker))
        assert sorted(to_cancel) == [each for each, known in mine.items() if known.to_cancel]
        for known in mine.values():
            known.lease = lease

    @rule(now=st.integers(1, 5))
    def expire(self, now: int) -> None:
        expired = self.queue.expire(str(now))
        late = [each for each in self._in("started") if (self.expected[each].lease or 0) < now]
        assert sorted(expired) == late
        for each in late:
            self.expected[each].give_back(lost=1)

    @precondition(lambda self: self.claims)
    @rule(pick=PICKS, status=st.sampled_from(ENDS))
    def finish(self, pick: int, status: Status) -> None:
        claim = self._claim(pick)
        output = str(next(self.outputs)) if status == Status.succeeded else None
        counts = self.expected[claim.id].is_held(claim)
        assert self.queue.finish(claim, Outcome(status, output=output)) == counts
        if counts:
            self.expected[claim.id].statuses.append(str(status))
            self.expected[claim.id].output = output

    @precondition(lambda self: self.claims)
    @rule(pick=PICKS)
    def release(self, pick: int) -> None:
        claim = self._claim(pick)
        counts = self.expected[claim.id].is_held(claim)
        assert self.queue.do(lambda transaction: steps.release(transaction, claim)) == counts
        if counts:
            self.expected[claim.id].give_back(lost=0)

    @precondition(lambda self: self.claims)
    @rule(pick=PICKS, count=st.integers(0, 3))
    def say(self, pick: int, count: int) -> None:
        claim = self._claim(pick)
        lines = [f"{claim.worker}-{claim.attempt}-{next(self.outputs)}" for _ in range(count)]
        events = [Event("log", line) for line in lines]
        counts = self.expected[claim.id].is_held(claim)
        assert self.queue.do(lambda transaction: steps.add_events(transaction, claim, events)) == counts
        if counts:
            self.expected[claim.id].said += lines

    @precondition(lambda self: self.expected)
    @rule(pick=PICKS)
    def cancel(self, pick: int) -> None:
        prediction_id, known = list(self.expected.items())[pick % len(self.expected)]
        assert self.queue.cancel(prediction_id) == (known.status in ("pending", "started"))
        if known.status == "pending":
            known.statuses.append("cancelled")
        known.to_cancel |= known.status == "started"

    @invariant()
    def rows_are_as_expected(self) -> None:
        rows = self.queue.rows("id, status, attempt, lost, output, cancel_requested_at IS NOT NULL, finished_at")
        for each, status, attempt, lost, output, to_cancel, finished_at in rows:
            known = self.expected[each]
            assert (status, attempt, lost, output) == (known.status, known.attempt, known.lost, known.output)
            assert bool(to_cancel) == known.to_cancel
            assert (finished_at is not None) == (status in ENDS)
        assert len(rows) == len(self.expected)

    @invariant()
    def ends_stay(self) -> None:
        for row in self.queue.rows("*"):
            if row[0] in self.ended or self.expected[row[0]].status in ENDS:
                assert self.ended.setdefault(row[0], row) == row

    @invariant()
    def only_the_last_attempt_is_heard(self) -> None:
        said: dict[tuple[str, int], list[str]] = defaultdict(list)
        for each, attempt, seq, data in self.queue.rows(
            "prediction_id, attempt, seq, data", "prediction_events", "prediction_id, attempt, seq"
        ):
            said[each, attempt].append(data)
            assert seq == len(said[each, attempt])
        assert said == {(each, known.attempt): known.said for each, known in self.expected.items() if known.said}

    @invariant()
    def every_change_is_posted(self) -> None:
        posted: dict[str, list[str]] = defaultdict(list)
        for each, status in self.queue.posted():
            posted[each].append(status)
        changes = {each: known.statuses[1:] for each, known in self.expected.items() if known.webhook}
        assert posted == {each: statuses for each, statuses in changes.items() if statuses}

    @invariant()
    def what_waits_is_known(self) -> None:
        for hardware in HARDWARE:
            first: dict[str, str] = {}
            for each in self._in("pending"):
                if self.expected[each].place[0] == hardware:
                    first.setdefault(self.expected[each].place[1], each)
            found = self.queue.do(partial(steps.waiting, hardware_id=hardware))
            times = dict(self.queue.rows("id, created_at"))
            assert found == [WaitingVersion(version, times[first[version]]) for version in sorted(first)]

    def _in(self, status: str) -> list[str]:
        return [each for each, known in self.expected.items() if known.status == status]

    def _claim(self, pick: int) -> Claim:
        """Take one that was ever given, of the last ones more often."""
        return self.claims[-1 - pick % min(len(self.claims), 1 + pick % 7)]


@pytest.fixture
def queue(home: Path) -> Iterator[Queue]:
    queue = Queue(home)
    yield queue
    queue.close()


def test_any_order_of_steps_gives_every_prediction_one_end(home: Path, queue: Queue) -> None:
    # The rules are the same on both; a step takes ten times as long on one of them.
    examples = 40 if address_of(home) is None else 6
    run_state_machine_as_test(
        lambda: Steps(queue),  # type: ignore[arg-type]  # any factory will do
        settings=settings(
            max_examples=examples,
            stateful_step_count=40,
            derandomize=True,
            database=None,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
