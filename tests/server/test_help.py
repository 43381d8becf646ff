"""What the command says of itself, word for word.

When it changed on purpose: `UPDATE_HELP=1 pytest tests/server/test_help.py`, and look at the difference.
"""

import os
import re
from pathlib import Path

from tests.server.command import invoke

GOLDEN = Path(__file__).with_name("help.txt")
COMMANDS: tuple[list[str], ...] = (
    [],
    ["serve"],
    ["worker"],
    ["import"],
    ["backup"],
    ["restore"],
    ["copy"],
    ["users"],
    ["users", "create"],
    ["users", "list"],
    ["users", "webhook-secret"],
    ["tokens"],
    ["tokens", "create"],
    ["tokens", "list"],
    ["tokens", "revoke"],
)


def shown(command: list[str]) -> str:
    outcome = invoke(*command, "--help", COLUMNS="100", TERM="dumb", NO_COLOR="1")
    assert (outcome.status, outcome.stderr) == (0, "")
    plain = re.sub(r"\x1b\[[0-9;]*m", "", outcome.stdout)
    return "\n".join(line.rstrip() for line in plain.strip().splitlines())


def test_the_help_is_as_it_was() -> None:
    text = "\n\n".join(
        f"$ wriftai-server {' '.join([*command, '--help'])}\n{shown(command)}" for command in COMMANDS
    )
    if os.environ.get("UPDATE_HELP"):
        GOLDEN.write_text(f"{text}\n", encoding="utf-8")
    assert f"{text}\n" == GOLDEN.read_text(encoding="utf-8"), f"If that is meant to be: {__doc__}"


def test_every_setting_of_a_hub_is_in_it() -> None:
    serve = shown(["serve"])
    for name in (
        "DATA_DIR",
        "HOST",
        "PORT",
        "PUBLIC_URL",
        "HARDWARE",
        "RATE_LIMIT",
        "WEBHOOK_ALLOW",
        "OBJECT_STORE",
        "NO_WORKER",
        "IDLE_SECONDS",
        "RETENTION_DAYS",
        "LOG_LEVEL",
        "WORKERS",
    ):
        assert f"WRIFTAI_{name}" in serve


def test_brackets_are_shown() -> None:
    assert "[[hardware]] table" in shown(["serve"])
