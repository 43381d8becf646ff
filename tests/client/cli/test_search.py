"""Looking for models: what is shown of what a hub found, and what a terminal never gets to see."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.client.cli.command import fails, in_terminal, invoke
from tests.client.servers import SocketServer, Visit, http

ANSWER = "Content-Type: application/json"
HOSTILE = "\x1b]0;owned\x07\x1b[31mred\ttab \x9b2J\u202eltr\x7f\nsecond line"
HARMLESS = "]0;owned [31mred tab 2J ltr"


def model(name: str, description: str | None = None, *, count: Any = 0, visibility: str = "public") -> Any:
    return {
        "owner": {"username": "ada"},
        "name": name,
        "visibility": visibility,
        "predictions_count": count,
        "description": description,
    }


def finding(*models: Any, status: str = "200 OK") -> SocketServer:
    """Give a hub that answers every search with one page of these."""
    body = json.dumps({"items": models, "detail": "Enough for now."}).encode()

    def script(visit: Visit) -> None:
        while visit.read_request():
            visit.send(http(body, ANSWER, "Retry-After: 0", status=status))

    return SocketServer(script)


def shown_in_terminal(*models: Any, columns: int) -> list[str]:
    with finding(*models) as hub:
        done = in_terminal("search", "x", columns=columns, WRIFTAI_API_BASE_URL=hub.address)
    assert (done.status, done.stderr) == (0, "")
    return done.stdout.splitlines()


def test_a_terminal_gets_columns_that_fit_it() -> None:
    models = [
        model("bert", "Masked language model.", count=12, visibility="private"),
        model("longer", "語" * 40, count=1),
        model("n" * 50, "Behind a long name."),
    ]
    assert shown_in_terminal(*models, columns=90) == [
        "ada/bert                                  private  12 predictions  Masked language model.",
        "ada/longer                                         1 prediction    " + "語" * 11 + "…",
        f"ada/{'n' * 50}           0 predictions   Behind a…",
    ]


def test_no_column_is_kept_for_what_none_has() -> None:
    assert shown_in_terminal(model("bert", "\n Masked.\n"), columns=40) == ["ada/bert  0 predictions  Masked."]


def test_names_are_never_cut() -> None:
    assert shown_in_terminal(model("bert", "Masked."), columns=5) == ["ada/bert  0 predictions"]


def test_what_others_wrote_cannot_speak_to_the_terminal() -> None:
    hostile = model("b\x1b[2Jert", HOSTILE, visibility="\x1b[8m", count="\x1b[5m")
    with finding(hostile) as hub:
        shown = in_terminal("search", "x", columns=120, WRIFTAI_API_BASE_URL=hub.address).stdout
        piped = invoke("search", "x", WRIFTAI_API_BASE_URL=hub.address).stdout
        as_json = invoke("search", "x", "--json", WRIFTAI_API_BASE_URL=hub.address).stdout
    assert shown.splitlines() == [f"ada/b [2Jert  [5m predictions  {HARMLESS}"]
    assert piped == f"ada/b [2Jert\t[8m\t[5m\t{HARMLESS}\n"
    assert as_json.removesuffix("\n").isprintable()
    assert json.loads(as_json) == hostile


def test_programs_get_all_between_tabs() -> None:
    with finding(model("bert", "x" * 500, count=3), model("vit")) as hub:
        done = invoke("search", "bert", "base", WRIFTAI_API_BASE_URL=hub.address, FORCE_COLOR="1", COLUMNS="40")
    assert (done.status, done.stderr) == (0, "")
    assert done.stdout == f"ada/bert\tpublic\t3\t{'x' * 500}\nada/vit\tpublic\t0\t\n"
    assert hub.requests[0].startswith(b"GET /search/models?q=bert+base&page_size=25 ")


def test_nothing_found_is_said_beside_the_output() -> None:
    with finding() as hub:
        done = invoke("search", "x", WRIFTAI_API_BASE_URL=hub.address)
        in_columns = in_terminal("search", "x", WRIFTAI_API_BASE_URL=hub.address)
    assert done == in_columns == (0, "", "Nothing found.\n")


@pytest.mark.parametrize(("address", "status"), [("127.0.0.1:8000", 2), ("ftp://127.0.0.1:8000/v1", 1)])
def test_an_address_that_is_none_is_named(address: str, status: int) -> None:
    done = invoke("search", "x", WRIFTAI_API_BASE_URL=address)
    assert (done.status, done.stdout) == (status, "")
    assert (
        done.stderr == "Error: WRIFTAI_API_BASE_URL is no address of a hub: begin it with http:// or https://.\n"
    )


@pytest.mark.parametrize("address", ["http://\udcff/v1", "http://a\nb/v1"])
def test_an_address_that_can_be_none_is_named(address: str) -> None:
    assert fails("search", "x", WRIFTAI_API_BASE_URL=address) == (
        "WRIFTAI_API_BASE_URL is no address of a hub: write it like https://hub.example.org/v1."
    )


@pytest.mark.parametrize(
    "words", [[], [""], [" ", "\t"], ["x", "--limit", "0"], ["x", "--limit", "99999999999999999999"]]
)
def test_words_to_look_for_are_needed(words: list[str]) -> None:
    done = invoke("search", *words)
    assert (done.status, done.stdout) == (2, "")
    assert "Usage: wriftai search" in done.stderr


def test_a_hub_that_has_had_enough_is_said() -> None:
    with finding(status="429 Too Many Requests") as hub:
        assert fails("search", "x", WRIFTAI_API_BASE_URL=hub.address) == "Enough for now."


def test_a_reader_that_has_enough_ends_it_without_a_word() -> None:
    with finding(*[model("bert", "x" * 5_000)] * 25) as hub:
        command = [str(Path(sys.executable).with_name("wriftai")), "search", "x"]
        variables = {**os.environ, "WRIFTAI_API_BASE_URL": hub.address}
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=variables
        ) as process:
            assert process.stdout
            assert process.stderr
            process.stdout.readline()
            process.stdout.close()
            assert process.stderr.read() == ""
