"""Peers that the hub waits for: those that do nothing are hung up on, and no others."""

import asyncio
from contextlib import suppress

import pytest

from tests.server.peers import BIG, LOOKS, House, Peer, play, request, until


def test_who_says_nothing_is_hung_up_on() -> None:
    async def scene(house: House, peer: Peer) -> None:
        await house.look(LOOKS + 1)
        assert await peer.rest() == b""
        await house.is_alone()

    play(scene)


def test_a_head_that_comes_bit_by_bit_has_an_end() -> None:
    async def scene(house: House, peer: Peer) -> None:
        for byte in request("/body")[: LOOKS + 1]:
            await peer.send(bytes([byte]))
            await house.look()
        refusal = await peer.rest()
        assert refusal.startswith(b"HTTP/1.1 408 ")
        assert b"connection: close" in refusal
        await house.is_alone()

    play(scene)


def test_a_second_head_has_an_end() -> None:
    async def scene(house: House, peer: Peer) -> None:
        await peer.send(request("/body", length=0))
        assert (await peer.take(1000)).startswith(b"HTTP/1.1 200 ")
        await peer.send(b"GET /")
        await house.look(LOOKS + 1)
        assert (await peer.rest()).startswith(b"HTTP/1.1 408 ")

    play(scene)


@pytest.mark.parametrize("more", ["", "Expect: 100-continue\r\n"], ids=["unasked", "asked"])
def test_a_body_that_stops_has_an_end(more: str) -> None:
    async def scene(house: House, peer: Peer) -> None:
        await peer.send(request("/body", length=10, more=more))
        if more:
            assert (await peer.take(1000)).startswith(b"HTTP/1.1 100 ")
        await peer.send(b"12345")
        await house.look(LOOKS + 1)
        assert (await peer.rest()).startswith(b"HTTP/1.1 408 ")
        await house.is_alone()
        assert house.left == ["/body"]

    play(scene)


def test_a_body_that_stops_ends_an_answer_without_another_one_in_it() -> None:
    async def scene(house: House, peer: Peer) -> None:
        await peer.send(request("/stream", length=10))
        await house.look(LOOKS + 1)
        answer = await peer.rest()
        assert answer.endswith(b"first\r\n")
        assert b"408" not in answer
        await house.is_alone()

    play(scene)


def test_a_body_that_nobody_waits_for_has_an_end() -> None:
    async def scene(house: House, peer: Peer) -> None:
        await peer.send(request("/early", length=10))
        assert (await peer.take(1000)).startswith(b"HTTP/1.1 200 ")
        # Now uvicorn no longer takes the connection for idle.
        await peer.send(b"12345")
        await house.look(LOOKS + 1)
        await peer.rest()
        await house.is_alone()

    play(scene)


def test_a_trailer_that_comes_bit_by_bit_has_an_end() -> None:
    async def scene(house: House, peer: Peer) -> None:
        await peer.send(request("/body", more="Transfer-Encoding: chunked\r\n") + b"2\r\n{}\r\n0\r\n")
        for _ in range(LOOKS + 1):
            await peer.send(b"A")
            await house.look()
        assert (await peer.rest()).startswith(b"HTTP/1.1 408 ")
        await house.is_alone()

    play(scene)


@pytest.mark.parametrize("requests", [1, 50])
def test_an_answer_that_nobody_takes_is_forgotten(requests: int) -> None:
    async def scene(house: House, peer: Peer) -> None:
        await peer.send(request("/big", length=0) * requests)
        await house.look(LOOKS + 2)
        await house.is_alone()
        # Nor does the kernel still hold any of it for the peer.
        assert 0 < len(await peer.rest()) < 1_000_000

    play(scene)


def test_an_answer_that_nobody_takes_is_forgotten_when_the_connection_was_to_be_closed() -> None:
    async def scene(house: House, peer: Peer) -> None:
        await peer.send(request("/big", length=0, more="Connection: close\r\n"))
        await until(lambda: house.ended == ["/big"])
        await house.look(LOOKS + 2)
        await house.is_alone()

    play(scene)


def test_an_answer_is_taken_as_slowly_as_the_peer_likes() -> None:
    async def scene(house: House, peer: Peer) -> None:
        await peer.send(request("/big", length=0, more="Connection: close\r\n"))
        taken = 0
        # In so few looks less leaves the kernel than what has to before it takes more.
        for _ in range(5 * LOOKS):
            await house.look()
            for _ in range(10):
                taken += len(await peer.take(10_000))
        assert taken + len(await peer.rest()) > BIG

    play(scene)


def test_a_body_is_sent_as_slowly_as_the_peer_likes() -> None:
    async def scene(house: House, peer: Peer) -> None:
        await peer.send(request("/body", length=4 * LOOKS))
        for _ in range(4 * LOOKS):
            await house.look()
            await peer.send(b"x")
        assert b"%d" % (4 * LOOKS) in (await peer.take(1000)).partition(b"\r\n\r\n")[2]

    play(scene)


async def answered(house: House, peer: Peer, sent: bytes, body: bytes) -> bytes:
    """Send a request, look for longer than peers are waited for, release it, send more, and take the answer."""
    sending = asyncio.create_task(peer.send(sent))
    await house.look(LOOKS + 1)
    house.released.set()
    await sending
    await peer.send(body)
    answer = b""
    while not answer.endswith(b"\r\n0\r\n\r\n"):
        piece = await peer.take(1000)
        assert piece
        answer += piece
    return answer


@pytest.mark.parametrize(
    ("sent", "body", "last"),
    [
        (request("/waited", length=2) + b"{}", b"", b"0"),
        (request("/stream", length=0), b"", b"0"),
        # The peer may wait for a word before it sends its body.
        (request("/late", length=2, more="Expect: 100-continue\r\n"), b"{}", b"2"),
        # The hub itself pauses here, as nobody takes the body.
        (request("/late", length=6_000_000) + bytes(5_000_000), bytes(1_000_000), b"6000000"),
    ],
    ids=["answer", "stream", "continue", "paused"],
)
def test_who_waits_for_the_hub_may_do_so(sent: bytes, body: bytes, last: bytes) -> None:
    async def scene(house: House, peer: Peer) -> None:
        answer = await answered(house, peer, sent, body)
        assert b"HTTP/1.1 200 " in answer
        assert answer.endswith(b"\r\n%s\r\n0\r\n\r\n" % last)

    play(scene)


@pytest.mark.parametrize(
    ("second", "more"),
    [(b"", b"POST /bo"), (request("/body", length=10), b"12345")],
    ids=["head", "body"],
)
def test_the_next_request_is_waited_for_when_the_one_before_it_is_answered(second: bytes, more: bytes) -> None:
    async def scene(house: House, peer: Peer) -> None:
        answer = await answered(house, peer, request("/stream", length=0) + second, more)
        assert answer.count(b"HTTP/1.1 ") == 1
        await house.look(LOOKS + 1)
        assert (await peer.rest()).startswith(b"HTTP/1.1 408 ")

    play(scene)


def test_a_refusal_does_not_come_in_the_middle_of_an_answer() -> None:
    async def scene(house: House, peer: Peer) -> None:
        second = request("/body", more="Transfer-Encoding: chunked\r\n") + b"2\r\n{}\r\n0\r\nA: "
        await peer.send(request("/stream", length=0) + second)
        # Far more than a trailer may have.
        with suppress(ConnectionError):
            await peer.send(b"x" * 1_000_000)
        assert b"431" not in await peer.rest()
        house.released.set()
        await house.is_alone()

    play(scene)
