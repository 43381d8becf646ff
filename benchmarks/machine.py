"""The machine: which cores do what, what a process has used, and what it all ran on."""

import os
import platform
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from importlib.metadata import version
from pathlib import Path

_PACKAGES = ("uvicorn", "uvloop", "litestar", "msgspec", "httpx")


_CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
SERVER_CORE = _CORES[0] if _CORES else None
"""Runs the servers; None where processes cannot be pinned."""
LOAD_CORE = _CORES[-1] if _CORES else None
"""Where the load comes from; the servers' own if there is only one."""
_is_pinning = ContextVar("is_pinning", default=True)


@contextmanager
def on_core(core: int | None) -> Iterator[None]:
    """Run this process, and what it starts meanwhile, on one core.

    Args:
        core: None lets them run anywhere.
    """
    if core is None or not _is_pinning.get():
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def on_any_core() -> Iterator[None]:
    """Run everything on any core meanwhile: no core is to idle where nothing is measured."""
    token = _is_pinning.set(False)
    try:
        yield
    finally:
        _is_pinning.reset(token)


@contextmanager
def on_all_cores(pid: int) -> Iterator[None]:
    """Let a process that is pinned run anywhere meanwhile, with all of its threads."""
    if SERVER_CORE is None:
        yield
        return
    before = os.sched_getaffinity(pid)
    _allow(pid, set(_CORES))
    try:
        yield
    finally:
        _allow(pid, before)


def _allow(pid: int, cores: set[int]) -> None:
    for thread in Path(f"/proc/{pid}/task").iterdir():
        with suppress(ProcessLookupError):  # It has just ended.
            os.sched_setaffinity(int(thread.name), cores)


def cpu_seconds(pid: int) -> float:
    """Tell how long a process has computed; 0 where the system does not say."""
    # The number of the CPU clock of a process, as glibc's clock_getcpuclockid makes it.
    return time.clock_gettime(~pid << 3 | 2) if sys.platform == "linux" else 0.0


def family(pid: int) -> dict[int, int]:
    """Give the memory, in bytes, that a process and each that it started have resident, by their ids."""
    listed = subprocess.run(
        ["ps", "-A", "-o", "pid=", "-o", "ppid=", "-o", "rss="], stdout=subprocess.PIPE, text=True, check=True
    )
    processes = [tuple(map(int, line.split())) for line in listed.stdout.splitlines()]
    members = {pid}
    while more := {child for child, parent, _ in processes if parent in members} - members:
        members |= more
    return {process: 1024 * kilobytes for process, _, kilobytes in processes if process in members}


def shape() -> str:
    """Describe the machine and what was measured on it, without saying which machine it is."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    return (
        f"{os.cpu_count()} cores ({_processor()}), {memory:.0f} GiB of memory, {platform.system()}, "
        f"{platform.python_implementation()} {platform.python_version()}, "
        f"SQLite {sqlite3.sqlite_version}, {packages}"
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.machine())
