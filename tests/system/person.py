"""Someone who uses a hub with the client, in a process of its own that may be killed at any time.

What was seen goes into a diary. Whoever takes the place of someone who was killed reads there what was sent and
never answered, and sends it again.
"""

import asyncio
import json
import os
import random
import sys
import time
import uuid
from collections.abc import Sequence
from contextlib import aclosing, closing
from math import inf
from pathlib import Path
from typing import Any

import httpx

from tests.system.chance import MODEL
from tests.system.history import Accepted, Cancelled, Diary, History, Said, Seen, Sent, result
from wriftai import Client, ConflictError, ServerError
from wriftai.common_types import JsonValue
from wriftai.predictions import AsyncWaitOptions, CreatePredictionParams, Prediction, PredictionWithIO

_PASSING = (httpx.TransportError, ServerError)


class Person:
    """Creates predictions, and looks what becomes of them.

    Args:
        diary: Gets what the person sees.
        urls: Of the parts of the hub that take predictions.
        token: The person's.
        webhook_url: Of all predictions.
        chance: Decides what the person does.
    """

    def __init__(
        self, diary: History, urls: Sequence[str], token: str, webhook_url: str, chance: random.Random
    ) -> None:
        self._clients = [Client(url, token, {"transport": _Witness(diary)}, max_retries=5) for url in urls]
        self._diary = diary
        self._webhook_url = webhook_url
        self._chance = chance

    @property
    def _client(self) -> Client:
        return self._chance.choice(self._clients)

    async def live(self) -> None:
        """Use the hub until killed; it may be gone at any time, and the person's patience too."""
        while True:
            await self.catch_up()
            try:
                async with asyncio.timeout(self._chance.uniform(1, 20)):
                    await self._use()
            except (TimeoutError, ConflictError, *_PASSING):
                await asyncio.sleep(0.1)

    async def catch_up(self) -> None:
        """Send again all that was never answered, until it is."""
        answered = {accepted.key for accepted in self._diary.of(Accepted)}
        for sent in self._diary.of(Sent):
            if sent.key not in answered:
                await self.repeat(sent)
                answered.add(sent.key)

    async def repeat(self, sent: Sent) -> None:
        """Send again what may have been answered before, until it is."""
        headers = {"Idempotency-Key": sent.idempotency_key}
        path = f"/models/{MODEL}/predictions"
        while True:
            try:
                prediction = await self._client.api.async_request("POST", path, self._params(sent.key), headers)
            except _PASSING:
                await asyncio.sleep(0.5)
            else:
                self._diary.note(Accepted(sent.key, prediction["id"]))
                return

    async def look(self, prediction_id: str) -> None:
        """See how a prediction stands."""
        asked = time.monotonic()
        prediction = await self._client.predictions.async_get(prediction_id)
        self._saw(asked, prediction, prediction["output"])

    async def close(self) -> None:
        for client in self._clients:
            await client.aclose()

    async def _use(self) -> None:
        prediction_id = await self._create()
        await self._chance.choice((self._wait, self._follow, self._cancel))(prediction_id)
        await self.look(self._chance.choice(self._diary.of(Accepted)).prediction_id)

    async def _create(self) -> str:
        key = uuid.uuid4().hex
        wait = self._chance.random() < 0.5
        prediction = await self._client.predictions.async_create(
            self._params(key), model=MODEL, wait=wait, wait_options=self._watching()
        )
        self._diary.note(Accepted(key, prediction["id"]))
        return prediction["id"]

    async def _wait(self, prediction_id: str) -> None:
        await self._client.predictions.async_wait(prediction_id, self._watching())

    async def _follow(self, prediction_id: str) -> None:
        asked, outputs, last = time.monotonic(), list[JsonValue](), None
        while True:
            async with aclosing(self._client.predictions.async_stream(prediction_id, last)) as events:
                async for event in events:
                    data: Any = event["data"]
                    last = event["id"]
                    if str(data).startswith("marker-"):
                        self._diary.note(Said(prediction_id, int(last.partition("-")[0]), str(data)))
                    if event["event"] == "init":  # Of another attempt.
                        outputs = []
                    elif event["event"] == "output":
                        outputs.append(data)
                    elif event["event"] == "done":
                        # In all it has to be what is stored, however often the stream was left.
                        self._saw(asked, data, outputs if data["status"] == "succeeded" else None)
                        return
                    if self._chance.random() < 0.2:
                        break

    async def _cancel(self, prediction_id: str) -> None:
        await asyncio.sleep(self._chance.uniform(0, 0.5))
        self._diary.note(Cancelled(prediction_id, inf))
        await self._client.predictions.async_cancel(prediction_id)
        self._diary.note(Cancelled(prediction_id, time.monotonic()))
        await self._wait(prediction_id)

    def _params(self, key: str) -> CreatePredictionParams:
        return {"input": {"key": key}, "webhook_url": self._webhook_url}

    def _watching(self) -> AsyncWaitOptions:
        asked = time.monotonic()

        async def see(prediction: PredictionWithIO) -> None:
            nonlocal asked
            self._saw(asked, prediction, prediction["output"])
            asked = time.monotonic()

        return AsyncWaitOptions(self._chance.uniform(0.1, 2), see)

    def _saw(self, asked: float, prediction: Prediction, output: JsonValue) -> None:
        parts = (json.dumps(output), json.dumps(prediction["error"]))
        status = str(prediction["status"])
        self._diary.note(Seen(prediction["id"], asked, time.monotonic(), status, result(*parts)))


class _Witness(httpx.AsyncHTTPTransport):
    """Sees the idempotency keys that the client makes, each time it sends one.

    Args:
        diary: Gets them.
    """

    def __init__(self, diary: History) -> None:
        super().__init__(verify=False)  # Nothing here is encrypted, and certificates take long to read.
        self._diary = diary

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "POST" and request.url.path.endswith("/predictions"):
            key = json.loads(request.content)["input"]["key"]
            self._diary.note(Sent(key, request.headers["idempotency-key"], os.getpid()))
        return await super().handle_async_request(request)


async def _main(diary: str, seed: str, webhook_url: str, token: str, *urls: str) -> None:
    with closing(Diary(Path(diary))) as noted:
        chance = random.Random(f"{seed} {len(noted.facts)}")
        person = Person(noted, urls, token, webhook_url, chance)
        sys.stderr.write('"calling"\n')
        await person.live()


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))
