"""A checker of what happened to predictions: what clients, receivers and the database saw must fit together.

Every prediction has a key in its input. Every run says a marker, `marker-` and what no other has, before anything
else, and gives it, once or in pieces, as its output. So it shows which attempt an output is from, and whether a
key was run twice.
"""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple, TypeVar

K = TypeVar("K")
V = TypeVar("V")

ENDS = frozenset({"succeeded", "failed", "cancelled"})
_FOLLOWS = {"pending": {"started", *ENDS}, "started": {"pending", *ENDS}}


class Accepted(NamedTuple):
    """The hub has said that it took a prediction.

    Attributes:
        key: The idempotency key, which is in the input too.
        prediction_id: As the hub answered.
    """

    key: str
    prediction_id: str


class Seen(NamedTuple):
    """The hub has said how a prediction stands.

    Attributes:
        prediction_id: UUID.
        asked: When the question left, on the clock of `answered`.
        answered: When the answer was there.
        status: Of the prediction.
        result: Its output and error, as JSON.
    """

    prediction_id: str
    asked: float
    answered: float
    status: str
    result: str


class Said(NamedTuple):
    """The hub has passed on what a run says.

    Attributes:
        prediction_id: UUID.
        attempt: Which run.
        marker: What it says.
    """

    prediction_id: str
    attempt: int
    marker: str


class Change(NamedTuple):
    """A webhook for a change of status.

    Attributes:
        id: Of the delivery.
        prediction_id: UUID.
        status: The new one.
    """

    id: int
    prediction_id: str
    status: str


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
class History:
    """What was seen from outside, each list in order."""

    accepted: list[Accepted] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    said: list[Said] = field(default_factory=list)
    received: list[Change] = field(default_factory=list)


@dataclass
class Final:
    """What is in the database at the end.

    Attributes:
        predictions: By id.
        said: What is stored of runs.
        unsent: Webhooks that are still to be posted.
        last_change: Id of the newest webhook there ever was.
    """

    predictions: Mapping[str, Stored]
    said: list[Said]
    unsent: list[Change]
    last_change: int


def read(connection: sqlite3.Connection) -> Final:
    """Read what is in the database of a hub."""
    rows = connection.execute(
        "SELECT id, input, status, attempt, output, error, webhook_url IS NOT NULL, finished_at IS NOT NULL"
        " FROM predictions"
    )
    predictions = {
        row[0]: Stored(
            json.loads(row[1])["key"], row[2], row[3], result(row[4], row[5]), _markers(row[4]), *row[6:]
        )
        for row in rows
    }
    events = connection.execute(
        "SELECT prediction_id, attempt, data FROM prediction_events WHERE kind = 'log' AND data LIKE 'marker-%'"
    )
    unsent = connection.execute("SELECT id, prediction_id, body FROM webhook_deliveries ORDER BY id")
    last = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'webhook_deliveries'").fetchone()
    return Final(
        predictions,
        [Said(*row) for row in events],
        [Change(row[0], row[1], json.loads(row[2])["status"]) for row in unsent],
        last[0] if last else 0,
    )


def result(output: str | None, error: str | None) -> str:
    """Write the output and error of a prediction, both JSON or None, so that they can be compared."""
    return json.dumps([json.loads(part) if part else None for part in (output, error)], sort_keys=True)


def faults(history: History, final: Final) -> list[str]:
    """Find all that must not have happened; none means that nothing was lost, changed or done twice."""
    return [
        *_lost_or_doubled(history, final),
        *_ends_that_changed(history, final),
        *_fenced_outputs(history, final),
        *_webhooks_out_of_order(history, final),
        *_webhooks_missing(history, final),
    ]


def unfinished(final: Final) -> list[str]:
    """Find the predictions that have not ended."""
    return [id_ for id_, stored in final.predictions.items() if stored.status not in ENDS]


def _lost_or_doubled(history: History, final: Final) -> Iterator[str]:
    by_key = _grouped(history.accepted)
    stored_by_key = _grouped((stored.key, id_) for id_, stored in final.predictions.items())
    for key, ids in by_key.items():
        if len(set(ids)) > 1:
            yield f"key {key} was answered with several predictions: {sorted(set(ids))}"
        for lost in set(ids) - final.predictions.keys():
            yield f"prediction {lost} was accepted and is not there"
    for key, ids in stored_by_key.items():
        if len(ids) > 1:
            yield f"key {key} made several predictions: {sorted(ids)}"
    for id_, stored in final.predictions.items():
        if stored.status not in ENDS | _FOLLOWS.keys():
            yield f"prediction {id_} is {stored.status}"
        if stored.is_finished != (stored.status in ENDS):
            yield f"prediction {id_} is {stored.status}, and the time of its end says otherwise"


def _ends_that_changed(history: History, final: Final) -> Iterator[str]:
    for id_, looks in _grouped((seen.prediction_id, seen) for seen in history.seen).items():
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
        (said.marker, (said.prediction_id, said.attempt)) for said in (*history.said, *final.said)
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
    for id_, changes in _grouped((change.prediction_id, change) for change in history.received).items():
        for before, after in pairwise(changes):
            if after.id < before.id:
                yield f"webhook {after.id} of prediction {id_} came behind webhook {before.id}"
        for id_number, statuses in _grouped((change.id, change.status) for change in changes).items():
            if len(set(statuses)) > 1:
                yield f"webhook {id_number} of prediction {id_} came with several statuses: {statuses}"


def _webhooks_missing(history: History, final: Final) -> Iterator[str]:
    changes = {change.id: change for change in (*history.received, *final.unsent)}
    for missing in sorted(set(range(1, final.last_change + 1)) - changes.keys()):
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
