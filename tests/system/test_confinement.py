"""Machines whose kernel does not allow all of the confinement: it is said, and what is left still holds."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import pytest

from tests.hubs import COMMAND
from tests.system.folders import add_user
from wriftai_server.database.opening import FILE_NAME

# Without this right, root may make no namespaces: so it is in Docker's containers.
WITHOUT_NAMESPACES = ("setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin")
# Whoever runs at the lowest priority of all may take no other without this right.
WITHOUT_PRIORITIES = ("setpriv", "--bounding-set=-sys_nice", "--inh-caps=-sys_nice", "chrt", "--idle", "0")
SYSTEM_PYTHON = Path("/usr/bin/python3")

pytestmark = pytest.mark.skipif(
    os.getuid() != 0 or shutil.which("setpriv") is None, reason="only root has rights to do without"
)

SCRIPT = """
import json, sys
from collections.abc import Iterator
from pathlib import Path
from tests.system.test_escapes import ATTACKER
from tests.worker.workshop import Workshop
folder = Path(sys.argv[1])
workshop = Workshop(folder)
version = workshop.push(ATTACKER, python=sys.argv[2])
found = []
for code in sys.argv[3:]:
    found.append(workshop.predict(version, code=code))
workshop.close()
print("RESULT", json.dumps(found))
"""


def attacked(launcher: Sequence[str], data_dir: Path, *attacks: str) -> tuple[list[Any], str]:
    """Run some code as a model of a worker that a command starts; give the predictions, and what was said."""
    version = subprocess.check_output(
        [SYSTEM_PYTHON, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"], text=True
    ).strip()
    ended = subprocess.run(
        [*launcher, sys.executable, "-c", SCRIPT, str(data_dir), version, *attacks],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=Path.cwd(),
        env={**os.environ, "PATH": "/usr/bin:/bin"},
    )
    said, found, results = ended.stdout.partition("RESULT ")
    assert found, ended.stderr
    return json.loads(results), said + ended.stderr


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Make a folder that all users may pass through, as those of pytest are not."""
    folder = Path("/var/tmp") / f"wriftai-confinement-{os.getpid()}"  # noqa: S108  its name is its own
    folder.mkdir(mode=0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def shared_file() -> Iterator[Path]:
    """Make a file that all users may read, in the temporary folder of the machine."""
    with NamedTemporaryFile(dir="/tmp") as file:
        Path(file.name).chmod(0o644)
        yield Path(file.name)


def test_a_worker_may_refuse_to_run_models_that_it_cannot_lock_in(tmp_path: Path) -> None:
    add_user(tmp_path, "ada")
    command = [*WITHOUT_NAMESPACES, *COMMAND, "worker", "--confinement", "required", "--data-dir", str(tmp_path)]

    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)

    assert ended.returncode == 1
    assert "Error: Models cannot be locked in: this machine lacks namespaces" in ended.stderr
    assert "--confinement best-effort" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not list((tmp_path / "runtimes" / "cells").iterdir())


@pytest.mark.skipif(not SYSTEM_PYTHON.exists(), reason="models need a Python that all users may execute")
def test_without_namespaces_the_data_folder_is_closed_and_nothing_is_left_running(
    open_folder: Path, shared_file: Path
) -> None:
    data_dir = open_folder / "data"
    attacks = [
        f"open({str(data_dir / FILE_NAME)!r}, 'rb')",
        f"import os; os.listdir({str(data_dir)!r})",
        f"open({str(shared_file)!r})",
        f"open({f'{shared_file}.new'!r}, 'w')",
        "import os; result = os.getuid()",
        "import subprocess; subprocess.Popen(['setsid', 'sleep', '314159']); import os; os._exit(7)",
    ]

    (*refused, user, left), said = attacked(WITHOUT_NAMESPACES, data_dir, *attacks)

    assert "confinement is not whole" in said
    assert ["Permission denied" in each["error"]["message"] for each in refused] == [True] * 4
    assert user["output"] not in (None, "0")
    assert left["error"]["detail"] == {"exit": 7}
    assert not [
        line
        for line in subprocess.check_output(["ps", "-e", "-o", "args"], text=True).splitlines()
        if "314159" in line
    ]


@pytest.mark.skipif(not SYSTEM_PYTHON.exists(), reason="models need a Python that all users may execute")
def test_where_no_priority_may_be_chosen_models_run_all_the_same(open_folder: Path) -> None:
    (prediction,), _ = attacked(
        WITHOUT_PRIORITIES, open_folder / "data", "import os; result = os.sched_getscheduler(0)"
    )

    assert prediction["output"] == str(os.SCHED_IDLE), prediction["error"]
