"""People who use a hub that is killed all the time, and the model that they run."""

import asyncio
import json
import random
import textwrap
import time
from pathlib import Path

import httpx

from tests.system.history import ENDS, Accepted, History, Said, Seen, result
from wriftai import Client, ConflictError, ServerError

MODEL = "ada/chance"
PROJECT = """
    [project]
    name = "chance"
    version = "1"
    requires-python = ">=3.11"

    [tool.wriftai]
    model = "ada/chance"
    predictor = "predict.py:Predictor"
    hardware = "cpu"
    """
PREDICTOR = """
    import random
    import time
    import uuid
    from collections.abc import Iterator


    class Predictor:
        def predict(self, key: str) -> Iterator[str]:
            marker = f"marker-{uuid.uuid4().hex}"
            print(marker, flush=True)
            slowness = random.choice((0.02, 0.1, 1.5))
            for _ in range(random.randint(1, 5)):
                time.sleep(random.uniform(0, slowness))
                yield marker
            if random.random() < 0.1:
                raise ValueError("Bad luck.")
    """


def write_project(folder: Path) -> None:
    """Write the project of the model."""
    folder.mkdir()
    (folder / "pyproject.toml").write_text(textwrap.dedent(PROJECT))
    (folder / "predict.py").write_text(textwrap.dedent(PREDICTOR))


class Person:
    """Someone who creates predictions and looks what becomes of them.

    Args:
        urls: Of the parts of the hub that take them.
        token: The person's.
        webhook_url: Of all of them.
        history: Gets what the person sees.
        chance: Decides what the person does.
    """

    def __init__(
        self, urls: list[str], token: str, webhook_url: str, history: History, chance: random.Random
    ) -> None:
        self._clients = [Client(url, token, {"timeout": httpx.Timeout(10)}, max_retries=0) for url in urls]
        self._webhook_url = webhook_url
        self._history = history
        self._chance = chance

    async def live(self) -> None:
        """Create one prediction after the other, until cancelled; the hub may be gone at any time."""
        while True:
            prediction_id = await self._create()
            try:
                async with asyncio.timeout(15):
                    await self._chance.choice((self._look, self._look, self._follow, self._cancel))(prediction_id)
            except (TimeoutError, httpx.TransportError, ServerError, ConflictError):
                await asyncio.sleep(0.1)

    async def look(self, prediction_id: str) -> str:
        """See how a prediction stands."""
        asked = time.monotonic()
        shown = await self._chance.choice(self._clients).predictions.async_get(prediction_id)
        parts = (json.dumps(shown["output"]), json.dumps(shown["error"]))
        self._history.seen.append(
            Seen(prediction_id, asked, time.monotonic(), str(shown["status"]), result(*parts))
        )
        return str(shown["status"])

    async def close(self) -> None:
        for client in self._clients:
            await client.aclose()

    async def _create(self) -> str:
        key = f"key-{self._chance.getrandbits(64):x}"
        prediction_id = await self._accepted(key)
        if self._chance.random() < 0.1:
            await self._accepted(key)
        return prediction_id

    async def _accepted(self, key: str) -> str:
        body = {"model": MODEL, "input": {"key": key}, "webhook_url": self._webhook_url}
        while True:
            client = self._chance.choice(self._clients)
            try:
                answer = await client.api.async_request("POST", "/predictions", body, {"Idempotency-Key": key})
            except (httpx.TransportError, ServerError):
                await asyncio.sleep(0.1)
                continue
            self._history.accepted.append(Accepted(key, answer["id"]))
            return str(answer["id"])

    async def _look(self, prediction_id: str) -> None:
        for _ in range(self._chance.randrange(1, 40)):
            if await self.look(prediction_id) in ENDS:
                break
            await asyncio.sleep(self._chance.uniform(0, 0.3))
        await self.look(prediction_id)

    async def _follow(self, prediction_id: str) -> None:
        client = self._chance.choice(self._clients)
        async for event in client.predictions.async_stream(prediction_id):
            if event["event"] in ("log", "output") and str(event["data"]).startswith("marker-"):
                attempt = int(event["id"].partition("-")[0])
                self._history.said.append(Said(prediction_id, attempt, str(event["data"])))
        await self.look(prediction_id)

    async def _cancel(self, prediction_id: str) -> None:
        await asyncio.sleep(self._chance.uniform(0, 0.5))
        await self._chance.choice(self._clients).predictions.async_cancel(prediction_id)
        await self._look(prediction_id)
