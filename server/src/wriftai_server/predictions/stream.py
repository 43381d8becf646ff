"""What happens in a prediction, as server-sent events (WHATWG HTML, section 9.2), while it happens.

An event is named by its attempt and its number in it: `init` is 0, then comes what the run says, as it is stored,
and behind that what its end tells. So a stream can be left and resumed at any event; a new attempt begins anew.
"""

import asyncio
import re
from collections.abc import AsyncGenerator
from typing import NamedTuple

import msgspec

from wriftai.predictions import Prediction, Status
from wriftai_server.database.changes import Changes
from wriftai_server.database.driver import Database, Reader
from wriftai_server.http.caller import Caller
from wriftai_server.http.problems import malformed
from wriftai_server.predictions import service, store
from wriftai_server.wire.predictions import shown

_QUIET_SECONDS = 5.0  # Well within the 10 s after which a client with its defaults takes a stream for dead.
_BEAT = b":\n\n"
_CHUNK = 200
_ID = re.compile(r"(\d{1,9})-(\d{1,9})", re.ASCII)
_MOST_EVENTS = 999_999_999
# In JSON they only part what belongs to it; in an event they would end a line.
_ONE_LINE = bytes.maketrans(b"\r\n", b"  ")


class Position(NamedTuple):
    """Where a stream is: behind this event.

    Attributes:
        attempt: That of the event.
        number: In the attempt.
    """

    attempt: int
    number: int


_BEGINNING = Position(-1, -1)


class News(NamedTuple):
    """What there is behind a position.

    Attributes:
        events: As they are sent.
        position: Behind them.
        is_whole: Whether there is nothing more at the moment.
        is_done: Whether there will never be more.
    """

    events: bytes
    position: Position
    is_whole: bool
    is_done: bool


async def begin(view: Reader, caller: Caller, *, prediction_id: str, after: str | None) -> Position:
    """Find where a stream of a prediction of the caller begins.

    Args:
        view: Runs the queries.
        caller: Who follows it.
        prediction_id: UUID.
        after: Id of an event that was sent; None is the beginning.

    Raises:
        Malformed: There was no such event, as far as that is still known.
        Problem: 404, the caller has no such prediction.
    """
    row = await service.state(view, caller, prediction_id=prediction_id)
    if after is None:
        return _BEGINNING
    found = _ID.fullmatch(after)
    position = found and Position(int(found[1]), int(found[2]))
    if position is None or position > await _latest(view, shown(row, caller.hub_url), row[-1]):
        msg = "This is no event of the prediction: send the id of one, or leave it out for the beginning."
        raise malformed("query", "after_id", msg=msg, type="event_unknown")
    return position


async def follow(
    database: Database,
    changes: Changes,
    caller: Caller,
    *,
    prediction_id: str,
    position: Position,
    quiet_seconds: float = _QUIET_SECONDS,
) -> AsyncGenerator[bytes, None]:
    """Give what happens behind a position, up to the end of the prediction, or of the hub.

    Between two looks no transaction is open. Those who are woken at the same moment look in turns, as what they
    are given may be long.

    Args:
        database: Is looked at.
        changes: Tell when to look.
        caller: Has created the prediction.
        prediction_id: UUID.
        position: Where to begin.
        quiet_seconds: When nothing happened for so long, a comment is sent, lest someone in between hangs up.
    """
    clock = asyncio.get_running_loop().time
    with changes.watch(prediction_id) as watch:
        said_at = clock()
        while True:
            async with changes.turns.taken(), database.reading() as view:
                news = await _news(view, caller, prediction_id, position)
            position = news.position
            # Others may be told of so much that whoever waits here is woken all the time, for nothing.
            piece = news.events or (_BEAT if clock() - said_at >= quiet_seconds else b"")
            if piece:
                yield piece
                said_at = clock()
                # Neither the database nor a caller who has left lets others have a turn.
                await asyncio.sleep(0)
            if news.is_done or changes.is_ending:
                return
            if news.is_whole:
                await watch.changed(said_at + quiet_seconds - clock())


async def _news(view: Reader, caller: Caller, prediction_id: str, position: Position) -> News:
    row = await service.state(view, caller, prediction_id=prediction_id)
    prediction, attempt = shown(row, caller.hub_url), row[-1]
    events = []
    if position.attempt < attempt:
        position = Position(attempt, 0)
        events.append(_event(position, "init", msgspec.json.encode(prediction)))
    rows = await store.events(
        view, prediction_id=prediction_id, attempt=attempt, after=position.number, limit=_CHUNK
    )
    for number, kind, text in rows:
        position = Position(attempt, number)
        events.append(_event(position, kind, text.encode() if kind == "output" else msgspec.json.encode(text)))
    is_whole = len(rows) < _CHUNK
    is_done = is_whole and prediction["status"] not in service.UNFINISHED
    if is_done:
        events += await _end(view, prediction, position)
    return News(b"".join(events), position, is_whole, is_done)


async def _end(view: Reader, prediction: Prediction, position: Position) -> list[bytes]:
    last, told = await _told(view, prediction, position.attempt)
    *others, (done, data) = enumerate(told, last + 1)
    # A stream that is resumed behind its end, or behind what is no longer stored, ends as well.
    if not last:
        done = max(done, position.number + 1)
    return [
        *(
            _event(Position(position.attempt, number), *each)
            for number, each in others
            if number > position.number
        ),
        _event(Position(position.attempt, done), *data),
    ]


async def _latest(view: Reader, prediction: Prediction, attempt: int) -> Position:
    """Give the last event that there may have been."""
    last, told = await _told(view, prediction, attempt)
    # What an attempt said is forgotten when it is given up, and some time after the end.
    is_known = last or prediction["status"] == Status.started
    return Position(attempt, last + len(told) if is_known else _MOST_EVENTS)


async def _told(view: Reader, prediction: Prediction, attempt: int) -> tuple[int, list[tuple[str, bytes]]]:
    """Give the number of the last event that is stored, and what the end of the prediction tells behind it."""
    last, outputs, output = await store.result(view, prediction_id=prediction["id"], attempt=attempt)
    if prediction["status"] in service.UNFINISHED:
        return last, []
    told = []
    if output is not None and not outputs:
        told.append(("output", output.encode()))
    if prediction["error"] is not None:
        told.append(("error", msgspec.json.encode(prediction["error"])))
    return last, [*told, ("done", msgspec.json.encode(prediction))]


def _event(position: Position, kind: str, data: bytes) -> bytes:
    return b"id: %d-%d\nevent: %b\ndata: %b\n\n" % (*position, kind.encode(), data.translate(_ONE_LINE))
