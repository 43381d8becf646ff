"""Decides what the slots of one kind of hardware do next. Nothing in here waits, starts or stores anything.

A slot is room for one runtime. Who has waited longest for any service comes first, by model, so that many
versions or many predictions of one model do not buy it more. A runtime that is in demand keeps its slot for a
turn, at least as long as loading it took; only then does it make room for another that has none. So two busy
models on one slot take turns, and neither is loaded anew for every prediction.
"""

import enum
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple


class Rules(NamedTuple):
    """How patient the schedule is.

    Attributes:
        idle_seconds: A runtime that nobody used for so long is stopped, unless predictions wait for its version.
        turn_seconds: A runtime in demand keeps its slot for at least so long, once it is loaded.
        crowd_seconds: When all runtimes of a version are full and a prediction waits for longer, one more of them
            is loaded, where a slot is to spare.
    """

    idle_seconds: float = 300
    turn_seconds: float = 5
    crowd_seconds: float = 2


class Phase(enum.Enum):
    """What goes on in a slot.

    Attributes:
        FREE: It has no runtime.
        LOADING: A version is being loaded in it, and what it had before is being ended.
        READY: Its runtime has loaded a version, and takes predictions of it.
        ENDING: Its runtime is being ended, and then it is free.
    """

    FREE = enum.auto()
    LOADING = enum.auto()
    READY = enum.auto()
    ENDING = enum.auto()


class SlotState(NamedTuple):
    """A slot as it is when something is decided. Times are in seconds of one clock.

    Attributes:
        phase: What goes on in it.
        version: Id of the version that its runtime has loaded or is loading; empty when it is free.
        running: How many predictions its runtime runs.
        room: How many more its runtime takes; 0 unless it is ready.
        ready_at: When its runtime had loaded the version; 0 before that.
        used_at: When its runtime was last given a prediction, or finished one; 0 before that.
        load_seconds: How long loading took.
    """

    phase: Phase = Phase.FREE
    version: str = ""
    running: int = 0
    room: int = 0
    ready_at: float = 0
    used_at: float = 0
    load_seconds: float = 0

    @property
    def is_idle(self) -> bool:
        """Whether its runtime is ready and runs nothing."""
        return self.phase is Phase.READY and not self.running


class Demand(NamedTuple):
    """A version that predictions wait for.

    Attributes:
        version: Its id.
        model: Id of its model.
        since: When the one that has waited longest was created, in seconds of the slots' clock.
    """

    version: str
    model: str
    since: float


class Serve(NamedTuple):
    """Give the runtime of a slot as many predictions of its version as it has room for.

    Attributes:
        slot_index: Of the slot, among those that were decided on; in the other steps too.
    """

    slot_index: int


class Load(NamedTuple):
    """Load a version in a slot that is free or idle, in place of what it has loaded.

    Attributes:
        slot_index: Of the slot.
        version: Id of the version.
    """

    slot_index: int
    version: str


class Unload(NamedTuple):
    """End the runtime of a slot, which is idle and wanted by nobody."""

    slot_index: int


class Yield(NamedTuple):
    """Give the runtime of a slot nothing more until the next decision: others wait for the slot."""

    slot_index: int


Step = Serve | Load | Unload | Yield


def decide(
    now: float, slots: Sequence[SlotState], demands: Sequence[Demand], served: Mapping[str, float], rules: Rules
) -> list[Step]:
    """Decide what to do now.

    Args:
        now: In seconds of the slots' clock.
        slots: All slots of the hardware.
        demands: What waits for the hardware, one a version.
        served: When a prediction of each model was last claimed here, by the model's id; one that is not in it
            comes first.
        rules: How patient to be.

    Returns:
        At most one step for each slot.
    """
    wanted = {demand.version for demand in demands}
    candidates = _Candidates(now, slots, wanted, rules)
    queue = sorted(demands, key=lambda demand: (served.get(demand.model, float("-inf")), demand.since))
    held = {slot.version for slot in slots if slot.phase in (Phase.LOADING, Phase.READY)}
    without = [demand.version for demand in queue if demand.version not in held]
    crowds = [demand.version for demand in queue if _is_crowd(now, demand, slots, rules)]

    taken = dict(zip(candidates.to_give(), without, strict=False))
    to_spare = (index for index in candidates.to_spare() if index not in taken)
    taken |= dict(zip(to_spare, crowds, strict=False))

    left = len(without) - sum(version in taken.values() for version in without)
    yielding = set(candidates.to_yield(left, taken))
    steps: list[Step] = [Load(index, version) for index, version in taken.items()]
    for index, slot in enumerate(slots):
        if index in taken or slot.phase is not Phase.READY:
            continue
        if index in yielding:
            steps.append(Yield(index))
        elif slot.version in wanted:
            steps += [Serve(index)] if slot.room else []
        elif slot.is_idle and now - slot.used_at >= rules.idle_seconds:
            steps.append(Unload(index))
    return steps


def _is_crowd(now: float, demand: Demand, slots: Sequence[SlotState], rules: Rules) -> bool:
    own = [slot for slot in slots if slot.version == demand.version and slot.phase is not Phase.ENDING]
    full = all(slot.phase is Phase.READY and not slot.room for slot in own)
    return bool(own) and full and now - demand.since >= rules.crowd_seconds


class _Candidates(NamedTuple):
    """Slots by what could become of them; the least recently used come first."""

    now: float
    slots: Sequence[SlotState]
    wanted: set[str]
    rules: Rules

    def to_spare(self) -> Iterator[int]:
        """Give the slots that nobody misses: free ones, then idle ones that nobody waits for."""
        yield from (index for index, slot in enumerate(self.slots) if slot.phase is Phase.FREE)
        yield from (index for index in self._by_use() if self.slots[index].version not in self.wanted)

    def to_give(self) -> Iterator[int]:
        """Give the slots that can be had at once: those to spare, then idle ones whose turn is over."""
        yield from self.to_spare()
        yield from (
            index
            for index in self._by_use()
            if self.slots[index].version in self.wanted and self._is_over(self.slots[index])
        )

    def to_yield(self, count: int, taken: Mapping[int, str]) -> list[int]:
        """Give the slots that have to run empty, so that others get them."""
        over = [
            index
            for index, slot in enumerate(self.slots)
            if index not in taken and slot.phase is Phase.READY and self._is_over(slot)
        ]
        over.sort(key=lambda index: self.slots[index].ready_at)
        return over[:count]

    def _by_use(self) -> list[int]:
        idle = [index for index, slot in enumerate(self.slots) if slot.is_idle]
        return sorted(idle, key=lambda index: self.slots[index].used_at)

    def _is_over(self, slot: SlotState) -> bool:
        return self.now - slot.ready_at >= max(self.rules.turn_seconds, slot.load_seconds)
