"""Tokens: who has one, and what is kept of it."""

import re
from pathlib import Path

import pytest

from tests.databases import run_sql
from tests.hubs import Hub
from tests.server.command import invoke
from tests.server.people import People, Person
from wriftai import AuthenticationError


def token_id(token: str) -> str:
    return token.split("_")[1]


def listed(folder: Path, name: str) -> list[list[str]]:
    outcome = invoke("tokens", "list", name, data_dir=folder)
    assert (outcome.status, outcome.stderr) == (0, "")
    return [line.split("\t") for line in outcome.stdout.splitlines()]


def test_a_new_token_is_printed_and_nothing_else(people: People, ada: Person, folder: Path) -> None:
    outcome = invoke("tokens", "create", ada.name.upper(), "--label", "the laptop, ① of 2", data_dir=folder)
    assert (outcome.status, outcome.stderr) == (0, "")
    assert re.fullmatch(r"wriftai_[a-z0-9]{12}_[A-Za-z0-9_-]{43}\n", outcome.stdout)
    second = people.known(ada.name, outcome.stdout.strip())
    assert second.client.authenticated_user.get() == ada.client.authenticated_user.get()
    rows = listed(folder, ada.name)
    assert [row[0] for row in rows] == [token_id(ada.token), token_id(second.token)]
    assert [row[2] for row in rows] == ["first", "the laptop, ① of 2"]
    assert all(row[1].endswith("Z") for row in rows)


def test_tokens_of_others_are_not_listed(ada: Person, bob: Person, folder: Path) -> None:
    assert [row[0] for row in listed(folder, bob.name)] == [token_id(bob.token)]


def test_a_revoked_token_is_refused_at_once_and_no_other(shared_people: People, shared_hub: Hub) -> None:
    first = shared_people.add()
    second = shared_people.add_token(first)
    assert first.client.authenticated_user.get() == second.client.authenticated_user.get()
    outcome = invoke("tokens", "revoke", token_id(first.token), data_dir=shared_hub.data_dir)
    assert outcome == (0, "", f"Revoked {token_id(first.token)}.\n")
    with pytest.raises(AuthenticationError, match="may have been revoked"):
        first.client.authenticated_user.get()
    assert second.client.authenticated_user.get()["username"] == first.name
    assert [row[0] for row in listed(shared_hub.data_dir, first.name)] == [token_id(second.token)]


def test_a_token_may_be_named_by_all_of_it(people: People, ada: Person, folder: Path) -> None:
    second = people.add_token(ada)
    outcome = invoke("tokens", "revoke", ada.token, data_dir=folder)
    assert outcome == (0, "", f"Revoked {token_id(ada.token)}.\n")
    assert [row[0] for row in listed(folder, ada.name)] == [token_id(second.token)]


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["create", "nobody-has-this"], "user"),
        (["list", "nobody-has-this"], "user"),
        (["revoke", "aaaaaaaaaaaa"], "token"),
        (["revoke", ""], "token"),
        (["revoke", "%"], "token"),
    ],
)
def test_what_is_not_there(folder: Path, arguments: list[str], what: str) -> None:
    outcome = invoke("tokens", *arguments, data_dir=folder)
    assert (outcome.status, outcome.stdout) == (1, "")
    assert outcome.stderr.startswith(f"Error: There is no {what} '")


@pytest.mark.parametrize("arguments", [["create", "\udcff"], ["list", "\udcff"], ["revoke", "\udcff"]])
def test_arguments_that_are_no_text(folder: Path, arguments: list[str]) -> None:
    outcome = invoke("tokens", *arguments, data_dir=folder)
    assert (outcome.status, outcome.stdout) == (1, "")
    assert outcome.stderr == "Error: An argument is not text in UTF-8.\n"


def test_a_label_that_is_no_text_makes_no_token(ada: Person, folder: Path) -> None:
    outcome = invoke("tokens", "create", ada.name, "--label", "\udcff", data_dir=folder)
    assert (outcome.status, outcome.stdout) == (1, "")
    assert len(listed(folder, ada.name)) == 1


def test_of_a_token_only_a_hash_of_its_secret_is_kept(people: People, folder: Path) -> None:
    ada = people.add()
    ada.client.authenticated_user.update({"bio": "Just so that the token was used."})
    files = b"".join(file.read_bytes() for file in folder.iterdir() if file.is_file())
    kept = files + repr(run_sql(folder, "SELECT * FROM tokens")).encode()
    _, public, secret = ada.token.split("_", 2)
    assert public.encode() in kept
    assert secret.encode() not in kept
    assert secret[:16].encode() not in kept


def test_no_token_is_like_another(people: People) -> None:
    tokens = [people.add().token for _ in range(20)]
    assert len({token_id(token) for token in tokens}) == len({token.split("_", 2)[2] for token in tokens}) == 20
