"""What the launcher is told of what to start."""

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a model's processes may use: together, but for `open_files`, which is of each.

    Attributes:
        memory_bytes: Of main memory; of each process, where they cannot be watched together.
        disk_bytes: Of files, those among them that are removed and still open.
        processes: Processes and threads; when nine tenths of them are there, all are ended.
        open_files: Files and other descriptors.
    """

    memory_bytes: int
    disk_bytes: int
    processes: int
    open_files: int


@dataclass(frozen=True, kw_only=True)
class Spec:
    """What to start, and what it may see.

    Attributes:
        command: Program and arguments.
        environment: All variables that it gets.
        readable: Paths of files and folders that it may read and execute, beside those of the system.
        scratch: Folder that it may write to: its `/tmp`, its home and its working folder. Its subfolder `shm`
            is its `/dev/shm`.
        folders: Folder whose subfolders it may write to.
        root: An empty folder, which becomes the root of what it sees.
        limits: On what it uses.
        user: Id of the user and group to run as; None keeps those of the launcher.
        has_network: Whether it may open connections.
        parent: Id of the process that starts the launcher, and with which everything dies.
        status: File descriptor that the launcher writes to, as `launch.main` says.
        keep: File descriptors that the program gets, beside 0, 1 and 2.
    """

    command: list[str]
    environment: dict[str, str]
    readable: list[str]
    scratch: str
    folders: str
    root: str
    limits: Limits
    user: int | None
    has_network: bool
    parent: int
    status: int
    keep: list[int]

    def encode(self) -> str:
        """Write it as the launcher's one argument, JSON."""
        return json.dumps(asdict(self))


def decode(text: str) -> Spec:
    """Read what `Spec.encode` wrote."""
    values = json.loads(text)
    return Spec(**{**values, "limits": Limits(**values["limits"])})
