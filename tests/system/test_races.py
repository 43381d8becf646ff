"""Requests that get in each other's way: two hubs on one folder, so that their transactions truly run at once."""

import asyncio
import itertools
import json
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.databases import address_of, open_in
from tests.hubs import COMMAND, Hub, running
from tests.images import MANIFEST_TYPE, Image, digest_of, layer
from tests.server.runs import hold_image
from tests.system.conftest import KINDS, kept_on
from tests.system.folders import (
    add_user,
    assert_sound,
    bearer,
    database,
    database_options,
    failures_logged,
    model_names,
)
from tests.system.payloads import VERSION, model
from wriftai.predictions import Status
from wriftai_server.database.driver import Database
from wriftai_server.predictions import queue
from wriftai_server.predictions.claims import Outcome

ROUNDS = 12

_numbers = itertools.count()


class Pair:
    """Two hubs on one folder, and someone who signs in to both.

    Args:
        first: A hub.
        second: Another one.
    """

    def __init__(self, first: Hub, second: Hub) -> None:
        self.hubs = (first, second)
        self.data_dir = first.data_dir
        self.token = add_user(first.data_dir, "ada")

    @asynccontextmanager
    async def signed(self, *, token: str | None = None) -> AsyncIterator[list[httpx.AsyncClient]]:
        """Give a client for each hub."""
        async with AsyncExitStack() as stack:
            yield [
                await stack.enter_async_context(
                    httpx.AsyncClient(base_url=hub.url, headers=bearer(token or self.token), timeout=60)
                )
                for hub in self.hubs
            ]

    def run(self, work: Callable[[httpx.AsyncClient, httpx.AsyncClient], Awaitable[None]]) -> None:
        """Do some work with the two clients."""

        async def whole() -> None:
            async with self.signed() as clients:
                await work(*clients)

        asyncio.run(whole())


@pytest.fixture(scope="module", params=KINDS)
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with kept_on(request, request.param, tmp_path_factory.mktemp("pair") / "data") as data_dir:
        same = ("--public-url", "http://hub.example", "--no-worker", *database_options(data_dir))
        with running(data_dir, *same) as first, running(data_dir, *same) as second:
            yield Pair(first, second)
            assert failures_logged(first) == []  # Both write to the same log.
            if request.param == "sqlite":
                assert_sound(data_dir)


def new_name() -> str:
    return f"model-{next(_numbers)}"


def statuses(*answers: httpx.Response) -> list[int]:
    return sorted(answer.status_code for answer in answers)


def test_of_creates_of_one_name_exactly_one_succeeds(pair: Pair) -> None:
    async def work(first: httpx.AsyncClient, second: httpx.AsyncClient) -> None:
        for _ in range(ROUNDS):
            name = new_name()
            spellings = (name, name.upper(), name, name.title())
            answers = await asyncio.gather(
                *(http.post("/models", json=model(each)) for http in (first, second) for each in spellings)
            )

            assert statuses(*answers) == [201] + [409] * 7
            created = next(answer.json() for answer in answers if answer.status_code == 201)
            assert (await first.get(f"/models/ada/{name}")).json() == created

    pair.run(work)


def test_of_renames_to_one_name_exactly_one_succeeds(pair: Pair) -> None:
    async def work(first: httpx.AsyncClient, second: httpx.AsyncClient) -> None:
        for _ in range(ROUNDS):
            old = [(await first.post("/models", json=model(new_name()))).json() for _ in range(2)]
            wanted = new_name()
            answers = await asyncio.gather(
                first.patch(f"/models/ada/{old[0]['name']}", json={"name": wanted, "description": "First."}),
                second.patch(f"/models/ada/{old[1]['name']}", json={"name": wanted, "description": "Second."}),
            )

            assert statuses(*answers) == [200, 409]
            winner, loser = old if answers[0].status_code == 200 else old[::-1]
            assert (await first.get(f"/models/ada/{wanted}")).json()["id"] == winner["id"]
            assert (await first.get(f"/models/ada/{loser['name']}")).json() == loser

    pair.run(work)


def test_of_users_who_take_one_name_exactly_one_succeeds(pair: Pair) -> None:
    tokens = [add_user(pair.data_dir, name) for name in ("bob", "carol")]

    async def work() -> None:
        async with pair.signed(token=tokens[0]) as bob, pair.signed(token=tokens[1]) as carol:
            for number in range(ROUNDS):
                wanted = {"username": f"winner-{number}"}
                answers = await asyncio.gather(
                    bob[0].patch("/user", json=wanted), carol[1].patch("/user", json=wanted)
                )

                assert statuses(*answers) == [200, 409]

    asyncio.run(work())


def test_what_is_deleted_stays_deleted_whatever_else_is_under_way(pair: Pair) -> None:
    async def work(first: httpx.AsyncClient, second: httpx.AsyncClient) -> None:
        for _ in range(ROUNDS):
            path = f"/models/ada/{new_name()}"
            await first.post("/models", json=model(path.rpartition("/")[2]))
            patched, _, version, *deleted = await asyncio.gather(
                first.patch(path, json={"description": "Changed."}),
                first.get(path),
                second.post(f"{path}/versions", json=VERSION),
                second.delete(path),
                first.delete(path),
            )

            assert statuses(*deleted) == [200, 404]
            assert patched.status_code in (200, 404)
            assert version.status_code in (201, 404)
            assert (await first.get(path)).status_code == 404

    pair.run(work)


def test_of_versions_removed_at_once_the_newest_that_is_left_is_the_latest(pair: Pair) -> None:
    async def work(first: httpx.AsyncClient, second: httpx.AsyncClient) -> None:
        for _ in range(ROUNDS):
            path = f"/models/ada/{new_name()}"
            await first.post("/models", json=model(path.rpartition("/")[2]))
            made = [(await first.post(f"{path}/versions", json=VERSION)).json() for _ in range(3)]
            removed = await asyncio.gather(
                first.delete(f"/versions/{made[2]['id']}"),
                second.delete(f"/versions/{made[1]['id']}"),
                second.delete(f"{path}/versions/3"),
            )

            assert removed[1].status_code == 200
            assert statuses(removed[0], removed[2]) == [200, 404]
            assert (await first.get(path)).json()["latest_version"] == made[0]

    pair.run(work)


def test_whatever_a_model_holds_may_come_while_it_goes(pair: Pair) -> None:
    async def work(first: httpx.AsyncClient, second: httpx.AsyncClient) -> None:
        for number in range(ROUNDS):
            name = new_name()
            made = (await first.post("/models", json=model(name))).json()
            version = (await first.post(f"/models/ada/{name}/versions", json=VERSION)).json()
            hold_image(pair.data_dir, made["id"], version["container_image_digest"])
            uploads = f"{first.base_url.copy_with(path='/v2/')}ada/{name}/blobs/uploads/"
            blob = f"{number}".encode()
            *came, unversioned, removed, seen = await asyncio.gather(
                first.post(uploads),
                second.post(uploads, params={"digest": digest_of(blob)}, content=blob),
                first.post(f"/models/ada/{name}/predictions", json={"input": "text"}),
                first.delete(f"/versions/{version['id']}"),
                second.delete(f"/models/ada/{name}"),
                second.get(f"/models/ada/{name}"),
            )

            assert all(answer.status_code in (201, 202, 404, 409) for answer in came), came
            assert removed.status_code == 200
            assert {unversioned.status_code, seen.status_code} <= {200, 404}

    pair.run(work)


def test_images_that_share_layers_can_be_pushed_at_once(pair: Pair) -> None:
    image = Image(*(layer(**{f"f{number}": b"1"}) for number in range(5)))

    async def push(http: httpx.AsyncClient, name: str) -> list[int]:
        repository = f"{http.base_url.copy_with(path='/v2/')}ada/{name}"
        blobs = await asyncio.gather(
            *(
                http.post(f"{repository}/blobs/uploads/", params={"digest": digest_of(blob)}, content=blob)
                for blob in image.blobs
            )
        )
        manifest = await http.put(
            f"{repository}/manifests/latest",
            content=image.manifest,
            headers={"Content-Type": MANIFEST_TYPE},
        )
        return statuses(*blobs, manifest)

    async def work(first: httpx.AsyncClient, second: httpx.AsyncClient) -> None:
        for _ in range(5):
            names = [new_name() for _ in range(4)]
            for name in names:
                await first.post("/models", json=model(name))
            pushed = await asyncio.gather(*(push(http, name) for http in (first, second) for name in names))
            assert {status for each in pushed for status in each} == {201}

    pair.run(work)


def test_what_is_cancelled_and_answered_so_is_cancelled(pair: Pair) -> None:
    """A worker takes and ends predictions while their creator cancels them."""

    async def work(first: httpx.AsyncClient, second: httpx.AsyncClient) -> None:
        name = new_name()
        made = (await first.post("/models", json=model(name))).json()
        version = (await first.post(f"/models/ada/{name}/versions", json=VERSION)).json()
        hold_image(pair.data_dir, made["id"], version["container_image_digest"])
        database = open_in(pair.data_dir)
        for _ in range(ROUNDS):
            body = {"input": "text"}
            prediction = (await first.post(f"/models/ada/{name}/predictions", json=body)).json()
            answer, _ = await asyncio.gather(
                second.post(f"/predictions/{prediction['id']}/cancel"), run_once(database, prediction)
            )
            status = (await first.get(f"/predictions/{prediction['id']}")).json()["status"]

            assert (answer.status_code, status) in {(200, "cancelled"), (409, "succeeded")}
        await database.close()

    pair.run(work)


async def run_once(database: Database, prediction: Any) -> None:
    """Do what a worker does with a prediction, if it is still there to be done."""
    place = {"hardware_id": prediction["hardware_id"], "version_id": prediction["version_id"]}
    async with database.writing() as transaction:
        claims = await queue.claim(transaction, worker="w", lease_until="9999", **place)
    for claim in claims:
        async with database.writing() as transaction:
            (held,) = await queue.renew(transaction, worker="w", lease_until="9999")
            is_to_stop = held.id in await queue.to_cancel(transaction, worker="w")
            status = Status.cancelled if is_to_stop else Status.succeeded
            await queue.finish(transaction, claim, Outcome(status, "1"))


def test_versions_made_at_once_are_numbered_without_gaps(pair: Pair) -> None:
    async def work(first: httpx.AsyncClient, second: httpx.AsyncClient) -> None:
        path = f"/models/ada/{new_name()}"
        await first.post("/models", json=model(path.rpartition("/")[2]))
        made = await asyncio.gather(
            *(http.post(f"{path}/versions", json=VERSION) for http in (first, second) for _ in range(ROUNDS))
        )

        assert sorted(answer.json()["number"] for answer in made) == list(range(1, 2 * ROUNDS + 1))
        latest = next(answer.json() for answer in made if answer.json()["number"] == 2 * ROUNDS)
        assert (await first.get(path)).json()["latest_version"] == latest

    pair.run(work)


def test_one_idempotency_key_does_its_work_once_however_often_it_is_sent_at_once(pair: Pair) -> None:
    async def work(first: httpx.AsyncClient, second: httpx.AsyncClient) -> None:
        for _ in range(ROUNDS):
            name = new_name()
            key = {"Idempotency-Key": f"key of {name}"}
            answers = await asyncio.gather(
                *(http.post("/models", json=model(name), headers=key) for http in (first, second) * 3)
            )

            assert statuses(*answers) == [201] * 6
            assert len({answer.json()["id"] for answer in answers}) == 1

    pair.run(work)


def test_predictions_made_at_once_are_one_a_key_and_all_counted(pair: Pair) -> None:
    async def work(first: httpx.AsyncClient, second: httpx.AsyncClient) -> None:
        path = f"/models/ada/{new_name()}"
        made = (await first.post("/models", json=model(path.rpartition("/")[2]))).json()
        version = (await first.post(f"{path}/versions", json=VERSION)).json()
        hold_image(pair.data_dir, made["id"], version["container_image_digest"])
        answers = await asyncio.gather(
            *(
                http.post(
                    f"{path}/predictions", json={"input": "text"}, headers={"Idempotency-Key": f"{path} {n}"}
                )
                for n in range(ROUNDS)
                for http in (first, second) * 2
            )
        )

        assert statuses(*answers) == [202] * 4 * ROUNDS
        ids = [answer.json()["id"] for answer in answers]
        assert all(len(set(ids[n : n + 4])) == 1 for n in range(0, len(ids), 4))
        assert len(set(ids)) == ROUNDS
        assert (await first.get(path)).json()["predictions_count"] == ROUNDS

    pair.run(work)


def test_models_can_be_created_while_their_owner_is_renamed(pair: Pair) -> None:
    token = add_user(pair.data_dir, "unsteady")

    async def work() -> None:
        async with pair.signed(token=token) as (first, second):
            for number in range(ROUNDS):
                answers = await asyncio.gather(
                    second.patch("/user", json={"username": f"steady-{number}"}),
                    *(first.post("/models", json=model(new_name())) for _ in range(4)),
                    first.patch("/user", json={"username": f"unsteady-{number}"}),
                )

                assert statuses(*answers) == [200, 200, 201, 201, 201, 201]

    asyncio.run(work())


def test_reads_go_on_while_writes_wait_for_another_process(pair: Pair) -> None:
    if address_of(pair.data_dir) is not None:
        return  # There writers wait for each other only where they change the same.

    async def work(first: httpx.AsyncClient, second: httpx.AsyncClient) -> None:
        with database(pair.data_dir) as other:
            other.execute("BEGIN IMMEDIATE")
            waiting = [
                asyncio.create_task(http.post("/models", json=model(new_name()))) for http in (first, second)
            ]
            for _ in range(ROUNDS):
                for path in ("/models", "/models/ada", "/search/models?q=model"):
                    assert (await first.get(path)).status_code == 200
            assert not any(task.done() for task in waiting)
            other.execute("COMMIT")
        assert statuses(*await asyncio.gather(*waiting)) == [201, 201]

    pair.run(work)


def test_nothing_is_lost_of_many_writers_and_an_import(pair: Pair, tmp_path: Path) -> None:
    imported = [f"imported-{number}" for number in range(2000)]
    lines = tmp_path / "models.jsonl"
    lines.write_text("".join(f"{json.dumps(model(name))}\n" for name in imported))
    add_user(pair.data_dir, "importer")
    command = [*COMMAND, "import", str(lines), "--owner", "importer", "--data-dir", str(pair.data_dir)]
    command += database_options(pair.data_dir)
    created: list[str] = []

    async def write(http: httpx.AsyncClient, importing: Process) -> None:
        while importing.returncode is None:
            name = new_name()
            answer = await http.post("/models", json=model(name))
            assert answer.status_code == 201
            created.append(name)
            await asyncio.sleep(0.005)  # Leaves the import a processor to run on.

    async def work(first: httpx.AsyncClient, second: httpx.AsyncClient) -> None:
        importing = await asyncio.create_subprocess_exec(*command, stderr=DEVNULL)
        writers = (write(http, importing) for http in (first, second) for _ in range(4))
        status, *_ = await asyncio.gather(importing.wait(), *writers)
        assert status == 0

    pair.run(work)

    stored = model_names(pair.data_dir)
    assert len(stored) == len(set(stored))
    assert set(created) | set(imported) <= set(stored)
