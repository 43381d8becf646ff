"""The files that a model sees: a root of its own, put together from what it may read and write."""

import contextlib
import os
from pathlib import Path

from wriftai_server.worker.confinement import kernel
from wriftai_server.worker.confinement.spec import Spec

SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc", "/sys")
_DEVICES = ("null", "zero", "full", "random", "urandom")
_GPUS = ("nvidia", "kfd", "dri")
_LINKS = {
    "fd": "/proc/self/fd",
    "stdin": "/proc/self/fd/0",
    "stdout": "/proc/self/fd/1",
    "stderr": "/proc/self/fd/2",
}
# A link to it leads out of /etc on some systems.
_RESOLVER = "/etc/resolv.conf"


def readable(spec: Spec) -> list[str]:
    """Give the paths of all that may be read: what of the system there is, then what the spec names."""
    system = [path for path in (*SYSTEM, os.path.realpath(_RESOLVER)) if os.path.lexists(path)]
    return [*system, *spec.readable]


def devices() -> list[str]:
    """Give the devices that may be read and written: those without a memory, and GPUs."""
    names = sorted(entry.name for entry in os.scandir("/dev"))
    return [f"/dev/{name}" for name in names if name in _DEVICES or name.startswith(_GPUS)]


def enter(spec: Spec) -> list[str]:
    """Make what the spec names all that this process and its children see.

    Mounts have to be its own already, and processes too for a `/proc`.

    Returns:
        What could not be provided, as `launch.main` tells it: "processes", or nothing.

    Raises:
        OSError: The kernel does not allow it.
    """
    kernel.make_mounts_private()
    kernel.mount_tmpfs(spec.root)
    root = Root(spec.root)
    for path in _outermost(readable(spec)):
        root.show(path, is_read_only=True)
    for path in devices():
        root.show(path, is_read_only=False, has_devices=True)
    for name, target in _LINKS.items():
        root.link(f"/dev/{name}", target)
    needed = [*spec.readable, spec.scratch, spec.folders]
    for place, source in (("/tmp", spec.scratch), ("/dev/shm", f"{spec.scratch}/shm")):  # noqa: S108  its own
        if not any(_is_inside(path, place) for path in needed):
            root.show(source, is_read_only=False, at=place)
    for path in (spec.scratch, spec.folders):
        root.show(path, is_read_only=False)
    lacking = [] if root.show_processes() else ["processes"]
    kernel.restrict_mount(spec.root, is_read_only=True, below=False)
    kernel.enter_root(spec.root)
    return lacking


class Root:
    """A folder that is put together to be the root of what a model sees.

    Args:
        folder: Path of it; an empty file system, which may be written to until all is shown.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def show(self, path: str, *, is_read_only: bool, has_devices: bool = False, at: str | None = None) -> None:
        """Show a file or folder; one that is a link is made anew, and one that is missing left out.

        Args:
            path: Of what is shown, as it is outside.
            is_read_only: Whether nothing may be written there.
            has_devices: Whether it is a device, or holds some, that may be opened.
            at: Path under which it is seen inside; None is the same.
        """
        source, target = Path(path), Path(self._folder + (at or path))
        if target.is_symlink() or not os.path.lexists(path):
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_symlink():
            target.symlink_to(source.readlink())
            return
        target.mkdir(exist_ok=True) if source.is_dir() else target.touch()
        kernel.bind(path, str(target))
        kernel.restrict_mount(str(target), is_read_only=is_read_only, has_devices=has_devices)

    def link(self, path: str, target: str) -> None:
        """Make a symbolic link.

        Args:
            path: Of the link, as it is seen inside.
            target: Where it leads to, inside.
        """
        place = Path(self._folder + path)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(target)

    def show_processes(self) -> bool:
        """Show the processes of the namespace, and tell whether the kernel allows that."""
        place = f"{self._folder}/proc"
        Path(place).mkdir()
        with contextlib.suppress(OSError):
            kernel.mount_proc(place)
            return True
        return False


def _outermost(paths: list[str]) -> list[str]:
    chosen: list[str] = []
    for path in sorted({os.path.normpath(path) for path in paths}, key=len):
        if not any(_is_inside(path, other) for other in chosen if not Path(other).is_symlink()):
            chosen.append(path)
    return chosen


def _is_inside(path: str, folder: str) -> bool:
    return os.path.commonpath([path, folder]) == folder
