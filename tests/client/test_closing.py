"""Closing the client, and what outlives an event loop."""

import asyncio
import gc

import pytest

from tests.client.servers import USER, SocketServer, Visit, http, keep_alive
from tests.client.sides import Side
from wriftai import Client

PATIENCE = 10.0


def test_calls_share_a_connection_until_it_is_closed() -> None:
    with SocketServer(keep_alive) as server:
        client = Client(server.address)
        for _ in range(3):
            client.authenticated_user.get()
        assert (server.opened, len(server.requests)) == (1, 3)
        client.close()
        assert server.left.acquire(timeout=PATIENCE)
        client.authenticated_user.get()
        assert server.opened == 2
        client.close()


def test_awaited_calls_share_a_connection_until_it_is_closed() -> None:
    async def main(server: SocketServer) -> None:
        client = Client(server.address)
        for _ in range(3):
            await client.authenticated_user.async_get()
        assert (server.opened, len(server.requests)) == (1, 3)
        await client.aclose()
        await client.authenticated_user.async_get()
        assert server.opened == 2
        await client.aclose()

    with SocketServer(keep_alive) as server:
        asyncio.run(main(server))
        assert server.left.acquire(timeout=PATIENCE)


def test_closing_what_was_never_opened_and_closing_twice(side: Side) -> None:
    with SocketServer(keep_alive) as server:
        client = Client(server.address)
        side.close(client)
        side.call(client.authenticated_user.get)
        side.close(client)
        side.close(client)
        assert server.left.acquire(timeout=PATIENCE)


def test_a_with_block_closes() -> None:
    with SocketServer(keep_alive) as server:
        client = Client(server.address)
        with client as entered:
            assert entered is client
            client.authenticated_user.get()
        assert server.left.acquire(timeout=PATIENCE)


def test_a_with_block_closes_after_an_error() -> None:
    with SocketServer(keep_alive) as server:
        client = Client(server.address)
        with pytest.raises(ValueError, match="empty"), client:
            client.models.get(client.authenticated_user.get()["username"], "")
        assert server.left.acquire(timeout=PATIENCE)


def test_an_async_with_block_closes_both_sides() -> None:
    async def main(server: SocketServer) -> None:
        client = Client(server.address)
        async with client as entered:
            assert entered is client
            await client.authenticated_user.async_get()
            client.authenticated_user.get()
        assert await asyncio.to_thread(server.left.acquire, timeout=PATIENCE)
        assert await asyncio.to_thread(server.left.acquire, timeout=PATIENCE)

    with SocketServer(keep_alive) as server:
        asyncio.run(main(server))


def test_an_async_with_block_closes_after_an_error() -> None:
    async def main(server: SocketServer) -> None:
        with pytest.raises(ValueError, match="empty"):
            async with Client(server.address) as client:
                await client.models.async_get((await client.authenticated_user.async_get())["username"], "")
        assert await asyncio.to_thread(server.left.acquire, timeout=PATIENCE)

    with SocketServer(keep_alive) as server:
        asyncio.run(main(server))


def test_one_client_serves_several_event_loops_and_leaves_nothing_open() -> None:
    """The end of a loop closes what the client opened in it: nobody else could, later."""
    with SocketServer(keep_alive) as server:
        client = Client(server.address)
        for _ in range(3):
            assert asyncio.run(client.authenticated_user.async_get())["username"] == "ada"
            assert server.left.acquire(timeout=PATIENCE)
        gc.collect()
        assert server.opened == 3


def test_one_client_serves_both_sides_in_turn() -> None:
    with SocketServer(keep_alive) as server, Client(server.address) as client:
        assert client.authenticated_user.get()["username"] == "ada"
        assert asyncio.run(client.authenticated_user.async_get())["username"] == "ada"
        assert client.authenticated_user.get()["username"] == "ada"


def test_blocking_calls_work_inside_an_event_loop() -> None:
    async def main(client: Client) -> list[str]:
        users = [client.authenticated_user.get(), await client.authenticated_user.async_get()]
        return [user["username"] for user in users]

    with SocketServer(keep_alive) as server, Client(server.address) as client:
        assert asyncio.run(main(client)) == ["ada", "ada"]


def test_a_loop_that_is_closed_without_a_shutdown_does_no_harm() -> None:
    def once(visit: Visit) -> None:
        visit.read_request()
        visit.send(http(USER, "Connection: close"))

    with SocketServer(once) as server:
        client = Client(server.address)
        for _ in range(2):
            loop = asyncio.new_event_loop()
            assert loop.run_until_complete(client.authenticated_user.async_get())["username"] == "ada"
            loop.close()
        del client
        gc.collect()
