"""Rules of the kernel (Landlock) on what a process and its children may open, which they cannot lift again."""

import os
import stat
import struct
from collections.abc import Iterable

from wriftai_server.worker.confinement import kernel

# These have the same number on every architecture.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION = 1
_PATH_BENEATH = 1

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_TRUNCATE, _IOCTL = 1 << 14, 1 << 15
_READ = _EXECUTE | _READ_FILE | _READ_DIR
# What makes sense for a file; the kernel refuses a rule on a file that says more.
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL
# How many rights on files a version of the interface knows; the first has 13.
_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15}
_RIGHTS_NOW = 16
_SCOPES = 0b11  # Abstract Unix sockets of others, and signals to others.
_SCOPES_SINCE = 6


def version() -> int:
    """Give the version of Landlock's interface that the kernel has, from 1 on; 0 where it has none."""
    try:
        return kernel.call(_CREATE_RULESET, None, 0, _VERSION)
    except OSError:
        return 0


class Ruleset:
    """Allows what it is told to, and nothing else, once it is enforced.

    Raises:
        OSError: The kernel has no such rules.
    """

    def __init__(self) -> None:
        known = version()
        self._all = (1 << _RIGHTS.get(known, _RIGHTS_NOW)) - 1
        scopes = _SCOPES if known >= _SCOPES_SINCE else 0
        attributes = struct.pack("=QQQ", self._all, 0, scopes)[: 24 if scopes else 8]
        self._descriptor = kernel.call(_CREATE_RULESET, attributes, len(attributes), 0)

    def allow_listing(self, folders: Iterable[str]) -> None:
        """Allow seeing which files there are in folders and all below them; what is missing is left out."""
        for folder in folders:
            self._allow(folder, _READ_DIR)

    def allow_reading(self, paths: Iterable[str]) -> None:
        """Allow reading and executing files, and all that is in folders; what is missing is left out."""
        for path in paths:
            self._allow(path, _READ)

    def allow_writing(self, paths: Iterable[str]) -> None:
        """Allow everything with files, and with all that is in folders; what is missing is left out."""
        for path in paths:
            self._allow(path, self._all)

    def enforce(self) -> None:
        """Hold this process and all that it starts to the rules.

        Privileges have to be given up before.
        """
        kernel.call(_RESTRICT_SELF, self._descriptor, 0)
        os.close(self._descriptor)

    def _allow(self, path: str, rights: int) -> None:
        try:
            place = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except FileNotFoundError:
            return
        try:
            if not stat.S_ISDIR(os.fstat(place).st_mode):
                rights &= _OF_FILES
            rule = struct.pack("=Qi", rights & self._all, place)
            kernel.call(_ADD_RULE, self._descriptor, _PATH_BENEATH, rule, 0)
        finally:
            os.close(place)
