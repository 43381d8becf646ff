"""What the slots of hardware do next."""

from collections import Counter
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from wriftai_server.worker.schedule import (
    Demand,
    Load,
    Phase,
    Rules,
    Serve,
    SlotState,
    Step,
    Unload,
    Yield,
    decide,
)

RULES = Rules(idle_seconds=100, turn_seconds=5, crowd_seconds=2)
VERSIONS = st.sampled_from("abcdef")
SECONDS = st.floats(0, 1000)

SLOTS = st.one_of(
    st.just(SlotState()),
    st.builds(SlotState, phase=st.just(Phase.LOADING), version=VERSIONS),
    st.builds(SlotState, phase=st.just(Phase.ENDING), version=VERSIONS),
    st.builds(
        SlotState,
        phase=st.just(Phase.READY),
        version=VERSIONS,
        running=st.integers(0, 3),
        room=st.integers(0, 3),
        ready_at=SECONDS,
        used_at=SECONDS,
        load_seconds=st.floats(0, 20),
    ),
)
DEMANDS = st.lists(
    st.builds(Demand, version=VERSIONS, model=st.sampled_from("MN"), since=SECONDS),
    unique_by=lambda demand: demand.version,
)
SERVED = st.dictionaries(st.sampled_from("MN"), SECONDS)


def ready(version: str, *, running: int = 0, room: int = 1, at: float = 0, used: float = 0) -> SlotState:
    return SlotState(Phase.READY, version, running, room, at, used)


def waiting(*versions: str, since: float = 0) -> list[Demand]:
    return [Demand(version, version.upper(), since) for version in versions]


@given(st.lists(SLOTS, max_size=5), DEMANDS, SERVED, st.floats(1000, 1100))
def test_what_holds_for_every_decision(
    slots: list[SlotState], demands: list[Demand], served: dict[str, float], now: float
) -> None:
    steps = decide(now, slots, demands, served, RULES)

    wanted = {demand.version for demand in demands}
    assert max(Counter(step.slot_index for step in steps).values(), default=1) == 1
    for step in steps:
        slot = slots[step.slot_index]
        match step:
            case Serve():
                assert slot.phase is Phase.READY
                assert slot.room
                assert slot.version in wanted
            case Load():
                assert step.version in wanted
                assert slot.phase is Phase.FREE or slot.is_idle
            case Unload():
                assert slot.is_idle
                assert slot.version not in wanted
            case Yield():
                assert slot.phase is Phase.READY
                assert wanted - {slot.version}
    _check_that_none_waits_beside_a_free_slot(slots, demands, steps)


def _check_that_none_waits_beside_a_free_slot(
    slots: Sequence[SlotState], demands: list[Demand], steps: list[Step]
) -> None:
    loaded = {step.version for step in steps if isinstance(step, Load)}
    held = {slot.version for slot in slots if slot.phase in (Phase.LOADING, Phase.READY)}
    taken = {step.slot_index for step in steps if isinstance(step, Load)}
    if {demand.version for demand in demands} - held - loaded:
        assert all(slot.phase is not Phase.FREE for index, slot in enumerate(slots) if index not in taken)


def test_a_warm_runtime_is_served_and_nothing_is_loaded() -> None:
    assert decide(50, [SlotState(), ready("a", used=50)], waiting("a", since=50), {}, RULES) == [Serve(1)]


def test_the_model_that_was_served_least_recently_gets_the_free_slot() -> None:
    assert decide(50, [SlotState()], waiting("a", "b", "c"), {"A": 9, "B": 3, "C": 5}, RULES) == [Load(0, "b")]
    assert decide(50, [SlotState()], waiting("a", "b"), {"A": 9}, RULES) == [Load(0, "b")]


def test_versions_of_one_model_share_its_place_in_the_queue() -> None:
    demands = [Demand("a1", "A", 0), Demand("a2", "A", 1), Demand("b", "B", 2)]
    assert decide(50, [SlotState()], demands, {"A": 9, "B": 3}, RULES) == [Load(0, "b")]


def test_the_least_recently_used_idle_runtime_makes_room() -> None:
    slots = [ready("a", used=40), ready("b", used=30), ready("c", used=45)]
    assert decide(50, slots, waiting("d"), {}, RULES) == [Load(1, "d")]


def test_a_runtime_that_is_busy_or_in_its_turn_makes_no_room() -> None:
    assert decide(50, [ready("a", running=1, room=0, at=48)], waiting("a", "b"), {}, RULES) == []
    assert decide(50, [ready("a", at=48)], waiting("a", "b"), {}, RULES) == [Serve(0)]


def test_a_turn_is_at_least_as_long_as_loading_took() -> None:
    slow = SlotState(Phase.READY, "a", 0, 1, ready_at=30, used_at=50, load_seconds=60)
    assert decide(50, [slow], waiting("a", "b"), {}, RULES) == [Serve(0)]
    assert decide(90, [slow], waiting("a", "b"), {"A": 50}, RULES) == [Load(0, "b")]


def test_a_runtime_whose_turn_is_over_runs_empty_and_then_makes_room() -> None:
    busy = ready("a", running=1, room=3, at=10)
    assert decide(50, [busy], waiting("a", "b"), {"A": 49}, RULES) == [Yield(0)]
    assert decide(50, [busy._replace(running=0)], waiting("a", "b"), {"A": 49}, RULES) == [Load(0, "b")]


def test_only_as_many_runtimes_run_empty_as_are_needed() -> None:
    slots = [ready("a", running=1, at=20), ready("b", running=1, at=10)]
    assert decide(50, slots, waiting("a", "b", "c"), {}, RULES) == [Serve(0), Yield(1)]


def test_a_runtime_is_stopped_when_nobody_used_it_for_long() -> None:
    assert decide(100, [ready("a", used=1)], [], {}, RULES) == []
    assert decide(101, [ready("a", used=1)], [], {}, RULES) == [Unload(0)]
    assert decide(101, [ready("a", running=1, used=1)], [], {}, RULES) == []


def test_a_crowd_gets_one_more_runtime_where_a_slot_is_to_spare() -> None:
    full = ready("a", running=1, room=0)
    assert decide(50, [full, SlotState()], waiting("a", since=49), {}, RULES) == []
    assert decide(52, [full, SlotState()], waiting("a", since=49), {}, RULES) == [Load(1, "a")]
    assert decide(52, [full, ready("b", used=9)], waiting("a", since=49), {}, RULES) == [Load(1, "a")]
    assert decide(52, [full, SlotState(Phase.LOADING, "a")], waiting("a", since=49), {}, RULES) == []
    assert decide(52, [full, SlotState()], waiting("a", "b", since=49), {}, RULES) == [Load(1, "b")]


@settings(max_examples=50, deadline=None)
@given(
    slots=st.integers(1, 3),
    versions=st.integers(2, 7),
    load=st.integers(0, 12),
    length=st.integers(1, 9),
)
def test_everyone_who_keeps_waiting_is_served_and_loading_takes_half_the_time_at_most(
    slots: int, versions: int, load: int, length: int
) -> None:
    """Every version waits all the time, and each prediction takes `length` seconds."""
    hardware = Simulation(slots, versions, load, length)
    round_seconds = (load + max(load, RULES.turn_seconds) + 2 * length + 2) * versions
    seconds = int(3 * round_seconds)
    for _ in range(seconds):
        hardware.advance()

    times = {name: [at for at, who in hardware.begun if who == name] for name in hardware.names}
    assert all(times.values())
    for begun in times.values():
        gaps = [later - earlier for earlier, later in zip(begun, [*begun[1:], seconds], strict=True)]
        assert max(gaps) <= round_seconds
    assert hardware.loading <= slots * seconds / 2 + slots * (load + 1)


class Simulation:
    """Slots whose runtimes take time to load and to run, by the second."""

    def __init__(self, slots: int, versions: int, load: int, length: int) -> None:
        self.names = "abcdefg"[:versions]
        self.begun: list[tuple[int, str]] = []
        self.loading = 0
        self._load, self._length = load, length
        self._now = 0
        self._slots = [SlotState()] * slots
        self._until = [0] * slots
        self._served: dict[str, float] = {}

    def advance(self) -> None:
        for index, slot in enumerate(self._slots):
            if self._until[index] <= self._now:
                self._end(index, slot)
        for step in decide(self._now, self._slots, waiting(*self.names), self._served, RULES):
            self._take(step)
        self.loading += sum(slot.phase is Phase.LOADING for slot in self._slots)
        self._now += 1

    def _end(self, index: int, slot: SlotState) -> None:
        if slot.phase is Phase.LOADING:
            self._begin(index, slot._replace(phase=Phase.READY, ready_at=self._now, load_seconds=self._load))
        elif slot.running:
            self._slots[index] = slot._replace(running=0, room=1, used_at=self._now)

    def _take(self, step: Step) -> None:
        slot = self._slots[step.slot_index]
        match step:
            case Serve():
                self._begin(step.slot_index, slot)
            case Load():
                self._slots[step.slot_index] = SlotState(Phase.LOADING, step.version)
                self._served[step.version.upper()] = self._now
                self._until[step.slot_index] = self._now + self._load
            case Unload():
                self._slots[step.slot_index] = SlotState()

    def _begin(self, index: int, slot: SlotState) -> None:
        self.begun.append((self._now, slot.version))
        self._served[slot.version.upper()] = self._now
        self._slots[index] = slot._replace(running=1, room=0, used_at=self._now)
        self._until[index] = self._now + self._length
