"""Decides what the slots of one kind of hardware do next. Nothing in here waits, starts or stores anything.

A slot holds one runtime at most. Who has waited longest for any service comes first, by model, so that many
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
        idle_seconds: A runtime that nobody used for so long is stopped.
        turn_seconds: A runtime in demand keeps its slot for at least so long, once it is loaded.
        crowd_seconds: When all runtimes of a version are full and a prediction waits for longer, one more of them
            is loaded, where a slot is to spare.
    """

    idle_seconds: float = 300
    turn_seconds: float = 5
    crowd_seconds: float = 2


class Phase(enum.Enum):
    """What goes on in a slot."""

    FREE = enum.auto()
    LOADING = enum.auto()
    READY = enum.auto()
    ENDING = enum.auto()


class Slot(NamedTuple):
    """A place for a runtime. Times are in seconds of one clock.

    Attributes:
        phase: What goes on in it.
        version: What its runtime has loaded or is loading.
        running: How many predictions its runtime runs.
        room: How many more it takes.
        ready_at: When it was loaded.
        used_at: When it was last given a prediction, or finished one.
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
        """Whether it is loaded and runs nothing."""
        return self.phase is Phase.READY and not self.running


class Demand(NamedTuple):
    """A version that predictions wait for.

    Attributes:
        version: Its id.
        model: Id of its model.
        since: Since when the first of them waits, in seconds of the slots' clock.
    """

    version: str
    model: str
    since: float


class Serve(NamedTuple):
    """Give the slot's runtime as many predictions as it has room for."""

    slot: int


class Load(NamedTuple):
    """Load a version in the slot, in the place of what it holds."""

    slot: int
    version: str


class Unload(NamedTuple):
    """Stop the slot's runtime."""

    slot: int


class Yield(NamedTuple):
    """Let the slot's runtime run empty: others wait for the slot."""

    slot: int


Step = Serve | Load | Unload | Yield


def decide(
    now: float, slots: Sequence[Slot], demands: Sequence[Demand], served: Mapping[str, float], rules: Rules
) -> list[Step]:
    """Decide what to do now.

    Args:
        now: In seconds of the slots' clock.
        slots: All slots of the hardware.
        demands: What waits for it, one a version.
        served: When each model was last given a prediction or a runtime.
        rules: How patient to be.

    Returns:
        At most one step for each slot.
    """
    wanted = {demand.version for demand in demands}
    places = _Places(now, slots, wanted, rules)
    queue = sorted(demands, key=lambda demand: (served.get(demand.model, float("-inf")), demand.since))
    held = {slot.version for slot in slots if slot.phase in (Phase.LOADING, Phase.READY)}
    without = [demand.version for demand in queue if demand.version not in held]
    crowds = [demand.version for demand in queue if _is_crowd(now, demand, slots, rules)]

    taken = dict(zip(places.to_give(), without, strict=False))
    to_spare = (place for place in places.to_spare() if place not in taken)
    taken |= dict(zip(to_spare, crowds, strict=False))

    left = len(without) - sum(version in taken.values() for version in without)
    yielding = set(places.to_yield(left, taken))
    steps: list[Step] = [Load(place, version) for place, version in taken.items()]
    for place, slot in enumerate(slots):
        if place in taken or slot.phase is not Phase.READY:
            continue
        if place in yielding:
            steps.append(Yield(place))
        elif slot.version in wanted:
            steps += [Serve(place)] if slot.room else []
        elif slot.is_idle and now - slot.used_at >= rules.idle_seconds:
            steps.append(Unload(place))
    return steps


def _is_crowd(now: float, demand: Demand, slots: Sequence[Slot], rules: Rules) -> bool:
    own = [slot for slot in slots if slot.version == demand.version and slot.phase is not Phase.ENDING]
    full = all(slot.phase is Phase.READY and not slot.room for slot in own)
    return bool(own) and full and now - demand.since >= rules.crowd_seconds


class _Places(NamedTuple):
    """Slots by what could become of them; the least recently used come first."""

    now: float
    slots: Sequence[Slot]
    wanted: set[str]
    rules: Rules

    def to_spare(self) -> Iterator[int]:
        """Give the slots that nobody misses: free ones, then idle ones that nobody waits for."""
        yield from (place for place, slot in enumerate(self.slots) if slot.phase is Phase.FREE)
        yield from (place for place in self._by_use() if self.slots[place].version not in self.wanted)

    def to_give(self) -> Iterator[int]:
        """Give the slots that can be had at once: those to spare, then idle ones whose turn is over."""
        yield from self.to_spare()
        yield from (
            place
            for place in self._by_use()
            if self.slots[place].version in self.wanted and self._is_over(self.slots[place])
        )

    def to_yield(self, count: int, taken: Mapping[int, str]) -> list[int]:
        """Give the slots that have to run empty, so that others get them."""
        over = [
            place
            for place, slot in enumerate(self.slots)
            if place not in taken and slot.phase is Phase.READY and self._is_over(slot)
        ]
        over.sort(key=lambda place: self.slots[place].ready_at)
        return over[:count]

    def _by_use(self) -> list[int]:
        idle = [place for place, slot in enumerate(self.slots) if slot.is_idle]
        return sorted(idle, key=lambda place: self.slots[place].used_at)

    def _is_over(self, slot: Slot) -> bool:
        return self.now - slot.ready_at >= max(self.rules.turn_seconds, slot.load_seconds)
