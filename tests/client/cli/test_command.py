"""The command as a whole: its help, its release, and what it needs.

When it changed on purpose: `UPDATE_HELP=1 pytest tests/client/cli/test_command.py`, and look at the difference.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import wriftai
from tests.client.cli.command import fails, invoke, written
from tests.client.processes import in_fresh_python
from tests.client.servers import Script, SocketServer, Visit, http
from wriftai.cli.refusals import refusals

GOLDEN = Path(__file__).with_name("help.txt")
COMMANDS: tuple[list[str], ...] = ([], ["init"], ["run"], ["push"], ["predict"], ["search"])


def shown(command: list[str]) -> str:
    outcome = invoke(*command, "--help", COLUMNS="100", TERM="dumb", NO_COLOR="1")
    assert (outcome.status, outcome.stderr) == (0, "")
    plain = re.sub(r"\x1b\[[0-9;]*m", "", outcome.stdout)
    return "\n".join(line.rstrip() for line in plain.strip().splitlines())


def test_the_help_is_as_it_was() -> None:
    text = (
        "\n\n".join(f"$ wriftai {' '.join([*command, '--help'])}\n{shown(command)}" for command in COMMANDS)
        + "\n"
    )
    if os.environ.get("UPDATE_HELP"):
        GOLDEN.write_text(text, encoding="utf-8")
    assert text == GOLDEN.read_text(encoding="utf-8"), f"If that is meant to be: {__doc__}"


def test_the_release_is_printed() -> None:
    assert invoke("--version").stdout == f"{wriftai.__version__}\n"


def test_without_a_verb_it_shows_its_help() -> None:
    assert invoke().status == 2


def script(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the installed command."""
    command = Path(sys.executable).with_name("wriftai")
    return subprocess.run([str(command), *arguments], capture_output=True, text=True, timeout=60, check=False)


def test_it_is_installed() -> None:
    done = script("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{wriftai.__version__}\n", "")


def started_without(missing: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Start the command where a module is not installed."""
    code = f"import sys; sys.modules[{missing!r}] = None; from wriftai import cli; cli.main()"
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("missing", ["typer", "wriftai_runtime", "uv"])
def test_what_it_needs_and_is_not_there_is_named(missing: str, tmp_path: Path) -> None:
    done = started_without(missing, "run", str(written(tmp_path)))
    assert (done.returncode, done.stdout) == (1, "")
    assert (
        done.stderr
        == f"Error: The command needs {missing}, which is not here: install the client with its extra 'cli'\n"
    )


def test_a_module_of_its_own_that_is_missing_is_a_fault_of_ours() -> None:
    assert "ModuleNotFoundError" in started_without("wriftai.cli._command").stderr


def test_the_help_loads_little() -> None:
    heavy = "{'httpx', 'yaml', 'wriftai_runtime', 'rich.progress'}"
    code = f"""
        import contextlib, io, sys
        sys.argv = ["wriftai", "--version"]
        from wriftai import cli
        with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):
            cli.main()
        print(sorted({heavy} & set(sys.modules)))
        """
    assert in_fresh_python(code) == "[]"


def test_a_fault_of_ours_is_not_hidden() -> None:
    with pytest.raises(KeyError), refusals():
        raise KeyError("ours")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["search", "\udcff"], "'WORDS'"),
        (["search", "a", "\udcff"], "'WORDS'"),
        (["predict", "\udcff/x", "-i", "a=1"], "'OWNER/NAME[:NUMBER]'"),
        (["predict", "ada/x", "-i", "a=1", "-i", "a=\udcff"], "'-i' / '--input'"),
        (["push", "--release-notes", "\udcff"], "'--release-notes'"),
    ],
)
def test_text_that_is_not_in_utf_8_is_refused_by_its_name(arguments: list[str], named: str) -> None:
    done = invoke(*arguments)
    assert (done.status, done.stdout) == (2, "")
    assert done.stderr.endswith(f"Error: Invalid value for {named}: It is not text in UTF-8.\n")


def test_names_of_folders_need_not_be_in_utf_8(tmp_path: Path) -> None:
    done = script("push", str(tmp_path / "\udcff"))
    assert (done.returncode, done.stdout) == (1, "")
    assert "is not a folder" in done.stderr


@pytest.mark.parametrize("token", ["a\nb", "\u00e9"])
def test_a_token_that_no_header_can_hold_is_named_and_not_shown(token: str, tmp_path: Path) -> None:
    for arguments in (["search", "a"], ["push", str(written(tmp_path))]):
        done = invoke(*arguments, WRIFTAI_ACCESS_TOKEN=token)
        assert (done.status, done.stdout) == (2, "")
        assert done.stderr == (
            "Error: WRIFTAI_ACCESS_TOKEN is no token: it takes visible ASCII characters, without spaces and line "
            "breaks between them.\n"
        )


@pytest.mark.parametrize("content", [b"<html>", b"\xff"])
def test_a_server_that_is_no_hub_is_said(content: bytes, tmp_path: Path) -> None:
    with SocketServer(answering_with(content)) as server:
        said = fails("push", str(written(tmp_path)), WRIFTAI_API_BASE_URL=server.address)
    assert "is the api_base_url a hub's, with its /v1?" in said


def answering_with(content: bytes) -> Script:
    def script(visit: Visit) -> None:
        visit.read_request()
        visit.send(http(content, "Content-Type: text/html"))

    return script


@pytest.mark.parametrize(
    ("path", "token", "said"),
    [
        ("/v1", "secret", "There is no such model."),
        ("/v1", "", "There is no such model. WRIFTAI_ACCESS_TOKEN is not set."),
        ("/v1/", " ", "There is no such model. WRIFTAI_ACCESS_TOKEN is not set."),
        ("", "secret", "There is no such model. Is WRIFTAI_API_BASE_URL right? It mostly ends with /v1."),
        ("/v2/", "", "There is no such model. Is WRIFTAI_API_BASE_URL right? It mostly ends with /v1."),
    ],
)
def test_what_may_be_why_nothing_is_found_is_named(path: str, token: str, said: str) -> None:
    reply = http(b'{"detail": "There is no such model."}', status="404 Not Found")
    with SocketServer(lambda visit: visit.send(reply) if visit.read_request() else None) as server:
        variables = {"WRIFTAI_API_BASE_URL": server.address + path, "WRIFTAI_ACCESS_TOKEN": token}
        assert fails("predict", "ada/x", **variables) == said
