"""Sandboxes: one for each runtime, with folders and mostly a user of its own, made and removed by the worker."""

import asyncio
import contextlib
import fcntl
import functools
import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

import structlog

from wriftai_server.settings import WorkerSettings
from wriftai_server.worker.confinement.removal import remove_tree
from wriftai_server.worker.confinement.spec import Limits, Spec

LAUNCHER = str(Path(__file__).parent)
_PATH = "/usr/local/bin:/usr/bin:/bin"
_USERS = range(
    64200, 65000
)  # A range that distributions leave free, and that fits a container's usual map of users.
_OPEN_FILES = 4096
_EMPTY_SECONDS = 10.0  # Of what a prediction left; the rest is removed with its sandbox.
_MIB = 1024**2
_WORDS = {
    "namespaces": "models see the machine's processes, and what they leave running outlives them",
    "landlock": "models read every file that their user may read",
    "processes": "models have no /proc, and their memory is limited by process",
    "network": "models may open connections, though that is turned off",
}

_log = structlog.get_logger()


class Unconfined(Exception):
    """Models cannot be locked in, though the settings require it."""


class Process(NamedTuple):
    """A program that runs in a sandbox.

    Attributes:
        launcher: The process that started it, and ends it with all that it started when it is terminated itself.
        status: File descriptor to read what the launcher tells, as `launch.main` says; where that ends, nothing
            of the program is left. To be closed by the reader.
    """

    launcher: subprocess.Popen[bytes]
    status: int

    def kill(self) -> None:
        """Begin to end all of it; it has no time to tidy up."""
        self.launcher.terminate()


class Sandboxes:
    """Makes sandboxes, and removes those that killed workers left.

    Args:
        folder: Holds those of all workers on the data folder; made when it is missing. Beside it lies what
            models may read.
        settings: Limits of each sandbox, and whether the kernel has to lock in wholly.
    """

    def __init__(self, folder: Path, settings: WorkerSettings) -> None:
        self._folder = folder / f"{os.getpid()}-{random.getrandbits(64):016x}"
        self._settings = settings
        self._users: set[int] = set()
        self._lock: BinaryIO | None = None

    def open(self) -> None:
        """Get ready to make sandboxes: remove what is left of others, and find out how well the kernel locks in.

        Raises:
            Unconfined: Not well enough for the settings.
            OSError: The folder cannot be written to.
        """
        sandboxes = self._folder.parent
        sandboxes.mkdir(parents=True, exist_ok=True)
        file = sandboxes.with_name(f"{sandboxes.name}.lock")
        file.touch(0o600)  # No model may hold it.
        with file.open("r+b") as turn:
            fcntl.flock(turn, fcntl.LOCK_EX)  # Nobody sees the folder of another while that is not locked yet.
            self._folder.mkdir()
            self._lock = (self._folder / "lock").open("wb")
            fcntl.flock(self._lock, fcntl.LOCK_EX)
            abandoned = [folder for folder in sandboxes.iterdir() if _is_abandoned(folder)]
        for folder in abandoned:
            remove_tree(folder)
        lacking = self._lacking()
        if "namespaces" in lacking and os.getuid() == 0:
            _let_through(self._folder.parents[2])
            lacking = self._lacking()
        for word in lacking:
            _log.warning("confinement is not whole", lacking=word, so=_WORDS.get(word, word))
        if lacking and self._settings.confinement == "required":
            remove_tree(self._folder)
            self._lock.close()
            raise Unconfined(
                f"Models cannot be locked in: this machine lacks {' and '.join(lacking)}. Run the worker "
                "elsewhere, or set --confinement best-effort and run only models that you trust."
            )

    async def close(self) -> None:
        """Remove all sandboxes."""
        await asyncio.to_thread(remove_tree, self._folder)
        if self._lock is not None:
            self._lock.close()

    def make(self) -> "Sandbox":
        """Make a sandbox, with a user of its own where the worker is root.

        Raises:
            OSError: Its folders cannot be made.
        """
        user = random.choice([user for user in _USERS if user not in self._users]) if os.getuid() == 0 else None
        sandbox = Sandbox(self._folder / f"{random.getrandbits(64):016x}", user, self._settings)
        if user is not None:
            self._users.add(user)
        return sandbox

    async def remove(self, sandbox: "Sandbox") -> None:
        """Remove a sandbox whose processes have ended, with its files."""
        await asyncio.to_thread(self._remove, sandbox)

    def _remove(self, sandbox: "Sandbox") -> None:
        remove_tree(sandbox.folder)
        if sandbox.user is not None:
            self._users.discard(sandbox.user)

    def _lacking(self) -> list[str]:
        sandbox = self.make()
        lacking = _wait(sandbox.start([shutil.which("true") or "/bin/true"], [], stdin=subprocess.DEVNULL))
        self._remove(sandbox)
        return lacking


class Sandbox:
    """Folders that are made for one runtime, and what runs in them.

    Args:
        folder: To be made; all others are in it.
        user: Id of the user and group that the runtime runs as, and that own what it writes; None is the
            worker's own.
        settings: Limits of all that runs in it together.

    Attributes:
        folder: To be removed with it.
        user: As it was given.
        scratch: The runtime's `/tmp`, home and working folder.

    Raises:
        OSError: The folders cannot be made.
    """

    def __init__(self, folder: Path, user: int | None, settings: WorkerSettings) -> None:
        self.folder = folder
        self.user = user
        self._settings = settings
        self.scratch = folder / "scratch"
        self._folders = folder / "folders"
        self._empty: list[Path] = []
        for each in (folder, self._folders, folder / "root"):
            each.mkdir()
            each.chmod(0o755)
        for each in (self.scratch, self.scratch / "shm"):
            self._make_own(each)

    def take_folder(self) -> Path:
        """Give an empty folder that the runtime may write to, for one prediction.

        Raises:
            OSError: It cannot be made.
        """
        if self._empty:
            return self._empty.pop()
        folder = self._folders / f"{random.getrandbits(64):016x}"
        self._make_own(folder)
        return folder

    async def empty_folder(self, folder: Path) -> None:
        """Take back a folder for another prediction, or remove it with what was left in it."""
        if _is_empty(folder):
            self._empty.append(folder)  # Most are, and the next one need not be made.
        else:
            await asyncio.to_thread(remove_tree, folder, seconds=_EMPTY_SECONDS)

    def start(
        self,
        command: Sequence[str],
        readable: Sequence[str],
        *,
        environment: dict[str, str] | None = None,
        stdin: int,
        stdout: int | None = None,
        stderr: int | None = None,
        keep: Sequence[int] = (),
    ) -> Process:
        """Start a program that sees nothing but what it is given; it dies with the calling thread.

        Args:
            command: Program, by its whole path, and arguments.
            readable: Files and folders that it may read and execute, beside those of the system.
            environment: Variables that it gets beside PATH, HOME, TMPDIR, LANG and PYTHONUNBUFFERED.
            stdin: File descriptor of what it reads.
            stdout: File descriptor that it writes to; None is the worker's own.
            stderr: File descriptor that it writes errors to; None is the worker's own.
            keep: Further file descriptors that it gets, under the same numbers.

        Raises:
            OSError: There are too many processes or open files.
        """
        ours, theirs = os.pipe()
        try:
            spec = self._spec(command, readable, environment or {}, theirs, list(keep))
            launcher = subprocess.Popen(  # noqa: S603  our own launcher
                [os.path.realpath(sys.executable), "-I", "-S", LAUNCHER, spec.encode()],
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                pass_fds=[theirs, *keep],
                env={},
                cwd="/",
                start_new_session=True,
            )
        except BaseException:
            os.close(ours)
            raise
        finally:
            os.close(theirs)
        return Process(launcher, ours)

    def _make_own(self, folder: Path) -> None:
        folder.mkdir()
        folder.chmod(0o700)
        if self.user is not None:
            os.chown(folder, self.user, self.user)

    def _spec(
        self, command: Sequence[str], readable: Sequence[str], more: dict[str, str], status: int, keep: list[int]
    ) -> Spec:
        scratch = str(self.scratch)
        usual = {"PATH": _PATH, "HOME": scratch, "TMPDIR": scratch, "LANG": "C.UTF-8", "PYTHONUNBUFFERED": "1"}
        return Spec(
            command=list(command),
            environment=usual | more,
            readable=list(readable),
            scratch=scratch,
            folders=str(self._folders),
            root=str(self.folder / "root"),
            limits=Limits(
                memory_bytes=self._settings.memory_mb * _MIB or _machine_memory() * 4 // 5,
                disk_bytes=self._settings.disk_mb * _MIB,
                processes=self._settings.max_processes,
                open_files=_OPEN_FILES,
            ),
            user=self.user,
            has_network=self._settings.models_have_network,
            parent=os.getpid(),
            status=status,
            keep=keep,
        )


@functools.cache
def _machine_memory() -> int:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _wait(process: Process) -> list[str]:
    with open(process.status, "rb") as status:  # noqa: PTH123  a descriptor
        told = [json.loads(line) for line in status]
    process.launcher.wait()
    found = {key: value for line in told for key, value in line.items()}
    return [*found.get("lacking", []), *([found["fault"]] if "fault" in found else [])]


def _let_through(data_dir: Path) -> None:
    """Let other users pass through the data folder to what models may read, and nowhere else in it.

    In a namespace they need not: what they see has folders of its own above it. What links lead to is not the
    hub's to close.
    """
    (data_dir / "blobs").mkdir(exist_ok=True)
    for entry in data_dir.iterdir():
        if entry.name != "runtimes" and not entry.is_symlink():
            with contextlib.suppress(FileNotFoundError):  # The hub may have removed it meanwhile.
                entry.chmod(0o700 if entry.is_dir() else 0o600)
    data_dir.chmod(0o711)


def _is_empty(folder: Path) -> bool:
    try:
        with os.scandir(folder) as entries:
            return next(entries, None) is None
    except OSError:
        return False


def _is_abandoned(folder: Path) -> bool:
    try:
        with (folder / "lock").open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return True  # Whoever removed it was killed at that, or is about to be done.
    except OSError:
        return False  # Its worker lives.
    return True
