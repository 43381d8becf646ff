"""Folders of sandboxes: each worker has its own, and removes those that others left."""

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.system.test_confinement import WITHOUT_NAMESPACES
from wriftai_server.settings import WorkerSettings
from wriftai_server.worker.confinement import sandbox
from wriftai_server.worker.confinement.sandbox import Sandboxes


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data" / "runtimes" / "cells"


@pytest.fixture
def make(folder: Path) -> Iterator[Callable[[], Sandboxes]]:
    """Give what makes the sandboxes of one more worker; it stops at the end."""
    made: list[Sandboxes] = []

    def make_one() -> Sandboxes:
        made.append(Sandboxes(folder, WorkerSettings()))
        return made[-1]

    yield make_one
    for each in made:
        asyncio.run(each.close())
    assert [*folder.iterdir()] == []


def test_what_killed_workers_left_goes_and_what_others_have_stays(
    folder: Path, make: Callable[[], Sandboxes]
) -> None:
    make().open()
    [kept] = folder.iterdir()
    for name in ("1-killed", "2-killed-at-its-end"):
        (folder / name / "0123" / "scratch").mkdir(parents=True)
    (folder / "1-killed" / "lock").touch()

    make().open()

    assert kept in folder.iterdir()
    assert len([*folder.iterdir()]) == 2


# As one worker is about to lock its new folder, another one starts, and has time to look at what is there.
STARTING = """
import sys, threading
from pathlib import Path
from wriftai_server.settings import WorkerSettings
from wriftai_server.worker.confinement.sandbox import Sandboxes

folder, others = Path(sys.argv[1]), []

def interrupt(event, arguments):
    if event == "open" and str(arguments[0]).endswith("/lock") and not others:
        others.append(threading.Thread(target=Sandboxes(folder, WorkerSettings()).open))
        others[0].start()
        others[0].join(2)

sys.addaudithook(interrupt)
Sandboxes(folder, WorkerSettings()).open()
others[0].join()
print(len([*folder.glob("*/lock")]))
"""


def test_a_worker_that_just_starts_is_left_alone(folder: Path) -> None:
    command = [sys.executable, "-c", STARTING, str(folder)]
    assert subprocess.check_output(command, text=True).splitlines()[-1] == "2"


@pytest.mark.skipif(os.getuid() != 0, reason="only root gives sandboxes users of their own")
def test_a_user_is_free_again_when_its_sandbox_is_removed(
    make: Callable[[], Sandboxes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """That of the trial at the start, too."""
    monkeypatch.setattr(sandbox, "_USERS", range(64200, 64201))
    sandboxes = make()
    sandboxes.open()

    for _ in range(2):
        made = sandboxes.make()
        assert made.user == 64200
        asyncio.run(sandboxes.remove(made))


# As a worker is about to close a file to other users, someone removes it.
CLOSING = """
import os, sys
from pathlib import Path
from wriftai_server.settings import WorkerSettings
from wriftai_server.worker.confinement.sandbox import Sandboxes

def remove(event, arguments):
    if event == "os.chmod" and str(arguments[0]).endswith("/passing"):
        os.unlink(arguments[0])

sys.addaudithook(remove)
Sandboxes(Path(sys.argv[1]), WorkerSettings()).open()
"""


@pytest.mark.skipif(
    os.getuid() != 0 or shutil.which("setpriv") is None, reason="only root has rights to do without"
)
def test_without_namespaces_only_what_is_in_the_data_folder_is_closed(folder: Path, tmp_path: Path) -> None:
    data_dir, elsewhere = folder.parents[1], tmp_path / "elsewhere"
    for made in (data_dir, elsewhere):
        made.mkdir()
        made.chmod(0o755)
    (data_dir / "link").symlink_to(elsewhere)
    (data_dir / "dangling").symlink_to(tmp_path / "nowhere")
    for name in ("passing", "kept"):
        (data_dir / name).touch(0o644)

    subprocess.run([*WITHOUT_NAMESPACES, sys.executable, "-c", CLOSING, str(folder)], check=True)

    assert not (data_dir / "passing").exists()
    modes = [path.stat().st_mode & 0o777 for path in (elsewhere, data_dir / "kept", data_dir)]
    assert modes == [0o755, 0o600, 0o711]
