"""Calls of the Linux kernel that Python's standard library does not have (yet)."""

import ctypes
import os
import signal
import struct

CLONE_NEWNS = 0x00020000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

_MS_NOSUID, _MS_NODEV, _MS_NOEXEC = 2, 4, 8
_MS_BIND, _MS_REC, _MS_PRIVATE = 4096, 16384, 1 << 18
_MNT_DETACH = 2
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_CHILD_SUBREAPER, _PR_SET_NO_NEW_PRIVS = 1, 4, 36, 38
_AT_FDCWD, _AT_RECURSIVE = -100, 0x8000
# These have the same number on every architecture.
_MOUNT_SETATTR = 442
_READ_ONLY, _NO_SETUID, _NO_DEVICES = 1, 2, 4

_libc = ctypes.CDLL(None, use_errno=True)
_syscall = _libc.syscall
_syscall.restype = ctypes.c_long


def call(number: int, *arguments: int | bytes | None) -> int:
    """Make a system call; give its result, 0 or more.

    Args:
        number: That the kernel knows the call by.
        arguments: Numbers, and bytes whose address is passed; None passes no address.

    Raises:
        OSError: The kernel refuses.
    """
    words = [ctypes.c_long(value) if isinstance(value, int) else value for value in arguments]
    return _checked(_syscall(ctypes.c_long(number), *words))


def unshare(flags: int) -> None:
    """Leave the namespaces that the flags name, for new ones.

    Raises:
        OSError: The kernel does not allow it, or does not know them.
    """
    _checked(_libc.unshare(flags))


def die_with_parent(number: signal.Signals) -> None:
    """Have the kernel send a signal to this process when the one that started it is gone."""
    _control(_PR_SET_PDEATHSIG, number)


def hide_memory() -> None:
    """Let no process of the same user look into this one."""
    _control(_PR_SET_DUMPABLE, 0)


def adopt_orphans() -> None:
    """Become the parent of each descendant whose own parent dies."""
    _control(_PR_SET_CHILD_SUBREAPER, 1)


def give_up_privileges() -> None:
    """Never get more rights by executing a program."""
    _control(_PR_SET_NO_NEW_PRIVS, 1)


def make_mounts_private() -> None:
    """Keep what is mounted from now on out of other namespaces."""
    _mount(None, "/", None, _MS_REC | _MS_PRIVATE)


def mount_tmpfs(target: str) -> None:
    """Mount an empty file system that is kept in memory and is only meant for mount points."""
    _mount("tmpfs", target, "tmpfs", _MS_NOSUID | _MS_NODEV, "mode=0755,size=1m")


def mount_proc(target: str) -> None:
    """Mount the file system that shows the processes of this namespace."""
    _mount("proc", target, "proc", _MS_NOSUID | _MS_NODEV | _MS_NOEXEC)


def bind(source: str, target: str) -> None:
    """Show a file or folder, with what is mounted below it, at another place."""
    _mount(source, target, None, _MS_BIND | _MS_REC)


def restrict_mount(target: str, *, is_read_only: bool, has_devices: bool = False, below: bool = True) -> None:
    """Take rights from a mount: that programs run as the users that own them, and what else is said.

    Args:
        target: Path that it is mounted on.
        is_read_only: Whether to let nothing be written.
        has_devices: Whether to keep letting devices be opened.
        below: Whether to do so for what is mounted below it, too.

    Raises:
        OSError: The kernel does not allow it, or is older than 5.12.
    """
    set_ = _NO_SETUID | (is_read_only and _READ_ONLY) | (0 if has_devices else _NO_DEVICES)
    attributes = struct.pack("=QQQQ", set_, 0, 0, 0)
    flags = _AT_RECURSIVE if below else 0
    call(_MOUNT_SETATTR, _AT_FDCWD, os.fsencode(target), flags, attributes, len(attributes))


def enter_root(folder: str) -> None:
    """Make a mounted folder the root, and let go of the one before."""
    os.chdir(folder)
    _checked(_libc.pivot_root(b".", b"."))
    _checked(_libc.umount2(b".", _MNT_DETACH))
    os.chdir("/")


def _mount(source: str | None, target: str, kind: str | None, flags: int, data: str | None = None) -> None:
    texts = [None if text is None else os.fsencode(text) for text in (source, target, kind, data)]
    _checked(_libc.mount(*texts[:3], ctypes.c_ulong(flags), texts[3]))


def _control(option: int, value: int) -> None:
    _checked(_libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0))


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
