"""Kill anything, at any time: nothing that was accepted is lost, done twice, or changed after its end.

People create, follow and cancel predictions of a model, and receive its webhooks. Meanwhile processes of the API,
workers, runtimes of models and what people do are killed by chance, and start anew; a worker may also pause until
others take it for dead. At the end everything that anyone saw has to fit together (`history.py`).

`KILL_SECONDS` says how long that goes on, and `KILL_SEEDS` how often, each time with another seed; `make
test-kill` takes its time.
"""

import asyncio
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.server.receiver import Receiver, Visit, status, take
from tests.system.crowd import MODEL, Person, write_project
from tests.system.folders import add_user, assert_sound, database
from tests.system.history import Change, Final, History, faults, read, unfinished
from tests.system.processes import Place, descendants, end, free_port, is_alive
from wriftai import Client
from wriftai_server.database.values import now

SECONDS = float(os.environ.get("KILL_SECONDS", "12"))
SEEDS = range(int(os.environ.get("KILL_SEEDS", "1")))
APIS, WORKERS, PEOPLE = 2, 2, 8
LEASE_SECONDS = 2
REST_SECONDS = 600


class Hub:
    """A hub whose parts are processes of their own.

    Args:
        folder: For the data, and for what the processes log.
    """

    def __init__(self, folder: Path) -> None:
        self.data_dir = folder / "data"
        self.token = add_user(self.data_dir, "ada")
        common = ("--data-dir", str(self.data_dir), "--webhook-allow", "127.0.0.0/8")
        ports = [free_port() for _ in range(APIS)]
        self.urls = [f"http://127.0.0.1:{port}/v1" for port in ports]
        self.apis = [
            Place(folder / f"api-{port}.log", "serve", "--no-worker", "--port", str(port), *common)
            for port in ports
        ]
        self.workers = [
            Place(folder / f"worker-{number}.log", "worker", "--lease-seconds", str(LEASE_SECONDS), *common)
            for number in range(WORKERS)
        ]
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
        with database(self.data_dir) as connection:
            connection.execute("UPDATE webhook_deliveries SET next_at = ?", (now(),))
        for worker in self.workers:
            worker.start()

    def stop(self) -> None:
        """End all processes in good order; those of models have to end with them."""
        runtimes = self.runtimes
        for place in (*self.workers, *self.apis):
            place.stop()
        assert not [pid for pid in runtimes if is_alive(pid)]

    def bugs(self) -> list[str]:
        """Find what the processes logged as their own fault."""
        lines = [line for place in (*self.workers, *self.apis) for line in place.log.read_text().splitlines()]
        return [line for line in lines if "Traceback" in line or '"exception"' in line]

    def kill(self) -> None:
        """End all processes."""
        for place in (*self.workers, *self.apis):
            place.kill()

    def final(self) -> Final:
        """Read what is in the database."""
        with database(self.data_dir) as connection:
            return read(connection)


class World:
    """A hub, its people and their receiver, and what befalls them.

    Args:
        hub: Runs.
        chance: Decides what happens.
    """

    def __init__(self, hub: Hub, chance: random.Random) -> None:
        self.history = History()
        self.blows: Counter[str] = Counter()
        self._hub = hub
        self._chance = chance
        self._receiver = Receiver(self._receive)
        self._is_at_rest = False
        self._lives: list[asyncio.Task[None]] = []

    async def turn(self) -> None:
        """Let everything be killed for a while, and then let the hub come to rest."""
        async with self._receiver.listening():
            self._lives = [asyncio.create_task(self._live()) for _ in range(PEOPLE)]
            await self._strike()
            for life in self._lives:
                await _end(life)
            await self._rest()

    @asynccontextmanager
    async def _person(self) -> AsyncIterator[Person]:
        chance = random.Random(self._chance.random())
        person = Person(self._hub.urls, self._hub.token, self._receiver.url, self.history, chance)
        try:
            yield person
        finally:
            await person.close()

    async def _live(self) -> None:
        async with self._person() as person:
            await person.live()

    async def _receive(self, visit: Visit) -> None:
        if not self._is_at_rest and self._chance.random() < 0.1:
            await status(500)(visit)
            return
        self.history.received.append(Change(visit.id, visit.json["id"], visit.json["status"]))
        await take(visit)

    async def _strike(self) -> None:
        blows = (
            self._kill_api,
            self._kill_worker,
            self._kill_runtime,
            self._kill_person,
            *[self._pause_worker] * 2,
        )
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            await asyncio.sleep(self._chance.uniform(0.1, 1))
            blow = self._chance.choice(blows)
            self.blows[blow.__name__] += await blow()

    async def _kill_api(self) -> bool:
        return self._chance.choice(self._hub.apis).restart()

    async def _kill_worker(self) -> bool:
        return self._chance.choice(self._hub.workers).restart()

    async def _pause_worker(self) -> bool:
        worker = self._chance.choice(self._hub.workers)
        asyncio.get_running_loop().call_later(self._chance.uniform(1, 3) * LEASE_SECONDS, worker.go_on)
        return worker.pause()

    async def _kill_runtime(self) -> bool:
        runtimes = self._hub.runtimes
        if runtimes:
            end(self._chance.choice(runtimes))
        return bool(runtimes)

    async def _kill_person(self) -> bool:
        number = self._chance.randrange(PEOPLE)
        await _end(self._lives[number])
        self._lives[number] = asyncio.create_task(self._live())
        return True

    async def _rest(self) -> None:
        self._is_at_rest = True
        self._hub.restart_workers()
        self._hub.wait()
        for _ in range(REST_SECONDS * 2):
            final = self._hub.final()
            if not unfinished(final) and not final.unsent:
                break
            await asyncio.sleep(0.5)
        async with self._person() as person:
            for accepted in self.history.accepted:
                await person.look(accepted.prediction_id)


async def _end(life: asyncio.Task[None]) -> None:
    """Cancel what someone does, which must not have failed before."""
    life.cancel()
    await asyncio.wait([life])
    assert life.cancelled(), life


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_is_killed_nothing_is_lost(tmp_path: Path, seed: int) -> None:
    hub = Hub(tmp_path)
    try:
        hub.push(tmp_path / "project")
        world = World(hub, random.Random(seed))
        asyncio.run(world.turn())
        final = hub.final()
        hub.stop()
    finally:
        hub.kill()
    assert faults(world.history, final) == []
    assert (unfinished(final), final.unsent) == ([], [])
    assert_sound(hub.data_dir)
    assert hub.bugs() == []
    ended = Counter(stored.status for stored in final.predictions.values())
    print(f"seed {seed}: {dict(world.blows)}; {dict(ended)}")  # noqa: T201  it tells what the test was worth
    assert ended["succeeded"] > 0
