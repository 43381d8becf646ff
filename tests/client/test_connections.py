"""Real connections that break, and servers that are not there."""

from typing import Any

import httpx
import pytest

from tests.client.clock import Clock
from tests.client.servers import SocketServer, Visit, header, http
from tests.client.sides import Side
from wriftai import Client


def whole(visit: Visit) -> None:
    visit.read_request()
    visit.send(http(b'{"id": "1"}', "Connection: close"))


def unanswered(visit: Visit) -> None:
    visit.read_request()


def cut_off(visit: Visit) -> None:
    visit.read_request()
    visit.send(http(b'{"id": "1"}')[:-4])


def cut_off_in_the_headers(visit: Visit) -> None:
    visit.read_request()
    visit.send(http()[:20])


def reset(visit: Visit) -> None:
    visit.read_request()
    visit.send(http(b'{"id": "1"}')[:-4])
    visit.reset()


@pytest.mark.parametrize("break_off", [unanswered, cut_off, cut_off_in_the_headers, reset])
def test_a_real_connection_that_breaks_is_made_again(side: Side, clock: Clock, break_off: Any) -> None:
    with SocketServer(break_off, break_off, whole) as server:
        client = Client(server.address)
        assert side.call(client.users.get, "ada") == {"id": "1"}
        side.close(client)
    assert server.opened == 3
    assert len(set(server.requests)) == 1


def test_a_post_over_a_real_connection_that_breaks_is_repeated_to_the_letter(side: Side, clock: Clock) -> None:
    with SocketServer(cut_off, whole) as server:
        client = Client(server.address)
        side.call(client.models.create, {"name": "resnet", "hardware_identifier": "cpu"})
        side.close(client)
    assert len(server.requests) == 2
    assert len(set(server.requests)) == 1
    assert header(server.requests[0], "idempotency-key")


def test_a_server_that_is_not_there(side: Side, clock: Clock) -> None:
    with SocketServer(whole) as server:
        address = server.address
    client = Client(address)
    with pytest.raises(httpx.ConnectError):
        side.call(client.models.get, "ada", "resnet")
    side.close(client)
    assert len(clock.slept) == 2
