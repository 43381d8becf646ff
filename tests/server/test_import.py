"""Loading a catalogue of models."""

import asyncio
import gzip
import json
import os
import signal
import subprocess
import tracemalloc
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.databases import address_of, open_in
from tests.hubs import COMMAND
from tests.server.command import Outcome, invoke
from tests.server.people import Person
from tests.server.samples import add_model, new_name
from wriftai_server.database import feed
from wriftai_server.models import loading


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "models.jsonl"


def line(name: str, **params: Any) -> str:
    return json.dumps({"name": name, "hardware_identifier": "cpu", "visibility": "public", **params})


def load(file: Path, owner: str | None, folder: Path, *lines: str, create_owners: bool = False) -> Outcome:
    if lines:
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    options = [*(["--owner", owner] if owner else []), *(["--create-owners"] if create_owners else [])]
    outcome = invoke("import", str(file), *options, data_dir=folder)
    assert outcome.stdout == ""
    return outcome


def piped_into(owner: Person, folder: Path, file: str = "-") -> list[str]:
    """Give the command that imports its standard input, or a file."""
    database = [] if (address := address_of(folder)) is None else ["--database", address]
    return [*COMMAND, "import", file, "--owner", owner.name, "--data-dir", str(folder), *database]


def names(owner: Person) -> list[str]:
    return [model["name"] for model in owner.client.authenticated_user.models({"page_size": 100}).iter_all()]


def test_a_running_hub_shows_the_models_at_once_in_the_order_of_the_lines(
    ada: Person, anyone: Person, file: Path, folder: Path
) -> None:
    add_model(ada, "before")
    full = {
        "description": "① of many.",
        "source_url": "https://example.org/s",
        "license_url": "https://example.org/l",
        "paper_url": None,
    }
    outcome = load(
        file, ada.name.upper(), folder, line("zz", **full), line("Aa", visibility="private"), line("m.1_x-y")
    )
    assert outcome.status == 0
    assert "Importing models" in outcome.stderr
    assert "100%" in outcome.stderr
    assert outcome.stderr.endswith("3 created, 0 there already, 0 bad lines.\n")
    assert names(ada) == ["before", "zz", "Aa", "m.1_x-y"]
    add_model(ada, "after")
    assert names(ada)[-1] == "after"
    shown: dict[str, Any] = {**anyone.client.models.get(ada.name, "ZZ")}
    assert {name: shown[name] for name in full} == full
    assert (shown["visibility"], shown["hardware"]["identifier"]) == ("public", "cpu")
    assert (shown["latest_version"], shown["predictions_count"], shown["updated_at"]) == (None, 0, None)
    assert anyone.send("GET", f"/models/{ada.name}/Aa").status_code == 404


def test_models_are_private_unless_their_line_says_otherwise(ada: Person, file: Path, folder: Path) -> None:
    assert load(file, ada.name, folder, '{"name": "quiet", "hardware_identifier": "cpu"}').status == 0
    assert ada.client.models.get(ada.name, "quiet")["visibility"] == "private"


def test_models_that_are_there_stay_as_they_are(ada: Person, file: Path, folder: Path) -> None:
    kept = add_model(ada, "KEPT", description="By hand.")
    outcome = load(file, ada.name, folder, line("kept", description="Lost."), line("new"), line("NEW"))
    assert outcome.status == 0
    assert outcome.stderr.endswith("1 created, 2 there already, 0 bad lines.\n")
    assert ada.client.models.get(ada.name, "kept") == kept
    assert names(ada) == ["KEPT", "new"]


def test_an_interrupted_import_goes_on_with_what_is_missing(ada: Person, file: Path, folder: Path) -> None:
    lines = [line(f"model-{n:04}") for n in range(2300)]
    for some, counts in (
        (lines[:1200], "1,200 created, 0 there already"),
        (lines, "1,100 created, 1,200 there already"),
        (lines, "0 created, 2,300 there already"),
    ):
        outcome = load(file, ada.name, folder, *some)
        assert outcome.status == 0
        assert outcome.stderr.endswith(f"{counts}, 0 bad lines.\n")
    assert names(ada) == [f"model-{n:04}" for n in range(2300)]


def test_bad_lines_are_reported_by_number_and_left_out(ada: Person, file: Path, folder: Path) -> None:
    lines = [
        line("first"),
        line("no name!"),
        line("far", hardware_identifier="h100"),
        '{"name": "half',
        "[1]",
        '"text"',
        '{"hardware_identifier": "cpu"}',
        line("odd", colour="red", source_url="nowhere"),
        line("secret", visibility="hidden"),
        line("nul", description="a\0b"),
        "[" * 100_000,
        '{"name": 5, "name": "twice", "hardware_identifier": "cpu"}',
        line("last"),
    ]
    outcome = load(file, ada.name, folder, *lines)
    assert outcome.status == 1
    reports = [text for text in outcome.stderr.splitlines() if text.startswith("line ")]
    assert [text.split(":")[0] for text in reports] == [f"line {number}" for number in range(2, 12)]
    for report, reason in zip(
        reports,
        [
            "name: Expected: 1 to 128 letters, digits, dots, underscores and dashes, the first a letter or",
            "hardware_identifier: There is no hardware 'h100'",
            "line 4: The line is not JSON in UTF-8",
            "Expected `object`, got `array`",
            "Expected `object`, got `str`",
            "name: This field is missing",
            "source_url: Expected: Absolute http(s) URL of at most 2,048 characters",
            "visibility: Invalid enum value 'hidden'",
            "description: Expected: At most 10,000 characters, none of them U+0000",
            "line 11: The line is nested too deeply",
        ],
        strict=True,
    ):
        assert reason in report
    assert "colour: There is no such field here" in reports[6]
    assert outcome.stderr.endswith("3 created, 0 there already, 10 bad lines.\n")
    assert names(ada) == ["first", "twice", "last"]


def test_bad_lines_of_all_batches_are_reported(ada: Person, file: Path, folder: Path) -> None:
    lines = [line(f"m{n}") if n % 700 else "bad" for n in range(1, 2101)]
    outcome = load(file, ada.name, folder, *lines)
    assert [text.split(":")[0] for text in outcome.stderr.splitlines() if text.startswith("line ")] == [
        "line 700",
        "line 1400",
        "line 2100",
    ]
    assert outcome.stderr.endswith("2,097 created, 0 there already, 3 bad lines.\n")


def test_marks_at_the_beginning_blank_lines_and_line_ends(ada: Person, file: Path, folder: Path) -> None:
    text = f"\ufeff{line('one')}\r\n\r\n   \n{line('two')}\n\t{line('three')}  \n\n{line('four')}"
    file.write_bytes(text.encode())
    outcome = load(file, ada.name, folder)
    assert outcome.status == 0
    assert names(ada) == ["one", "two", "three", "four"]


def test_bytes_that_are_no_text(ada: Person, file: Path, folder: Path) -> None:
    file.write_bytes(b'{"name": "a", "hardware_identifier": "cpu", "description": "\xff"}\n\xff\xfe\n')
    outcome = load(file, ada.name, folder)
    assert outcome.status == 1
    assert outcome.stderr.endswith("0 created, 0 there already, 2 bad lines.\n")


def test_a_line_without_an_end_is_bad_and_does_not_fill_the_memory(ada: Person, file: Path, folder: Path) -> None:
    good = f"\n{line('good')}\n".encode()
    with file.open("wb") as content:
        content.write(b"{}\n[")
        content.truncate(256 * 1024**2)
        content.seek(0, os.SEEK_END)
        content.write(good)
    tracemalloc.start()
    try:
        outcome = load(file, ada.name, folder)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert [line[:8] for line in outcome.stderr.splitlines()[:2]] == ["line 1: ", "line 2: "]
    assert names(ada) == ["good"]
    assert most < 64 * 1024**2


def test_the_standard_input(ada: Person, folder: Path) -> None:
    lines = f"{line('one')}\n{{}}\n{line('two')}\n"
    done = subprocess.run(piped_into(ada, folder), input=lines, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "line 2: " in done.stderr
    assert sorted(names(ada)) == ["one", "two"]


def test_a_standard_input_that_pauses_holds_up_no_batch_and_can_be_left(ada: Person, folder: Path) -> None:
    lines = [line(f"model-{number}") + "\n" for number in range(2_001)]
    with subprocess.Popen(
        piped_into(ada, folder),
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Tests that run in the background ignore it, and so would what they start.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    ) as importing:
        assert importing.stdin is not None
        assert importing.stderr is not None
        importing.stdin.writelines(lines)
        importing.stdin.flush()
        while not names(ada):
            assert importing.poll() is None
        importing.send_signal(signal.SIGINT)
        assert importing.wait(60) == 130
        assert "Fatal" not in importing.stderr.read()
    assert len(names(ada)) == 2_000


def test_a_pipe_with_a_name_can_be_left_while_it_pauses(ada: Person, file: Path, folder: Path) -> None:
    os.mkfifo(file)
    with (
        subprocess.Popen(
            piped_into(ada, folder, str(file)),
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
        ) as importing,
        file.open("w") as pipe,
    ):
        pipe.writelines(line(f"model-{number}") + "\n" for number in range(2_001))
        pipe.flush()
        while not names(ada):
            assert importing.poll() is None
        importing.send_signal(signal.SIGINT)
        try:
            assert importing.wait(20) == 130
        finally:
            importing.kill()


def test_a_standard_input_that_cannot_be_read(ada: Person, folder: Path) -> None:
    with (folder.parent / "written-only").open("wb") as file:
        importing = subprocess.run(
            piped_into(ada, folder),
            stdin=file,
            capture_output=True,
            text=True,
            check=False,
        )
    assert importing.returncode == 2
    assert "Bad file descriptor" in importing.stderr


def test_an_empty_file_is_no_fault(ada: Person, file: Path, folder: Path) -> None:
    file.touch()
    outcome = load(file, ada.name, folder)
    assert outcome.status == 0
    assert outcome.stderr.endswith("0 created, 0 there already, 0 bad lines.\n")


def test_an_unknown_owner(file: Path, folder: Path) -> None:
    outcome = load(file, "nobody-has-this", folder, line("lost"))
    assert outcome.status == 1
    assert "Error: There is no user '" in outcome.stderr


def test_each_line_names_its_owner(ada: Person, bob: Person, file: Path, folder: Path) -> None:
    outcome = load(
        file,
        None,
        folder,
        line("of-ada", owner=ada.name),
        line("of-bob", owner=bob.name.upper()),
        line("lost", owner=new_name()),
        line("nobodys"),
        line("odd", owner="no name!"),
        line("of-ada", owner=bob.name),
    )
    assert outcome.status == 1
    reports = [text for text in outcome.stderr.splitlines() if text.startswith("line ")]
    for report, (number, reason) in zip(
        reports,
        [
            (3, "owner: There is no user 'model-"),
            (4, "owner: This field is missing"),
            (5, "owner: Expected: 1 to 63 letters, digits, underscores and dashes"),
        ],
        strict=True,
    ):
        assert report.startswith(f"line {number}: {reason}")
    assert outcome.stderr.endswith("3 created, 0 there already, 3 bad lines.\n")
    assert names(ada) == ["of-ada"]
    assert names(bob) == ["of-bob", "of-ada"]


def test_a_line_names_no_owner_where_the_command_does(ada: Person, file: Path, folder: Path) -> None:
    outcome = load(file, ada.name, folder, line("odd", owner=ada.name))
    assert outcome.status == 1
    assert "line 1: owner: There is no such field here" in outcome.stderr


def test_owners_that_are_missing_are_added_without_tokens(
    ada: Person, anyone: Person, file: Path, folder: Path
) -> None:
    stranger = f"Stranger-{new_name()}"
    some = [line(f"m{number}", owner=owner) for number in range(2) for owner in (stranger, ada.name)]
    for created, present in ((4, 0), (0, 4)):
        outcome = load(file, None, folder, *some, line("m0", owner=stranger.lower()), create_owners=True)
        assert outcome.status == 0
        assert outcome.stderr.endswith(f"{created} created, {present + 1} there already, 0 bad lines.\n")
    assert names(ada) == ["m0", "m1"]
    assert anyone.client.models.get(stranger, "m1")["owner"]["username"] == stranger
    assert invoke("tokens", "list", stranger, data_dir=folder) == Outcome(0, "", "")


def test_the_one_owner_of_all_is_added_as_well(anyone: Person, file: Path, folder: Path) -> None:
    stranger = new_name()
    assert load(file, stranger, folder, line("m"), create_owners=True).status == 0
    assert anyone.client.models.get(stranger, "m")["owner"]["username"] == stranger


def test_the_feed_names_models_that_are_new_and_no_others(ada: Person, file: Path, folder: Path) -> None:
    async def load_and_read(lines: list[bytes]) -> list[str]:
        database = open_in(folder)
        try:
            async with database.reading() as view:
                since = await feed.last(view)
            async for _ in loading.load(database, lines, owner=ada.name):
                pass
            async with database.reading() as view:
                return [note.subject_id for note in await feed.after(view, since, limit=100) or ()]
        finally:
            await database.close()

    ids = [
        asyncio.run(load_and_read([line(name).encode() for name in some])) for some in (["a", "b"], ["b", "c"])
    ]
    made = {name: ada.client.models.get(ada.name, name)["id"] for name in "abc"}
    assert [sorted(some) for some in ids] == [sorted([made["a"], made["b"]]), [made["c"]]]


def test_a_file_that_is_not_there(file: Path, tmp_path: Path, folder: Path) -> None:
    for path in (file, tmp_path):
        outcome = invoke("import", str(path), "--owner", "ada", data_dir=folder)
        assert (outcome.status, outcome.stdout) == (2, "")
        assert "Invalid value for" in outcome.stderr


def test_a_compressed_file_is_not_read_line_by_line(ada: Person, file: Path, folder: Path) -> None:
    file.write_bytes(gzip.compress(line("one").encode()))
    outcome = load(file, ada.name, folder)
    assert (outcome.status, outcome.stdout) == (2, "")
    assert "is compressed: zcat" in " ".join(outcome.stderr.split())


def test_what_fails_beside_the_file_is_not_told_of_the_file(
    ada: Person, file: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def load_and_fail(*_: object, **__: object) -> AsyncIterator[loading.Batch]:
        yield loading.Batch(1, 1, 0, [])
        raise OSError("Beside it.")

    monkeypatch.setattr(loading, "load", load_and_fail)
    with pytest.raises(OSError, match=r"^Beside it\.$"):
        load(file, ada.name, folder, line("one"))


def test_a_folder_on_which_no_hub_ran_yet(file: Path, tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    invoke("users", "create", "ada", data_dir=data_dir)
    assert load(file, "ada", data_dir, line("early")).status == 0
