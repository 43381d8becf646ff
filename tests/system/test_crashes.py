"""Crashes: whatever is killed, and whenever, what was answered is stored and the rest can be done again."""

import asyncio
import contextlib
import json
import random
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import httpx
from typer.testing import CliRunner

from tests.hubs import COMMAND, Hub, running
from tests.system.folders import add_user, assert_sound, model_names
from tests.system.payloads import model
from wriftai import Client
from wriftai_server.cli import app

LINES = 6_000
CREATES = 400
KILLS = 2


@contextmanager
def importing(lines: bytes, owner: str, data_dir: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run the import command beside whatever else goes on; it waits for more lines until it is killed."""
    command = [*COMMAND, "import", "-", "--owner", owner, "--data-dir", str(data_dir)]
    with subprocess.Popen(command, bufsize=0, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdin is not None
        giving = threading.Thread(target=_give, args=(process.stdin, lines))
        giving.start()
        try:
            yield process
        finally:
            process.kill()
            giving.join()


def _give(file: IO[bytes], lines: bytes) -> None:
    with contextlib.suppress(BrokenPipeError):  # Whoever was killed takes no more.
        file.write(lines)


def wait_for_models(data_dir: Path, count: int) -> None:
    """Wait until so many models are stored."""
    for _ in range(6000):
        if len(model_names(data_dir)) >= count:
            return
        time.sleep(0.01)
    raise TimeoutError(f"There are only {len(model_names(data_dir))} models after a minute.")


def test_an_import_goes_on_after_it_or_the_hub_was_killed(tmp_path: Path) -> None:
    chance = random.Random(0)
    names = [f"model-{number}" for number in range(LINES)]
    lines = tmp_path / "models.jsonl"
    lines.write_text("".join(f"{json.dumps(model(name, visibility='public'))}\n" for name in names))
    data_dir = tmp_path / "data"
    add_user(data_dir, "ada")
    first, second = sorted(chance.sample(range(1, LINES // 2), 2))

    with running(data_dir) as hub, importing(lines.read_bytes(), "ada", data_dir) as process:
        wait_for_models(data_dir, first)
        hub.kill()
        wait_for_models(data_dir, second)
        time.sleep(chance.uniform(0, 0.02))
        process.kill()
        assert process.wait() == -signal.SIGKILL

    assert_sound(data_dir)
    stored = model_names(data_dir)
    assert second <= len(stored) < LINES
    assert stored == names[: len(stored)]

    again = CliRunner().invoke(app, ["import", str(lines), "--owner", "ada", "--data-dir", str(data_dir)])
    assert again.exit_code == 0
    assert f"{LINES - len(stored):,} created, {len(stored):,} there already, 0 bad lines." in again.output
    assert model_names(data_dir) == names
    assert_sound(data_dir)


class Creates:
    """A thousand creates, each with an idempotency key of its own, sent until all are answered.

    They are in flight 50 at a time: httpx looks through all that wait for a connection with each request.
    """

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {}

    def send(self, hub: Hub, token: str, *, kill_after: int | None) -> None:
        """Send at once all that are not answered yet; without a kill send all of them.

        Args:
            hub: Takes them.
            token: Of who creates.
            kill_after: How many more answers the hub lives for; None for ever.
        """
        names = [f"model-{number}" for number in range(CREATES)]
        missing = [name for name in names if name not in self.answers or kill_after is None]
        left = kill_after

        async def create(client: Client, name: str, places: asyncio.Semaphore) -> None:
            nonlocal left
            key = {"Idempotency-Key": f"key of {name}"}
            try:
                async with places:
                    answer = await client.api.async_request("POST", "/models", model(name), key)
            except httpx.TransportError:
                assert left is not None
                return
            assert self.answers.setdefault(name, answer) == answer
            if left is not None:
                left -= 1
                if left == 0:
                    hub.kill()

        async def all_at_once() -> None:
            async with Client(hub.url, token, {"timeout": httpx.Timeout(60)}) as client:
                places = asyncio.Semaphore(50)
                await asyncio.gather(*(create(client, name, places) for name in missing))

        asyncio.run(all_at_once())


def test_creates_that_were_answered_are_there_after_the_hub_was_killed(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    token = add_user(data_dir, "ada")
    chance = random.Random(0)
    creates = Creates()

    for _ in range(KILLS):
        with running(data_dir) as hub:
            creates.send(hub, token, kill_after=chance.randint(1, CREATES // KILLS - 1))
            assert hub.process.returncode == -signal.SIGKILL
        assert_sound(data_dir)
        assert creates.answers.keys() <= set(model_names(data_dir))

    assert 0 < len(creates.answers) < CREATES
    with running(data_dir) as hub:
        creates.send(hub, token, kill_after=None)
        with Client(hub.url, token) as client:
            shown = {item["name"]: item["id"] for item in client.models.list({"page_size": 100}).iter_all()}

    assert shown == {name: answer["id"] for name, answer in creates.answers.items()}
    assert len(shown) == CREATES
    assert_sound(data_dir)
