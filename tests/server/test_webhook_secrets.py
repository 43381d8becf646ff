"""The secret that signs a user's webhooks."""

import re
from pathlib import Path

from tests.databases import run_sql
from tests.server.command import invoke
from tests.server.people import Person

SECRET = re.compile(r"wriftai_webhook_[A-Za-z0-9_-]{43}\n")


def stored(folder: Path, name: str) -> str | None:
    ((secret,),) = run_sql(folder, "SELECT webhook_secret FROM users WHERE username = ?", name)
    return None if secret is None else str(secret)


def test_a_new_secret_is_printed_and_nothing_else(ada: Person, bob: Person, folder: Path) -> None:
    assert stored(folder, ada.name) is None
    seen = set()
    for _ in range(2):
        outcome = invoke("users", "webhook-secret", ada.name.upper(), data_dir=folder)
        assert (outcome.status, outcome.stderr) == (0, "")
        assert SECRET.fullmatch(outcome.stdout)
        assert stored(folder, ada.name) == outcome.stdout.strip()
        seen.add(outcome.stdout)
    assert len(seen) == 2
    assert stored(folder, bob.name) is None


def test_a_secret_is_removed_whether_or_not_there_is_one(ada: Person, folder: Path) -> None:
    invoke("users", "webhook-secret", ada.name, data_dir=folder)
    for _ in range(2):
        outcome = invoke("users", "webhook-secret", ada.name, "--remove", data_dir=folder)
        assert outcome == (0, "", f"Webhooks of {ada.name} are no longer signed.\n")
        assert stored(folder, ada.name) is None


def test_a_secret_is_shown_to_nobody(ada: Person, bob: Person, folder: Path) -> None:
    invoke("users", "webhook-secret", ada.name, data_dir=folder)
    for person in (ada, bob):
        for path in ("/user", f"/users/{ada.name}", "/users?page_size=100"):
            answer = person.send("GET", path)
            assert answer.status_code == 200
            assert "webhook" not in answer.text


def test_a_user_who_is_not_there(folder: Path) -> None:
    for options in ([], ["--remove"]):
        outcome = invoke("users", "webhook-secret", "nobody-has-this", *options, data_dir=folder)
        assert (outcome.status, outcome.stdout) == (1, "")
        assert outcome.stderr.startswith("Error: There is no user 'nobody-has-this'")
