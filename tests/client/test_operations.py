"""How an operation, written once, runs in either world."""

import asyncio
import inspect
import threading
from collections.abc import AsyncGenerator
from typing import Any

import httpx
import pytest

from tests.client.scripted import Pieces, RecordingAPI, Reply, ScriptedHub
from tests.client.servers import SocketServer, Visit, http
from tests.client.sides import Side
from wriftai import Client
from wriftai._operations import operation, sleep, stream_operation, stream_twin, twin
from wriftai.pagination import PaginatedResponse
from wriftai.predictions import AsyncWaitOptions, Predictions

PATIENCE = 10


@operation
async def answer(question: str = "?") -> str:
    """Answer."""
    await sleep(0)
    return question


async_answer = twin(answer)


class Careless:
    """Its operations await what only an event loop could give."""

    @operation
    async def wait(self) -> None:
        await asyncio.sleep(0)

    async_wait = twin(wait)

    @operation
    async def recover(self) -> str:
        try:
            await asyncio.sleep(0)
        except TypeError as error:
            return str(error)
        return "waited"

    async_recover = twin(recover)

    @stream_operation
    async def go_on(self) -> AsyncGenerator[int, None]:
        yield 1
        await asyncio.sleep(0)

    async_go_on = stream_twin(go_on)


def test_an_operation_need_not_be_a_method() -> None:
    assert answer() == asyncio.run(async_answer()) == "?"
    assert answer("!") == asyncio.run(async_answer(question="!")) == "!"
    assert (async_answer.__name__, async_answer.__qualname__) == ("async_answer", "async_answer")
    assert async_answer.__doc__ == answer.__doc__ == "Answer."
    assert inspect.signature(async_answer) == inspect.signature(answer)


def test_an_operation_may_await_only_steps(side: Side) -> None:
    with pytest.raises(TypeError, match="only steps"):
        side.call(Careless().wait)
    with pytest.raises(TypeError, match="only steps"):
        side.collect(Careless().go_on)


def test_an_operation_sees_the_errors_of_its_steps(side: Side) -> None:
    assert "only steps" in side.call(Careless().recover)


def test_the_arguments_are_checked_when_the_call_is_made(side: Side) -> None:
    predictions: Any = ScriptedHub().client().predictions
    with pytest.raises(TypeError, match="prediction_id"):
        side.call(predictions.get)
    with pytest.raises(TypeError, match="unexpected"):
        side.call(predictions.get, "p1", unknown=1)


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, GeneratorExit, asyncio.CancelledError])
def test_what_ends_a_program_is_not_held_back(error: type[BaseException]) -> None:
    def end(request: httpx.Request) -> httpx.Response:
        raise error

    client = Client("http://hub.invalid", client_options={"transport": httpx.MockTransport(end)})
    with pytest.raises(error):
        client.models.get("ada", "resnet")


def test_awaited_calls_run_at_the_same_time() -> None:
    """The server answers nobody before all have asked."""
    everyone = threading.Barrier(8)

    def together(visit: Visit) -> None:
        visit.read_request()
        everyone.wait(PATIENCE)
        visit.send(http(b'{"id": "1"}', "Connection: close"))

    async def main(client: Client) -> None:
        models = await asyncio.gather(*(client.models.async_get("ada", f"model-{n}") for n in range(8)))
        assert [model["id"] for model in models] == ["1"] * 8

    with SocketServer(together) as server:
        asyncio.run(main(Client(server.address)))


def test_an_event_loop_goes_on_while_a_call_waits() -> None:
    states = [{"id": "p1", "status": "pending"}] * 3 + [{"id": "p1", "status": "succeeded"}]
    api: Any = RecordingAPI(*states)
    turns: list[str] = []

    async def told(prediction: Any) -> None:
        turns.append(prediction["status"])

    async def main() -> None:
        async def others() -> None:
            while turns[-1:] != ["succeeded"]:
                turns.append("another")
                await asyncio.sleep(0.01)

        waiting = Predictions(api).async_wait("p1", AsyncWaitOptions(0.1, told))
        await asyncio.gather(waiting, others())

    asyncio.run(main())
    assert turns.count("pending") == 3
    assert "another" in turns[turns.index("pending") : turns.index("succeeded")]


def test_cancelling_a_wait_ends_it() -> None:
    api = RecordingAPI({"id": "p1", "status": "pending"})
    given: Any = api

    async def main() -> None:
        async def told(_: Any) -> None:
            waiting.cancel()

        waiting = asyncio.create_task(Predictions(given).async_wait("p1", AsyncWaitOptions(PATIENCE, told)))
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(main())
    assert len(api.sent) == 1


def endless_events(visit: Visit) -> None:
    visit.read_request()
    visit.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\nid: 1\nevent: log\ndata: 1\n\n")
    visit.rfile.read()


def test_cancelling_a_stream_closes_its_connection() -> None:
    async def main(client: Client) -> None:
        first = asyncio.Event()

        async def follow() -> None:
            async for _ in client.predictions.async_stream("p1"):
                first.set()

        following = asyncio.create_task(follow())
        await first.wait()
        following.cancel()
        with pytest.raises(asyncio.CancelledError):
            await following
        assert await asyncio.to_thread(server.left.acquire, timeout=PATIENCE)

    with SocketServer(endless_events) as server:
        asyncio.run(main(Client(server.address)))


def test_a_stream_that_is_dropped_closes_its_connection() -> None:
    with SocketServer(endless_events) as server:
        client = Client(server.address)
        events = client.predictions.stream("p1")
        next(events)
        del events
        assert server.left.acquire(timeout=PATIENCE)
        client.close()


def test_a_stream_that_is_not_begun_asks_nothing(side: Side) -> None:
    hub = ScriptedHub()
    client = hub.client()
    client.predictions.stream("p1").close()
    client.predictions.async_stream("p1")
    assert hub.requests == []


def test_blocking_streams_and_pages_work_inside_an_event_loop() -> None:
    body = Pieces(b"id: 1\nevent: done\ndata: 1\n\n")
    hub = ScriptedHub(
        lambda request: httpx.Response(200, stream=body, request=request),
        Reply({"items": [1], "next_cursor": "c2"}),
        Reply({"items": [2]}),
    )
    client = hub.client()

    async def main() -> None:
        assert [event["event"] for event in client.predictions.stream("p1")] == ["done"]
        page: PaginatedResponse[Any] = client.models.list()
        assert list(page.iter_all()) == [1, 2]

    asyncio.run(main())


def test_threads_may_share_a_client() -> None:
    def echo(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"id": request.url.path.rpartition("/")[2]})

    client = Client("http://hub.invalid", client_options={"transport": httpx.MockTransport(echo)})
    found: dict[int, str] = {}

    def work(number: int) -> None:
        for _ in range(20):
            found[number] = client.versions.get(str(number))["id"]
            assert asyncio.run(client.versions.async_get(str(number)))["id"] == str(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert found == {number: str(number) for number in range(8)}
