"""People who use a hub under test."""

import asyncio
import uuid
from pathlib import Path
from typing import Any

import httpx

from tests.databases import open_in
from wriftai import Client
from wriftai_server.users import service


class Person:
    """Someone with an account, or anyone without a token.

    Args:
        name: Username; empty for anyone.
        token: Empty for anyone.
        url: Of the API.
        transport: Leads to the hub; None is the network.
    """

    def __init__(self, name: str, token: str, url: str, transport: httpx.BaseTransport | None) -> None:
        self.name = name
        self.token = token
        self.client = Client(url, token, {"transport": transport} if transport else {}, max_retries=0)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._http = httpx.Client(base_url=url, headers=headers, transport=transport, verify=False)  # noqa: S501

    def send(self, method: str, path: str | httpx.URL, **options: Any) -> httpx.Response:
        """Send a request as it is."""
        return self._http.request(method, path, **options)

    def close(self) -> None:
        self.client.close()
        self._http.close()


class People:
    """Adds users to a hub as the command does, without waiting for a process each.

    Args:
        data_dir: Folder of the hub.
        url: Of its API.
        transport: Leads to the hub; None is the network.
    """

    def __init__(self, data_dir: Path, url: str, transport: httpx.BaseTransport | None = None) -> None:
        self.data_dir = data_dir
        self._address = (url, transport)
        self._runner = asyncio.Runner()
        self._database = open_in(data_dir)
        self.everyone: list[Person] = []
        self.anyone = self.known("", "")

    def add(self, name: str | None = None, *, is_admin: bool = False) -> Person:
        """Add a user.

        Args:
            name: None makes one up.
            is_admin: Whether the user administers the hub.
        """
        username = name or f"user-{uuid.uuid4().hex[:10]}"
        return self.known(username, self._runner.run(self._create(username, is_admin)))

    def add_token(self, person: Person) -> Person:
        """Give someone one more token."""
        return self.known(person.name, self._runner.run(self._create_token(person.name)))

    def known(self, name: str, token: str) -> Person:
        """Give someone who has a token already."""
        person = Person(name, token, *self._address)
        self.everyone.append(person)
        return person

    def close(self) -> None:
        for person in self.everyone:
            person.close()
        self._runner.run(self._database.close())
        self._runner.close()

    async def _create(self, username: str, is_admin: bool) -> str:
        async with self._database.writing() as transaction:
            return (await service.create(transaction, username=username, is_admin=is_admin)).text

    async def _create_token(self, username: str) -> str:
        async with self._database.writing() as transaction:
            return (await service.create_token(transaction, username=username, label="")).text
