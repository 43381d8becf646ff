"""Models and users of a hub are found with the command, page by page."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.client.cli.command import fails, in_terminal, invoke
from tests.hubs import Hub
from tests.system.command import Caller
from tests.system.folders import add_user
from wriftai import Client

MANY = 230


def made(hub: Hub, name: str) -> tuple[Caller, Client]:
    caller = Caller(name, add_user(hub.data_dir, name), hub)
    return caller, Client(hub.url, caller.token)


def add(client: Client, name: str, description: str | None, visibility: Any = "public") -> None:
    client.models.create(
        {"name": name, "hardware_identifier": "cpu", "description": description, "visibility": visibility}
    )


@pytest.fixture(scope="module")
def finder(hub: Hub) -> Iterator[Caller]:
    """Give someone who looks for models, and has some."""
    caller, client = made(hub, "finder")
    _, other = made(hub, "keeper")
    with client, other:
        client.authenticated_user.update({"name": "Finn \x1b[1mDer", "bio": "Looks\x07 for quokkas.\nAnd finds."})
        add(client, "quokka-base", "A \x1b[31msmall\x1b[0m marsupial,\tgrün.\nIt smiles.")
        add(client, "quokka-mine", None, "private")
        add(other, "quokka-theirs", "Nobody else's.", "private")
        for number in range(MANY):
            add(client, f"numbat-{number:03}", "Eats termites.")
        yield caller


def names(stdout: str) -> list[str]:
    return [line.split("\t")[0] for line in stdout.splitlines()]


def test_a_program_gets_a_line_for_each_with_tabs(finder: Caller) -> None:
    done = finder.run("search", "quokka", "base")
    line = "finder/quokka-base\tpublic\t0\tA [31msmall [0m marsupial, grün.\n"
    assert (done.status, done.stdout, done.stderr) == (0, line, "")


def test_a_terminal_gets_columns(finder: Caller) -> None:
    done = in_terminal(
        "search",
        "quokka",
        columns=70,
        WRIFTAI_API_BASE_URL=finder.hub.url,
        WRIFTAI_ACCESS_TOKEN=finder.token,
    )
    assert (done.status, done.stderr) == (0, "")
    assert sorted(done.stdout.splitlines()) == [
        "finder/quokka-base           0 predictions  A [31msmall [0m marsupial…",
        "finder/quokka-mine  private  0 predictions",
    ]


def test_private_models_are_found_by_their_owner_alone(finder: Caller) -> None:
    lines = finder.run("search", "quokka").stdout.splitlines()
    assert sorted(line.split("\t")[:2] for line in lines) == [
        ["finder/quokka-base", "public"],
        ["finder/quokka-mine", "private"],
    ]
    anonymous = invoke("search", "quokka", WRIFTAI_API_BASE_URL=finder.hub.url)
    assert names(anonymous.stdout) == ["finder/quokka-base"]


def test_each_is_a_whole_model_in_json(finder: Caller) -> None:
    done = finder.run("search", "quokka", "--json")
    with Client(finder.hub.url, finder.token) as client:
        assert list(map(json.loads, done.stdout.splitlines())) == client.models.search("quokka").items
    assert "grün" in done.stdout
    assert "\x1b" not in done.stdout


@pytest.mark.parametrize(
    ("options", "number"),
    [([], 25), (["--limit", "3"], 3), (["--limit", "150"], 150), (["--limit", "1000"], MANY)],
)
def test_as_many_are_printed_as_are_wanted(finder: Caller, options: list[str], number: int) -> None:
    found = names(finder.run("search", "numbat", *options).stdout)
    assert len(found) == len(set(found)) == number
    assert all(name.startswith("finder/numbat-") for name in found)


def test_users_are_found_too(finder: Caller) -> None:
    line = "finder\tFinn [1mDer\tLooks for quokkas.\n"
    assert finder.run("search", "--users", "finder").stdout == line
    user = json.loads(finder.run("search", "--users", "--json", "finder").stdout)
    assert (user["username"], user["bio"]) == ("finder", "Looks\x07 for quokkas.\nAnd finds.")
    assert finder.run("search", "--users", "keeper").stdout == "keeper\t\t\n"


def test_nothing_found_is_no_error(finder: Caller) -> None:
    assert finder.run("search", "thylacine") == (0, "", "Nothing found.\n")


def test_what_the_hub_says_is_said(finder: Caller) -> None:
    said = finder._replace(token="wrong").fails("search", "quokka")
    assert said.endswith("Set WRIFTAI_ACCESS_TOKEN to a token of this hub.")
    assert "1000" in finder.fails("search", "x" * 1001).replace(",", "")


def test_a_hub_that_is_down_is_said() -> None:
    said = fails("search", "quokka", WRIFTAI_API_BASE_URL="http://127.0.0.1:9/v1")
    assert said.startswith("The hub 127.0.0.1 cannot be reached: ")
