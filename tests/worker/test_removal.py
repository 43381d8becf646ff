"""What models leave is removed, whatever it is, and nothing else."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tests.worker.conftest import Dig
from tests.worker.workshop import PATIENCE
from wriftai_server.worker.confinement.removal import remove_tree

# Root may do what the modes of folders forbid; without these rights it is like others with folders of their own.
RIGHTS = "-dac_override,-dac_read_search"
AS_OTHERS = ("setpriv", f"--bounding-set={RIGHTS}", f"--inh-caps={RIGHTS}")
SCRIPT = """
import sys
from pathlib import Path
from wriftai_server.worker.confinement.removal import remove_tree
remove_tree(Path(sys.argv[1]), seconds=float(sys.argv[2]))
"""
WRITER = """
import contextlib
import itertools
import os
for number in itertools.count():
    os.mkdir(f"{number}")
    with contextlib.suppress(FileNotFoundError):
        os.rmdir(f"{number - 100}")
"""


def removed_without_rights(folder: Path) -> str:
    """Remove a folder as somebody who is not root; give what is logged."""
    if os.getuid() == 0 and shutil.which("setpriv") is None:
        pytest.skip("only root without rights is like others")
    before = AS_OTHERS if os.getuid() == 0 else ()
    return subprocess.check_output([*before, sys.executable, "-c", SCRIPT, str(folder), "60"], text=True)


def closed(folder: Path) -> None:
    """Make folders that nobody may look into."""
    within = folder / "closed" / "within"
    within.mkdir(parents=True)
    (within / "file").touch()
    for each in (within, within.parent):
        each.chmod(0)


def test_folders_that_are_deep_or_closed_go_and_links_are_not_followed(tmp_path: Path, dig: Dig) -> None:
    folder, other = tmp_path / "folder", tmp_path / "other"
    other.mkdir()
    (other / "file").touch()
    dig(folder, levels=3000)
    closed(folder / "a")
    (folder / "link").symlink_to(other)
    (folder / "a" / "link").symlink_to(other)

    remove_tree(folder)

    assert [*tmp_path.iterdir()] == [other]
    assert [*other.iterdir()] == [other / "file"]


def test_closed_folders_of_ones_own_go_without_further_rights(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    closed(folder)
    closed(folder / "a")

    assert removed_without_rights(folder) == ""

    assert not folder.exists()


def test_what_cannot_be_removed_is_logged_and_stays(tmp_path: Path) -> None:
    fixed = tmp_path / "fixed"
    closed(fixed / "folder")
    fixed.chmod(0o500)

    said = removed_without_rights(fixed / "folder")

    assert "a folder could not be removed" in said
    assert "Permission denied" in said
    assert [*fixed.rglob("*")] == [fixed / "folder"]
    fixed.chmod(0o700)


def test_what_is_gone_already_or_is_no_folder(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(tmp_path)
    with capture_logs() as logged:
        remove_tree(tmp_path / "gone")
        assert logged == []
        remove_tree(link)
    assert [(line["event"], line["folder"]) for line in logged] == [("a folder could not be removed", str(link))]
    assert link.is_symlink()


def test_those_who_go_on_writing_are_not_waited_for(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    with subprocess.Popen([sys.executable, "-c", WRITER], cwd=folder) as writer:
        try:
            while not any(folder.iterdir()):
                assert writer.poll() is None
            command = [sys.executable, "-c", SCRIPT, str(folder), "1"]
            subprocess.run(command, check=True, timeout=PATIENCE)
        finally:
            writer.kill()
            writer.wait()
            remove_tree(folder)
    assert not folder.exists()
