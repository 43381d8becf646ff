"""The calls whose cost is measured, for hubs of any size, for the floor and for the registry of others."""

import itertools
import json
import random
from collections.abc import Iterator
from urllib.parse import quote

from benchmarks.growth.hubs import Hub
from benchmarks.growth.questions import Question, questions
from benchmarks.listings import Part, listings, page
from benchmarks.load import get
from benchmarks.posts import Call, post
from benchmarks.session import Server, Session, headers

GET = "get"
CREATE = "create"
UPDATE = "update"
PAGE = "page"
SEARCH = "search"
_PARTS: tuple[Part, ...] = ("first", "middle", "last")
OLDEST_FIRST = [f"{PAGE}: everyone's by created_at, asc, {part}" for part in _PARTS]
FIRST_PAGE = OLDEST_FIRST[0]

_NAMES = 2_000
_numbers = itertools.count(random.getrandbits(40))


def reading(hub: Hub) -> dict[str, Call]:
    """Give the calls that change nothing, by what they are."""
    paths = [f"/models/{owner}/{name}" for owner, name in hub.folder.public(_NAMES)]
    calls = {GET: asking(hub.server, paths, b'"predictions_count"')}
    with Session(hub.server) as session:
        for listing in listings(hub.folder, signed_in=False):
            for part in _PARTS:
                path = page(session, hub.folder, listing, part)
                calls[f"{PAGE}: {listing.name}, {part}"] = asking(hub.server, [path], b'"items"')
    for question in questions(hub.folder):
        calls[f"{SEARCH}: {question.kind}"] = asking(hub.server, paths_of(question), b'"items"', question.token)
    return calls


def paths_of(question: Question) -> list[str]:
    """Give the addresses that answer a question."""
    what = "users" if question.is_about_users else "models"
    return [f"/search/{what}?q={quote(text)}" for text in question.texts]


def writing(hub: Hub) -> dict[str, Call]:
    """Give the calls that change something, by what they are."""
    return {
        CREATE: Call(hub.server, creations(hub.server, hub.folder.token), b'"predictions_count"'),
        UPDATE: Call(hub.server, _updates(hub, hub.folder.own()[:_NAMES]), b'"predictions_count"'),
    }


def creations(server: Server, token: str) -> Iterator[bytes]:
    """Ask for new models for ever, with names that no one has."""
    body = {"hardware_identifier": "cpu", "visibility": "public", "description": "Made to be measured. " * 10}
    for number in _numbers:
        made = json.dumps({"name": f"measured-{number}", **body}).encode()
        yield post(server, "/v1/models", made, headers(token))


def _updates(hub: Hub, names: list[str]) -> Iterator[bytes]:
    """Change the descriptions of some of the largest owner's models for ever."""
    for number, name in enumerate(itertools.cycle(names)):
        body = json.dumps({"description": f"Changed to be measured, for time {number}. " * 5}).encode()
        path = f"/v1/models/{hub.folder.owner}/{name}"
        yield post(hub.server, path, body, headers(hub.folder.token), method="PATCH")


def asking(server: Server, paths: list[str], proof: bytes, token: str = "") -> Call:
    """Ask for paths of the API in turn, for ever."""
    return Call(server, itertools.cycle([get(path, token) for path in paths]), proof)
