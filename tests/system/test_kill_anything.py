"""Kill anything, at any time: nothing that was accepted is lost, done twice, or changed after its end.

People create, follow and cancel predictions of a model with the client (`person.py`), and get its webhooks.
Meanwhile processes of people, of the API, of workers and of models are killed by chance, and start anew; a worker
may also pause until others take it for dead. At the end everything that anyone saw has to fit together
(`faults.py`).

`KILL_SECONDS` says how long that goes on, and `KILL_SEEDS` how often, each time with another seed; `make
test-kill` takes its time.
"""

import asyncio
import os
import random
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from tests.databases import address_of, run_sql
from tests.hubs import COMMAND
from tests.server.receiver import Receiver, Visit, status, take
from tests.system.chance import MODEL, write_project
from tests.system.conftest import KINDS, kept_on
from tests.system.faults import Final, faults, read, unfinished
from tests.system.folders import add_user, assert_sound, database_options
from tests.system.history import Accepted, Change, Diary, History, Said, Seen, Sent
from tests.system.person import Person
from tests.system.processes import Place, descendants, end, free_port, is_alive
from wriftai import Client
from wriftai_server.database.values import now

SECONDS = float(os.environ.get("KILL_SECONDS", "8"))
SEEDS = range(int(os.environ.get("KILL_SEEDS", "1")))
APIS, WORKERS, PEOPLE = 2, 2, 6
LEASE_SECONDS = 2
REST_SECONDS = 600


class Hub:
    """A hub whose parts are processes of their own.

    Args:
        folder: For what the processes log.
        data_dir: For the data, on the database that it has.
    """

    def __init__(self, folder: Path, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.token = add_user(data_dir, "ada")
        common = ("--data-dir", str(data_dir), "--webhook-allow", "127.0.0.0/8", *database_options(data_dir))
        ports = [free_port() for _ in range(APIS)]
        self.urls = [f"http://127.0.0.1:{port}/v1" for port in ports]
        self.apis = [
            Place(folder / f"api-{port}.log", *COMMAND, "serve", "--no-worker", "--port", str(port), *common)
            for port in ports
        ]
        working = ("worker", "--lease-seconds", str(LEASE_SECONDS), *common)
        self.workers = [Place(folder / f"worker-{number}.log", *COMMAND, *working) for number in range(WORKERS)]
        self.wait()

    def wait(self) -> None:
        """Wait until all processes are ready."""
        for place in (*self.apis, *self.workers):
            place.wait()

    @property
    def runtimes(self) -> list[int]:
        """Processes of models, and of what is around them."""
        return [pid for worker in self.workers for pid in descendants(worker.process.pid)]

    def push(self, folder: Path) -> None:
        """Push the model, and run it once, so that its environment is there."""
        write_project(folder)
        variables = {"WRIFTAI_API_BASE_URL": self.urls[0], "WRIFTAI_ACCESS_TOKEN": self.token}
        command = [str(Path(sys.executable).with_name("wriftai")), "push", str(folder)]
        subprocess.run(command, check=True, timeout=120, env={**os.environ, **variables})
        with Client(self.urls[0], self.token) as client:
            client.predictions.create({"input": {"key": "first"}}, model=MODEL, wait=True)

    def restart_workers(self) -> None:
        """Start all workers anew; what the last ones had claimed of the outbox is due at once."""
        for worker in self.workers:
            worker.kill()
        run_sql(self.data_dir, "UPDATE webhook_deliveries SET next_at = ?", now())
        for worker in self.workers:
            worker.start()

    def stop(self) -> None:
        """End all processes in good order; those of models have to end with them."""
        runtimes = self.runtimes
        for place in (*self.workers, *self.apis):
            place.stop()
        assert not [pid for pid in runtimes if is_alive(pid)]

    def kill(self) -> None:
        """End all processes."""
        for place in (*self.workers, *self.apis):
            place.kill()

    def final(self) -> Final:
        """Read what is in the database."""
        last = None
        if address_of(self.data_dir) is None:
            rows = run_sql(self.data_dir, "SELECT seq FROM sqlite_sequence WHERE name = 'webhook_deliveries'")
            last = rows[0][0] if rows else 0
        return read(partial(run_sql, self.data_dir), last_change=last)


class World:
    """A hub, its people and their receiver, and what befalls them.

    Args:
        hub: Runs.
        folder: For the diaries of people, and for what they log.
        seed: Decides what happens.

    Attributes:
        history: What was seen.
        counts: What there was, before all came to rest.
    """

    def __init__(self, hub: Hub, folder: Path, seed: int) -> None:
        self.history = History()
        self.counts: Counter[str] = Counter()
        self._hub = hub
        self._seed = seed
        self._chance = random.Random(seed)
        self._receiver = Receiver(self._receive)
        self._is_at_rest = False
        self._diaries = [folder / f"person-{number}.diary" for number in range(PEOPLE)]
        self._people: list[Place] = []

    async def turn(self) -> None:
        """Let everything be killed for a while, and then let the hub come to rest."""
        async with self._receiver.listening():
            try:
                self._people = [self._person(diary) for diary in self._diaries]
                await self._strike()
            finally:
                for person in self._people:
                    person.kill()
            for path in self._diaries:
                with closing(Diary(path)) as diary:
                    self.history.facts += diary.facts
            self.counts.update(_counted(self.history))
            await self._rest()

    def _person(self, diary: Path) -> Place:
        arguments = (str(diary), str(self._seed), self._receiver.url, self._hub.token, *self._hub.urls)
        return Place(diary.with_suffix(".log"), sys.executable, "-m", "tests.system.person", *arguments)

    async def _receive(self, visit: Visit) -> None:
        if not self._is_at_rest and self._chance.random() < 0.1:
            await status(500)(visit)
            return
        self.history.note(Change(visit.id, visit.json["id"], visit.json["status"]))
        await take(visit)

    async def _strike(self) -> None:
        blows = (
            self._kill_api,
            self._kill_worker,
            self._pause_worker,
            *[self._kill_runtime] * 2,
            *[self._kill_person] * 3,
        )
        due: list[Callable[[], bool]] = []
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            await asyncio.sleep(self._chance.uniform(0.1, 1.5))
            due = due or self._chance.sample(blows, len(blows))  # So that none is left out for long.
            blow = due.pop()
            self.counts[blow.__name__] += blow()

    def _kill_api(self) -> bool:
        return self._chance.choice(self._hub.apis).restart()

    def _kill_worker(self) -> bool:
        return self._chance.choice(self._hub.workers).restart()

    def _pause_worker(self) -> bool:
        worker = self._chance.choice(self._hub.workers)
        asyncio.get_running_loop().call_later(self._chance.uniform(1, 3) * LEASE_SECONDS, worker.go_on)
        return worker.pause()

    def _kill_runtime(self) -> bool:
        runtimes = self._hub.runtimes
        if runtimes:
            end(self._chance.choice(runtimes))
        return bool(runtimes)

    def _kill_person(self) -> bool:
        return self._chance.choice(self._people).restart()

    async def _rest(self) -> None:
        """Send all that was sent once more, wait until all has ended, and look at it."""
        self._is_at_rest = True
        self._hub.restart_workers()
        self._hub.wait()
        person = Person(self.history, self._hub.urls, self._hub.token, self._receiver.url, self._chance)
        for sent in {sent.key: sent for sent in self.history.of(Sent)}.values():
            await person.repeat(sent)
        for _ in range(REST_SECONDS * 2):
            final = self._hub.final()
            if not unfinished(final) and not final.unsent:
                break
            await asyncio.sleep(0.5)
        for prediction_id in {accepted.prediction_id for accepted in self.history.of(Accepted)}:
            await person.look(prediction_id)
        await person.close()


def _counted(history: History) -> Counter[str]:
    """Count what people did, and how many requests they, or who took their place, had to send again."""
    senders = defaultdict[str, list[int]](list)
    for sent in history.of(Sent):
        senders[sent.key].append(sent.sender)
    return Counter(
        sent=len(senders),
        again_by_sender=sum(Counter(each)[each[0]] > 1 for each in senders.values()),
        again_by_successor=sum(len(set(each)) > 1 for each in senders.values()),
        answered=len({accepted.key for accepted in history.of(Accepted)}),
        looked=len(history.of(Seen)),
        heard=len(history.of(Said)),
        received=len(history.of(Change)),
    )


def _bugs(folder: Path) -> list[str]:
    """Find what processes logged as their own fault."""
    lines = [line for log in folder.glob("*.log") for line in log.read_text().splitlines()]
    return [line for line in lines if "Traceback" in line or '"exception"' in line]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("kind", KINDS)
def test_whatever_is_killed_nothing_is_lost(
    request: pytest.FixtureRequest, tmp_path: Path, kind: str, seed: int
) -> None:
    with kept_on(request, kind, tmp_path / "data") as data_dir:
        hub = Hub(tmp_path, data_dir)
        try:
            hub.push(tmp_path / "project")
            world = World(hub, tmp_path, seed)
            asyncio.run(world.turn())
            final = hub.final()
            hub.stop()
        finally:
            hub.kill()
    assert faults(world.history, final) == []
    assert (unfinished(final), final.unsent) == ([], [])
    if kind == "sqlite":
        assert_sound(hub.data_dir)
    assert _bugs(tmp_path) == []
    of_people = [stored for stored in final.predictions.values() if stored.has_webhook]
    ended = Counter(stored.status for stored in of_people)
    ended["run_again"] = sum(stored.attempt > 1 for stored in of_people)
    told = ", ".join(f"{name.strip('_')} {number}" for name, number in {**world.counts, **ended}.items())
    print(f"{kind}, seed {seed}: {told}")  # noqa: T201  it tells what the test was worth
    assert ended["succeeded"] > 0
