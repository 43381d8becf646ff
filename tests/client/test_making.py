"""What making a client costs: nothing before the first call, and then only the side that is used."""

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.client.processes import in_fresh_python
from tests.client.scripted import Reply, ScriptedHub
from tests.client.servers import SocketServer, keep_alive

HEAVY = "{'httpx', 'httpcore', 'h11', 'anyio', 'ssl', 'asyncio', 'typing_extensions'}"


@pytest.mark.parametrize(
    "code",
    [
        "import wriftai",
        "import wriftai; wriftai.Client; dir(wriftai)",
        "from wriftai import Client, ClientOptions, PaginationOptions; Client('http://127.0.0.1:1/v1', 'token')",
        "from wriftai import models, predictions, users, versions, hardware, authenticated_user, pagination, api",
    ],
)
def test_neither_importing_nor_making_loads_the_http_library(code: str) -> None:
    # Before Python 3.11 the package of later typing words stands in for what `typing` lacks.
    also = "set()" if sys.version_info >= (3, 11) else "{'typing_extensions'}"
    loaded = in_fresh_python(f"import sys; {code}; print(sorted({HEAVY} & set(sys.modules) - {also}))")
    assert loaded == "[]"


def test_the_package_alone_does_not_even_load_typing() -> None:
    assert in_fresh_python("import sys, wriftai; print('typing' in sys.modules)") == "False"


def test_making_opens_nothing() -> None:
    events = in_fresh_python(
        """
        import sys
        from wriftai import Client
        events = []
        sys.addaudithook(lambda event, arguments: events.append(event))
        clients = [Client("http://127.0.0.1:1/v1", "token", {"headers": {"X-Mine": "1"}}) for _ in range(3)]
        opening = ("open", "os.", "socket.", "import", "subprocess.")
        print(sorted(event for event in set(events) if event.startswith(opening)))
        """
    )
    assert events == "[]"


COUNT = """
    import asyncio, gc, sys
    from wriftai import Client
    client, other = Client(sys.argv[1]), Client(sys.argv[1])
    {calls}
    import httpx, ssl
    def count(kind):
        return sum(isinstance(thing, kind) for thing in gc.get_objects())
    print(count(httpx.Client), count(httpx.AsyncClient), count(ssl.SSLContext))
    client.close(), other.close()
"""


@pytest.mark.parametrize(
    ("calls", "counted"),
    [
        ("client.close(); other.close()", "0 0 0"),
        ("client.authenticated_user.get()", "1 0 1"),
        ("client.authenticated_user.get(); client.users.get('ada')", "1 0 1"),
        ("client.authenticated_user.get(); other.authenticated_user.get()", "2 0 1"),
        ("asyncio.run(client.authenticated_user.async_get()); gc.collect()", "0 0 1"),
        (
            "client.authenticated_user.get(); asyncio.run(client.authenticated_user.async_get()); gc.collect()",
            "1 0 1",
        ),
    ],
)
def test_only_the_side_in_use_is_made_and_tls_is_set_up_once(calls: str, counted: str) -> None:
    with SocketServer(keep_alive) as server:
        assert in_fresh_python(COUNT.format(calls=calls), server.address) == counted


def test_awaiting_makes_one_async_client_for_each_client_in_use() -> None:
    code = """
        import asyncio, gc, sys
        from wriftai import Client
        async def main():
            clients = [Client(sys.argv[1]) for _ in range(2)]
            await asyncio.gather(*(c.users.async_get("ada") for c in clients for _ in range(4)))
            import httpx
            def count(kind):
                return sum(isinstance(thing, kind) for thing in gc.get_objects())
            print(count(httpx.Client), count(httpx.AsyncClient))
        asyncio.run(main())
        """
    with SocketServer(keep_alive) as server:
        assert in_fresh_python(code, server.address) == "0 2"


def test_threads_that_call_at_once_share_a_client(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    make = httpx.Client.__init__
    second = threading.Event()

    def slowly(self: httpx.Client, *args: Any, **kwargs: Any) -> None:
        made.append(self)
        second.wait(0.2)
        make(self, *args, **kwargs)

    monkeypatch.setattr(httpx.Client, "__init__", slowly)
    client = ScriptedHub(Reply({"username": "ada"})).client()
    start = threading.Barrier(4)

    def call(_: int) -> str:
        start.wait()
        return client.authenticated_user.get()["username"]

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(call, range(4))) == ["ada"] * 4
    assert len(made) == 1
