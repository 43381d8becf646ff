"""The floor of the server: bare routes that answer with the bytes of a hub."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path

from benchmarks.growth.calls import CREATE, FIRST_PAGE, GET, SEARCH, UPDATE, asking, creations, paths_of
from benchmarks.growth.hubs import Hub
from benchmarks.growth.questions import ONE_WORD, questions
from benchmarks.listings import listings
from benchmarks.machine import SERVER_CORE, on_core
from benchmarks.posts import Call, post
from benchmarks.servers import floor_with
from benchmarks.session import Session

_NAMES = 200


@contextmanager
def routes(hub: Hub, place: Path) -> Iterator[dict[str, Call]]:
    """Run the floor with what a hub answers, on the core of servers; give the calls that it takes.

    Args:
        hub: Runs.
        place: A folder for what it answers.
    """
    names = hub.folder.public(_NAMES)
    asked = next(each for each in questions(hub.folder) if each.kind == ONE_WORD)
    listed, found = listings(hub.folder, signed_in=False)[0].path, paths_of(asked)
    models = [f"/models/{owner}/{name}" for owner, name in names]
    with Session(hub.server) as session:
        bodies: list[tuple[str, str, bytes]] = [
            *((*name, session.bytes(path)) for name, path in zip(names, models, strict=True)),
            *((path.partition("?")[0], path.partition("?")[2], session.bytes(path)) for path in (listed, *found)),
            ("POST", "", session.bytes(models[0])),
        ]
    file = place / "bare.jsonl"
    file.write_text(
        "".join(f"{json.dumps((first, second, body.decode()))}\n" for first, second, body in bodies),
        encoding="utf-8",
    )
    with on_core(SERVER_CORE), floor_with(file) as server:
        change = post(server, f"/v1{models[0]}", b'{"description":"Changed to be measured."}', method="PATCH")
        yield {
            GET: asking(server, models, b'"predictions_count"'),
            FIRST_PAGE: asking(server, [listed], b'"items"'),
            f"{SEARCH}: {ONE_WORD}": asking(server, found, b'"items"'),
            CREATE: Call(server, creations(server, ""), b'"predictions_count"'),
            UPDATE: Call(server, cycle([change]), b'"predictions_count"'),
        }
