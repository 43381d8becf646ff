"""Two hubs that are asked the same, and how their answers are compared.

Ids, times and cursors differ from hub to hub. What is compared has them in the order in which they first came.
Of what a search finds the first is compared, if it is called so: what comes behind it is found by an index, which
is not the database's.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from urllib.parse import quote

import httpx
import msgspec

from tests.databases import open_in
from tests.server.inside import InsideHub
from wriftai.predictions import Status
from wriftai_server.database.driver import Transaction
from wriftai_server.images import store as images
from wriftai_server.predictions import queue
from wriftai_server.predictions.claims import Claim, Event, Outcome
from wriftai_server.users import service as users
from wriftai_server.worker import store as worker_store

T = TypeVar("T")

CALLERS = 3
LATER, SOON, LONG_AGO = "9999", "1000", "0001"
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
_PLACE = re.compile(r"\{([uvpm])(\d+)\}")
_CURSOR = re.compile(r"cursor=[\w-]+")
_SKIPPED_HEADERS = frozenset({"x-request-id", "date", "content-length"})


class Call(NamedTuple):
    """A request. `{u0}` stands for the username of the first caller, `{v7}` for the eighth version that was seen,
    `{p7}` for such a prediction, and `{m7}` for such a model.

    Attributes:
        caller: Number of who asks; more than there are is anyone.
        method: Of HTTP.
        path: Below `/v1`.
        params: Of the query.
        body: As JSON; bytes are sent as they are.
        key: Of idempotency.
    """

    caller: int
    method: str
    path: str
    params: tuple[tuple[str, str], ...] = ()
    body: Any = None
    key: str | None = None


class Turn(NamedTuple):
    """A look at the page behind, or before, one that was seen.

    Attributes:
        page: Which one.
        forward: Whether behind.
        size: Of the new page.
    """

    page: int
    forward: bool
    size: int


class Work(NamedTuple):
    """A step of a worker.

    Attributes:
        step: What it does.
        run: Which of its claims it does that to.
    """

    step: str
    run: int


Step = Call | Turn | Work


class Side:
    """One of two hubs, with callers of its own.

    Args:
        folder: Of the hub, on the database that it has.
    """

    def __init__(self, folder: Path) -> None:
        self._hub = InsideHub(folder, public_url="http://hub.test")
        self._runner = asyncio.Runner()
        self._database = open_in(folder)
        self._seen: dict[str, str] = {}
        self._rounds = 0

    def begin(self) -> None:
        """Begin a history with callers that are new."""
        self._rounds += 1
        self._ids: dict[str, list[str]] = {"v": [], "p": [], "m": []}
        self._pages: list[tuple[Call, str | None, str | None]] = []
        self._claims: list[Claim] = []
        self._names = [f"caller{number}-{self._rounds}" for number in range(CALLERS)]
        self._tokens = [self._add_user(name) for name in self._names]

    def close(self) -> None:
        self._runner.run(self._database.close())
        self._runner.close()
        self._hub.stop()

    def take(self, step: Step) -> Any:
        """Take a step, and give what came of it, so that it can be compared."""
        match step:
            case Call():
                return self._ask(step, self._filled(dict(step.params)))
            case Turn():
                return self._turn(step)
            case Work():
                return self._alike(self._do(lambda transaction: self._work(transaction, step)))

    def _turn(self, step: Turn) -> Any:
        if not self._pages:
            return None
        call, before, behind = self._pages[step.page % len(self._pages)]
        cursor = behind if step.forward else before
        if cursor is None:
            return None
        return self._ask(call, {**self._filled(dict(call.params)), "page_size": str(step.size), "cursor": cursor})

    def _ask(self, call: Call, params: dict[str, str]) -> Any:
        headers = {"host": "hub.test"}
        if call.caller < CALLERS:
            headers["authorization"] = f"Bearer {self._tokens[call.caller]}"
        if call.key is not None:
            headers["idempotency-key"] = call.key
        body = call.body if isinstance(call.body, bytes) else msgspec.json.encode(self._filled(call.body))
        request = httpx.Request(
            call.method,
            self._hub.url + quote(self._filled(call.path), safe="/"),
            params=params,
            content=None if call.body is None else body,
            headers=headers,
        )
        answer = self._hub.handle_request(request)
        content: Any = msgspec.json.decode(answer.content) if answer.content else None
        if call.path.startswith("/search") and answer.is_success:
            content = [each for each in content["items"][:1] if _name_of(each) == params["q"].lower()]
        self._learn(call, content)
        kept = {name: value for name, value in answer.headers.items() if name not in _SKIPPED_HEADERS}
        return self._alike([answer.status_code, kept, content])

    def _learn(self, call: Call, content: Any) -> None:
        if not isinstance(content, dict):
            return
        if "items" in content:
            self._pages.append((call, content["previous_cursor"], content["next_cursor"]))
        if call.path == "/user" and "username" in content:
            self._names[call.caller] = content["username"]
        if "id" in content:
            kind = "v" if "schemas" in content else "p" if "status" in content else "m"
            known = self._ids[kind]
            if content["id"] not in known:
                known.append(content["id"])
                if kind == "v" and content["release_notes"] != "Not pushed.":
                    self._do(lambda transaction: self._push(transaction, content["id"]))

    def _filled(self, value: Any) -> Any:
        """Put names and ids in their places."""
        match value:
            case str():
                return _PLACE.sub(self._placed, value)
            case dict():
                return {key: self._filled(each) for key, each in value.items()}
        return value

    def _placed(self, place: re.Match[str]) -> str:
        kind, number = place[1], int(place[2])
        known = self._names if kind == "u" else self._ids[kind]
        return known[number % len(known)] if known else "00000000-0000-7000-8000-000000000000"

    def _alike(self, value: Any) -> Any:
        match value:
            case str():
                text = _ID.sub(lambda match: self._numbered("id", match[0]), value)
                text = _CURSOR.sub("cursor=…", text)
                return _TIME.sub(lambda match: self._numbered("time", match[0]), text)
            case dict():
                return {
                    key: each is not None if key.endswith("_cursor") else self._alike(each)
                    for key, each in value.items()
                }
            case list() | tuple():
                return [self._alike(each) for each in value]
        return value

    def _numbered(self, kind: str, text: str) -> str:
        return self._seen.setdefault(text, f"{kind}-{len(self._seen)}")

    def _do(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        async def whole() -> T:
            async with self._database.writing() as transaction:
                return await work(transaction)

        return self._runner.run(whole())

    def _add_user(self, name: str) -> str:
        return self._do(lambda transaction: users.create(transaction, username=name)).text

    async def _push(self, transaction: Transaction, version_id: str) -> None:
        """Let the model of a version hold its image."""
        version = await worker_store.version(transaction, version_id)
        assert version is not None
        model_id, digest = version.model_id, version.digest
        await images.announce(transaction, digest=digest, size=1)
        await images.add_manifest(transaction, model_id=model_id, digest=digest, media_type="", subject=None)
        await images.add_named(transaction, model_id=model_id, manifest=digest, digests=())

    async def _work(self, transaction: Transaction, work: Work) -> Any:
        if work.step == "expire":
            return sorted(map(self._alike, await queue.expire(transaction, now=SOON)))
        if work.step.startswith("claim"):
            lease = LONG_AGO if work.step == "claim and disappear" else LATER
            return await self._claim(transaction, lease)
        if not self._claims:
            return None
        claim = self._claims[work.run % len(self._claims)]
        match work.step:
            case "say":
                events = [Event("setup_log", "s"), Event("log", "\N{SNOWMAN} l"), Event("output", '"o"')]
                return await queue.add_events(transaction, claim, events)
            case "release":
                return await queue.release(transaction, claim)
            case "fail":
                error = {"source": "external", "message": "It broke.", "detail": {"a": [1, None]}}
                return await queue.finish(transaction, claim, Outcome(Status.failed, None, error))  # type: ignore[arg-type]  # a TypedDict
        return await queue.finish(transaction, claim, Outcome(Status.succeeded, '["o"]', None, 1.25, 0.5))

    async def _claim(self, transaction: Transaction, lease_until: str) -> Any:
        taken = []
        for hardware_id in (await worker_store.hardware_ids(transaction)).values():
            for version_id, since in await queue.waiting(transaction, hardware_id=hardware_id):
                taken += await queue.claim(
                    transaction,
                    worker="w",
                    hardware_id=hardware_id,
                    version_id=version_id,
                    lease_until=lease_until,
                    limit=2,
                )
                self._alike(since)
        self._claims += taken
        return [list(claim) for claim in taken]


def _name_of(found: dict[str, Any]) -> str:
    """Give the name that finds a model or a user at once."""
    name: str = found["username"] if "username" in found else f"{found['owner']['username']}/{found['name']}"
    return name.lower()
