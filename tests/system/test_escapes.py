"""Model code that tries to get out: what it reads, writes, starts and uses beyond its own is refused, or ended.

What is not contained is said in docs/guides/running-models.md.
"""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.worker.workshop import Workshop
from wriftai.predictions import PredictionWithIO
from wriftai_server.database.opening import FILE_NAME
from wriftai_server.worker.confinement.sandbox import Unconfined

ATTACKER = """
    class Predictor:
        def predict(self, code: str) -> str:
            found = {}
            exec(code, found)
            return str(found.get("result"))
"""
SECRET = "the-operators-secret"


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    limits = {"memory_mb": 600, "disk_mb": 64, "max_processes": 60, "prediction_seconds": 20}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WRIFTAI_SECRET", SECRET)
        try:
            made = Workshop(tmp_path_factory.mktemp("escapes") / "data", confinement="required", **limits)
        except Unconfined as error:
            pytest.skip(str(error))
        yield made
        made.close()


@pytest.fixture(scope="module")
def version(workshop: Workshop) -> str:
    return workshop.push(ATTACKER)


@pytest.fixture
def attack(workshop: Workshop, version: str) -> Iterator[Any]:
    """Run some code as a model; afterwards the worker has to be as well as before."""

    def run(code: str) -> PredictionWithIO:
        return workshop.predict(version, code=textwrap.dedent(code))

    yield run
    assert result_of(run("result = 'well'")) == "well"


def result_of(prediction: PredictionWithIO) -> str:
    assert prediction["status"] == "succeeded", prediction["error"]
    return str(prediction["output"])


def refused(prediction: PredictionWithIO, *errors: str) -> None:
    """Check that an attempt ended in one of some errors of the system."""
    error = prediction["error"]
    assert prediction["status"] == "failed"
    assert error is not None
    assert error["source"] == "external"
    assert any(each in str(error["detail"]) for each in errors), error


def processes_with(word: str) -> list[int]:
    """Find what runs with a word in its command line."""
    found = []
    for process in Path("/proc").iterdir():
        try:
            if process.name.isdecimal() and word.encode() in (process / "cmdline").read_bytes():
                found.append(int(process.name))
        except OSError:
            continue
    return found


def gone(word: str) -> bool:
    """Wait until nothing runs with a word in its command line."""
    for _ in range(200):
        if not processes_with(word):
            return True
        time.sleep(0.05)
    return False


def test_the_database_cannot_be_read(workshop: Workshop, attack: Any) -> None:
    file = workshop.data_dir.absolute() / FILE_NAME
    refused(attack(f"open({str(file)!r}, 'rb')"), "FileNotFoundError", "PermissionError")
    refused(
        attack(f"import sqlite3; sqlite3.connect({str(file)!r}).execute('PRAGMA user_version')"),
        "unable to open database file",
    )


def test_nothing_but_its_own_is_seen_in_the_data_folder(workshop: Workshop, attack: Any) -> None:
    seen = result_of(
        attack(
            f"""
            import os
            result = [path for path, _, files in os.walk({str(workshop.data_dir.absolute())!r}) if files]
            """
        )
    )
    allowed = ("runtimes/package", "runtimes/environments", "runtimes/images", "runtimes/cells")
    folders = list(eval(seen))  # noqa: S307  our own list of text
    assert folders
    assert all(any(f"/data/{each}" in path for each in allowed) for path in folders)


def test_the_image_of_another_model_cannot_be_read(workshop: Workshop, attack: Any) -> None:
    other = workshop.push("class Predictor:\n    def predict(self) -> str:\n        return 'secret'\n")
    assert result_of(workshop.predict(other)) == "secret"
    images = workshop.data_dir.absolute() / "runtimes" / "images"
    assert len(list(images.iterdir())) >= 2

    seen = result_of(attack(f"import os; result = len(os.listdir({str(images)!r}))"))

    assert seen == "1"
    for image in images.iterdir():
        if "secret" in (image / "model" / "predict.py").read_text():
            refused(
                attack(f"open({str(image / 'model' / 'predict.py')!r})"), "FileNotFoundError", "PermissionError"
            )


@pytest.mark.parametrize(
    "place",
    [
        "/etc/passwd",
        "/usr/bin/new",
        "/new",
        "/proc/sys/kernel/core_pattern",
        "/sys/power/state",
        "{model}",
        "{python}",
    ],
)
def test_nothing_is_written_outside_of_its_own_folder(attack: Any, place: str) -> None:
    code = f"""
        import sys
        model = __import__("predict").__file__
        python = sys.executable
        open(f{place!r}, "ab").write(b"x")
    """
    refused(attack(code), "PermissionError", "Read-only file system", "FileNotFoundError")


def test_what_others_keep_in_the_temporary_folder_of_the_machine_is_not_seen(attack: Any, tmp_path: Path) -> None:
    (tmp_path / "private").write_text(SECRET)
    refused(attack(f"open({str(tmp_path / 'private')!r})"), "FileNotFoundError", "PermissionError")


def test_the_variables_of_the_worker_cannot_be_read(attack: Any) -> None:
    own = result_of(attack("import os; result = dict(os.environ)"))
    every = result_of(
        attack(
            """
            import glob
            result = ""
            for name in glob.glob("/proc/[0-9]*/environ"):
                try:
                    result += open(name, "rb").read().decode()
                except PermissionError:
                    pass
            """
        )
    )
    for seen in (own, every):
        assert "PATH" in seen
        assert "WRIFTAI" not in seen
        assert SECRET not in seen


def test_no_process_but_its_own_is_seen_and_none_can_be_killed(attack: Any) -> None:
    seen = result_of(
        attack(
            """
            import os
            result = sorted(int(name) for name in os.listdir("/proc") if name.isdecimal())
            """
        )
    )
    assert len(eval(seen)) <= 3  # noqa: S307  our own list of numbers
    # The worker, which no number leads to; and the first process of the namespace, which ignores it.
    refused(attack(f"import os; os.kill({os.getpid()}, 9)"), "ProcessLookupError", "PermissionError")
    refused(attack(f"import os; os.kill({os.getppid()}, 9)"), "ProcessLookupError", "PermissionError")
    assert attack("import os; os.kill(1, 9)")["status"] in ("succeeded", "failed")


def test_killing_everything_kills_only_itself(attack: Any) -> None:
    ended = attack("import os; os.kill(-1, 9); import time; time.sleep(5)")
    assert ended["status"] in ("succeeded", "failed")


def test_a_fork_bomb_goes_off_in_its_own_cell(workshop: Workshop, attack: Any) -> None:
    ended = attack(
        """
        import os
        while True:
            try:
                os.fork()
            except OSError:
                pass
        """
    )
    assert (ended["error"] or {})["message"] == "The model started more processes and threads than it may."


def test_what_it_starts_does_not_outlive_it(attack: Any) -> None:
    word = f"outliving-{os.getpid()}"
    ended = attack(
        f"""
        import os, subprocess, sys
        code = "import os, signal, sys, time; signal.signal(15, 1); time.sleep(300)"
        subprocess.Popen(["setsid", sys.executable, "-c", code, {word!r}])
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                subprocess.Popen([sys.executable, "-c", code, {word!r}])
                os._exit(0)
            os._exit(0)
        import time
        time.sleep(1)
        os._exit(3)
        """
    )
    assert ended["status"] == "failed"
    assert (ended["error"] or {})["detail"] == {"exit": 3}
    assert gone(word)


def test_ignoring_the_signal_to_end_does_not_help(workshop: Workshop, version: str, attack: Any) -> None:
    word = f"deaf-{os.getpid()}"
    code = f"""
        import os, signal, subprocess, sys, time
        for number in range(1, 65):
            try:
                signal.signal(number, signal.SIG_IGN)
            except (OSError, ValueError):
                pass
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)", {word!r}])
        print("deaf")
        while True:
            try:
                time.sleep(300)
            except BaseException:
                pass
    """
    prediction = workshop.create(version, code=textwrap.dedent(code))
    while ("log", "deaf") not in workshop.events(prediction):
        assert workshop.look(prediction)["status"] in ("pending", "started")
        workshop.run(0.05)
    workshop.cancel(prediction)

    assert workshop.ended(prediction)["status"] == "cancelled"
    assert gone(word)


def test_the_disk_is_not_filled(attack: Any) -> None:
    ended = attack(
        """
        import os
        number = 0
        while True:
            number += 1
            with open(f"{os.environ['TMPDIR']}/{number}", "wb") as file:
                file.write(os.urandom(1024 * 1024))
        """
    )
    assert (ended["error"] or {})["detail"] == {"excess": "disk"}


def test_the_disk_is_not_filled_by_files_without_a_name(attack: Any) -> None:
    ended = attack(
        """
        import os, tempfile
        kept = []
        while True:
            kept.append(tempfile.TemporaryFile())
            kept[-1].write(os.urandom(1024 * 1024))
            kept[-1].flush()
        """
    )
    assert (ended["error"] or {})["detail"]["excess"] == "disk"


def test_no_file_grows_without_end(attack: Any) -> None:
    refused(attack("import os; open(os.environ['TMPDIR'] + '/large', 'wb').truncate(1 << 40)"), "File too large")


def test_memory_is_not_taken_without_end(attack: Any) -> None:
    refused(attack("kept = []\nwhile True:\n    kept.append(bytearray(10_000_000))"), "MemoryError")


def test_memory_is_not_taken_by_many_processes(attack: Any) -> None:
    ended = attack(
        """
        import os, time
        for _ in range(8):
            if os.fork() == 0:
                kept = bytearray(os.urandom(1024 * 1024) * 200)
                time.sleep(60)
        time.sleep(60)
        """
    )
    assert (ended["error"] or {})["message"] == "The model used more memory than it may."


def test_privileges_are_not_regained(attack: Any) -> None:
    # Where that user is not known in the namespace, it is the argument that is refused.
    refused(attack("import os; os.setuid(0)"), "PermissionError", "Invalid argument")
    seen = result_of(attack("result = open('/proc/self/status').read()"))
    assert "NoNewPrivs:\t1" in seen
    assert "CapEff:\t0000000000000000" in seen
    if os.getuid() == 0:
        assert "Uid:\t0" not in seen


def test_the_hub_goes_first(attack: Any) -> None:
    assert result_of(attack("import os; result = os.nice(0)")) == str(os.nice(0) + 5)
    assert result_of(attack("import os; result = os.sched_getscheduler(0)")) == str(os.SCHED_BATCH)


def test_nothing_can_be_mounted(attack: Any) -> None:
    mount = "import ctypes; result = ctypes.CDLL(None).mount(b'none', b'/tmp', b'tmpfs', 0, None)"
    assert result_of(attack(mount)) == "-1"
    inner = "import ctypes; lib = ctypes.CDLL(None); lib.unshare(0x10020000); "
    assert result_of(attack(inner + "result = lib.mount(b'none', b'/tmp', b'tmpfs', 0, None)")) == "-1"


def test_the_network_is_closed_where_the_settings_say_so(tmp_path: Path) -> None:
    """By default it is open, as the docs say."""
    offline = Workshop(tmp_path / "data", models_have_network=False)
    try:
        found = offline.predict(
            offline.push(ATTACKER), code="import socket; socket.create_connection(('127.0.0.1', 80), 5)"
        )
        refused(found, "Network is unreachable", "Connection refused")
        names = offline.predict(offline.push(ATTACKER), code="import socket; result = socket.if_nameindex()")
        assert "eth" not in result_of(names)
    finally:
        offline.close()


WORKER = """
import sys
from pathlib import Path
from tests.worker.workshop import Workshop
workshop = Workshop(Path(sys.argv[1]))
version = workshop.push(sys.argv[2])
workshop.create(version, word=sys.argv[3])
workshop.run(300)
"""


def test_models_die_with_the_worker(tmp_path: Path) -> None:
    word = f"orphan-{os.getpid()}"
    model = """
        import subprocess, sys, time
        class Predictor:
            def predict(self, word: str) -> str:
                code = "import time; time.sleep(300)"
                subprocess.Popen(["setsid", sys.executable, "-c", code, word])
                time.sleep(300)
    """
    worker = subprocess.Popen([sys.executable, "-c", WORKER, str(tmp_path / "data"), model, word], cwd=Path.cwd())
    try:
        while len(processes_with(word)) < 2:  # The worker itself has the word, too.
            assert worker.poll() is None
            time.sleep(0.05)
    finally:
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    assert gone(word)
