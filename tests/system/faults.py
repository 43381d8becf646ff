"""A checker of what happened to predictions: what clients, receivers and the database saw must fit together.

Every prediction has a key in its input. Every run says a marker, `marker-` and what no other has, before anything
else, and gives it, once or in pieces, as its output. So it shows which attempt an output is from, and whether a
key was run twice.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise, product
from math import inf
from typing import Any, NamedTuple, TypeVar

from tests.system.history import Accepted, Cancelled, Change, History, Said, Seen, Sent, result

K = TypeVar("K")
V = TypeVar("V")

ENDS = frozenset({"succeeded", "failed", "cancelled"})
_FOLLOWS = {"pending": {"started", *ENDS}, "started": {"pending", *ENDS}}


class Stored(NamedTuple):
    """A prediction as it is in the database.

    Attributes:
        key: In its input.
        status: Its last.
        attempt: How often it was started.
        result: Its output and error, as JSON.
        markers: In its output.
        has_webhook: Whether changes are posted.
        is_finished: Whether the time of its end is known.
    """

    key: str
    status: str
    attempt: int
    result: str
    markers: frozenset[str]
    has_webhook: bool
    is_finished: bool


@dataclass
class Final:
    """What is in the database at the end.

    Attributes:
        predictions: By id.
        keys: What the hub keeps of idempotency keys: with what each is answered.
        said: What is stored of runs.
        unsent: Webhooks that are still to be posted.
        last_change: Id of the newest webhook there ever was; None where some ids were never given, as those of
            transactions that were undone.
    """

    predictions: Mapping[str, Stored]
    keys: Mapping[str, str]
    said: list[Said]
    unsent: list[Change]
    last_change: int | None


def read(run: Callable[[str], Iterable[Any]], *, last_change: int | None) -> Final:
    """Read what is in the database of a hub.

    Args:
        run: Gives the rows of a query.
        last_change: See `Final`.
    """
    rows = run(
        "SELECT id, input, status, attempt, output, error, webhook_url IS NOT NULL, finished_at IS NOT NULL"
        " FROM predictions"
    )
    predictions = {
        row[0]: Stored(
            json.loads(row[1])["key"], row[2], row[3], result(row[4], row[5]), _markers(row[4]), *row[6:]
        )
        for row in rows
    }
    keys = {key: json.loads(answer) for key, answer in run("SELECT key, answer FROM idempotency_keys")}
    events = run(
        "SELECT prediction_id, attempt, data FROM prediction_events WHERE kind = 'log' AND data LIKE 'marker-%'"
    )
    unsent = run("SELECT id, prediction_id, body FROM webhook_deliveries ORDER BY id")
    return Final(
        predictions,
        keys,
        [Said(*row) for row in events],
        [Change(row[0], row[1], json.loads(row[2])["status"]) for row in unsent],
        last_change,
    )


def faults(history: History, final: Final) -> list[str]:
    """Find all that must not have happened; none means that nothing was lost, changed or done twice."""
    return [
        *_lost_or_doubled(history, final),
        *_keys_mixed_up(history, final),
        *_cancelled_unasked(history, final),
        *_ends_that_changed(history, final),
        *_fenced_outputs(history, final),
        *_webhooks_out_of_order(history, final),
        *_webhooks_missing(history, final),
    ]


def unfinished(final: Final) -> list[str]:
    """Find the predictions that have not ended."""
    return [id_ for id_, stored in final.predictions.items() if stored.status not in ENDS]


def _lost_or_doubled(history: History, final: Final) -> Iterator[str]:
    by_key = _grouped(history.of(Accepted))
    stored_by_key = _grouped((stored.key, id_) for id_, stored in final.predictions.items())
    for key, ids in by_key.items():
        if len(set(ids)) > 1:
            yield f"key {key} was answered with several predictions: {sorted(set(ids))}"
        for lost in set(ids) - final.predictions.keys():
            yield f"prediction {lost} was accepted and is not there"
        for id_ in sorted(set(ids) & final.predictions.keys()):
            if final.predictions[id_].key != key:
                yield f"key {key} was answered with {id_}, which has key {final.predictions[id_].key}"
    for key, ids in stored_by_key.items():
        if len(ids) > 1:
            yield f"key {key} made several predictions: {sorted(ids)}"
    for id_, stored in final.predictions.items():
        if stored.status not in ENDS | _FOLLOWS.keys():
            yield f"prediction {id_} is {stored.status}"
        if stored.is_finished != (stored.status in ENDS):
            yield f"prediction {id_} is {stored.status}, and the time of its end says otherwise"


def _keys_mixed_up(history: History, final: Final) -> Iterator[str]:
    accepted = _grouped(history.of(Accepted))
    for key, names in _grouped((sent.key, sent.idempotency_key) for sent in history.of(Sent)).items():
        if len(set(names)) > 1:
            yield f"key {key} was sent under several idempotency keys: {sorted(set(names))}"
        for name, id_ in product(sorted(set(names)), accepted.get(key, ())):
            if final.keys.get(name) != id_:
                yield f"idempotency key {name} was answered with {id_} and stands for {final.keys.get(name)}"


def _cancelled_unasked(history: History, final: Final) -> Iterator[str]:
    wishes = _grouped(history.of(Cancelled))
    for id_, stored in final.predictions.items():
        if stored.status == "cancelled" and id_ not in wishes:
            yield f"prediction {id_} is cancelled, and nobody wanted that"
    for seen in history.of(Seen):
        if seen.status == "pending" and seen.asked > min(wishes.get(seen.prediction_id, [inf])):
            yield f"prediction {seen.prediction_id} was to be cancelled and waits again"


def _ends_that_changed(history: History, final: Final) -> Iterator[str]:
    for id_, looks in _grouped((seen.prediction_id, seen) for seen in history.of(Seen)).items():
        ends = {(seen.status, seen.result) for seen in looks if seen.status in ENDS}
        stored = final.predictions.get(id_)
        if ends and stored is not None:
            ends.add((stored.status, stored.result))
        if len(ends) > 1:
            yield f"prediction {id_} ended and changed: {sorted(ends)}"
        ended = min((seen.answered for seen in looks if seen.status in ENDS), default=float("inf"))
        for seen in looks:
            if seen.asked > ended and seen.status not in ENDS:
                yield f"prediction {id_} had ended and was {seen.status} again"


def _fenced_outputs(history: History, final: Final) -> Iterator[str]:
    speakers = _grouped(
        (said.marker, (said.prediction_id, said.attempt)) for said in (*history.of(Said), *final.said)
    )
    for marker, runs in speakers.items():
        if len(set(runs)) > 1:
            yield f"marker {marker} was said by several attempts: {sorted(set(runs))}"
    for id_, stored in final.predictions.items():
        if stored.status == "succeeded" and len(stored.markers) != 1:
            yield f"the output of prediction {id_} is from several attempts: {sorted(stored.markers)}"
        for marker in stored.markers:
            if (id_, stored.attempt) not in speakers.get(marker, ()):
                yield f"the output {marker} of prediction {id_} is not from attempt {stored.attempt}"


def _webhooks_out_of_order(history: History, final: Final) -> Iterator[str]:
    for id_, changes in _grouped((change.prediction_id, change) for change in history.of(Change)).items():
        for before, after in pairwise(changes):
            if after.id < before.id:
                yield f"webhook {after.id} of prediction {id_} came behind webhook {before.id}"
        for id_number, statuses in _grouped((change.id, change.status) for change in changes).items():
            if len(set(statuses)) > 1:
                yield f"webhook {id_number} of prediction {id_} came with several statuses: {statuses}"


def _webhooks_missing(history: History, final: Final) -> Iterator[str]:
    changes = {change.id: change for change in (*history.of(Change), *final.unsent)}
    for missing in sorted(set(range(1, (final.last_change or 0) + 1)) - changes.keys()):
        yield f"webhook {missing} was never received"
    told = _grouped((changes[id_].prediction_id, changes[id_].status) for id_ in sorted(changes))
    for id_, stored in final.predictions.items():
        if not stored.has_webhook:
            continue
        statuses = ["pending", *told.get(id_, ())]
        for before, after in pairwise(statuses):
            if after not in _FOLLOWS.get(before, ()):
                yield f"webhooks of prediction {id_} tell of {after} behind {before}"
        if statuses[-1] != stored.status:
            yield f"webhooks of prediction {id_} end with {statuses[-1]}, and it is {stored.status}"
        if statuses.count("started") != stored.attempt:
            yield f"webhooks of prediction {id_} tell of another number of starts than {stored.attempt}"


def _markers(output: str | None) -> frozenset[str]:
    value = json.loads(output) if output else []
    return frozenset([value] if isinstance(value, str) else value)


def _grouped(pairs: Iterable[tuple[K, V]]) -> dict[K, list[V]]:
    groups: dict[K, list[V]] = defaultdict(list)
    for key, value in pairs:
        groups[key].append(value)
    return dict(groups)
