"""Starts a program that sees and uses only what it may, watches it, and ends all of it with the first process.

On Linux three processes stand in a row: the launcher, which the hub starts and kills; the first process of a
namespace, which watches and reaps; and the program. When the first or the second is gone, the kernel ends all
that the program ever started. Where the kernel does not allow namespaces, the launcher does the watching itself;
elsewhere than on Linux there are only the limits on resources.
"""

import contextlib
import json
import os
import resource
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from wriftai_server.worker.confinement import folders, kernel, landlock, watch
from wriftai_server.worker.confinement.spec import Spec, decode

_TICK_SECONDS = 0.25
_NICENESS = 5
_CROWDED = 0.9
_UNUSABLE = 126  # As shells say it of a program that cannot be executed.


def main(text: str) -> NoReturn:
    """Run what a spec says, and end as it ends.

    Tells the status descriptor, in this order: `{"lacking": […]}`, what the kernel does not allow, before the
    program starts; `{"excess": "memory" | "disk" | "processes"}` when that is why it was killed; `{"exit": …}`
    or `{"signal": …}` as the last thing. `{"fault": …}` tells why it could not be started.
    """
    spec = decode(text)
    os.set_inheritable(spec.status, False)
    try:
        if sys.platform == "linux":
            _run(spec)
        else:
            _run_elsewhere(spec)
    except OSError as error:
        _tell(spec, fault=str(error))
    os._exit(_UNUSABLE)


def _run(spec: Spec) -> NoReturn:
    lacking = [] if landlock.version() else ["landlock"]
    if not _unshare(spec):
        _run_here(spec, [*lacking, "namespaces"])
    kernel.die_with_parent(signal.SIGKILL)
    if os.getppid() != spec.parent:
        os._exit(_UNUSABLE)
    lives, life = os.pipe()
    first = os.fork()
    if not first:
        os.close(life)
        _be_first(spec, lacking, lives)
    os.close(spec.status)  # Its end means that nothing is left.
    os.close(lives)
    for descriptor in (0, 1, 2, *spec.keep):
        os.close(descriptor)
    os._exit(os.waitstatus_to_exitcode(os.waitpid(first, 0)[1]) & 0xFF)


def _unshare(spec: Spec) -> bool:
    flags = kernel.CLONE_NEWNS | kernel.CLONE_NEWPID | kernel.CLONE_NEWIPC
    flags |= 0 if spec.has_network else kernel.CLONE_NEWNET
    user, group = os.getuid(), os.getgid()
    with contextlib.suppress(OSError):
        if user == 0:
            kernel.unshare(flags)
        else:
            kernel.unshare(flags | kernel.CLONE_NEWUSER)
            Path("/proc/self/setgroups").write_text("deny")
            Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
            Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
        return True
    return False


def _be_first(spec: Spec, lacking: list[str], lives: int) -> NoReturn:
    """Be the process whose end is the end of all others in the namespace."""
    kernel.die_with_parent(signal.SIGKILL)
    kernel.hide_memory()
    os.set_blocking(lives, False)
    with contextlib.suppress(BlockingIOError):
        os.read(lives, 1)
        os._exit(_UNUSABLE)  # The launcher died before this could die with it.
    try:
        lacking = [*lacking, *folders.enter(spec)]
    except OSError as error:
        _tell(spec, fault=f"the kernel does not allow mounts: {error}")
        os._exit(_UNUSABLE)
    _tell(spec, lacking=lacking)
    _watch(spec, _start(spec, is_rooted=True), _excess if "processes" not in lacking else _excess_of_disk)


def _run_here(spec: Spec, lacking: list[str]) -> NoReturn:
    """Watch from outside of any namespace."""
    kernel.adopt_orphans()
    kernel.die_with_parent(signal.SIGTERM)
    if os.getppid() != spec.parent:
        os._exit(_UNUSABLE)
    _tell(spec, lacking=lacking if spec.has_network else [*lacking, "network"])
    _watch(spec, _start(spec, is_rooted=False), _excess_of_disk)


def _run_elsewhere(spec: Spec) -> NoReturn:
    _tell(spec, lacking=["namespaces", "landlock"])
    _limit(spec)
    os.execve(spec.command[0], spec.command, spec.environment)  # noqa: S606  the worker's own command


def _start(spec: Spec, *, is_rooted: bool) -> int:
    signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGCHLD, signal.SIGTERM))
    program = os.fork()
    if program:
        for descriptor in (0, 1, 2, *spec.keep):
            os.close(descriptor)
        return program
    try:
        _become(spec, is_rooted=is_rooted)
    except OSError as error:
        _tell(spec, fault=str(error))
    os._exit(_UNUSABLE)


def _become(spec: Spec, *, is_rooted: bool) -> NoReturn:
    """Give up all that the program must not have, and be the program."""
    rules = landlock.Ruleset() if landlock.version() else None
    if rules is not None:
        rules.allow_listing(["/"] if is_rooted else [])
        rules.allow_reading([*folders.readable(spec), "/proc"])
        # With a root of its own, the temporary folder is its own too; otherwise it is that of the machine.
        temporary = ["/tmp"] if is_rooted else []  # noqa: S108
        rules.allow_writing([*folders.devices(), "/dev/shm", *temporary, spec.scratch, spec.folders])  # noqa: S108
    os.setsid()
    _limit(spec)
    if spec.user is not None:
        os.setgroups([])
        os.setgid(spec.user)
        os.setuid(spec.user)
    kernel.give_up_privileges()
    kernel.die_with_parent(signal.SIGKILL)
    os.chdir(spec.scratch)
    if rules is not None:
        rules.enforce()
    for descriptor in spec.keep:
        os.set_inheritable(descriptor, True)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    os.execve(spec.command[0], spec.command, spec.environment)  # noqa: S606  the worker's own command


def _limit(spec: Spec) -> None:
    limits = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_DATA: spec.limits.memory_bytes,
        resource.RLIMIT_FSIZE: spec.limits.disk_bytes,
        resource.RLIMIT_NPROC: spec.limits.processes,
        resource.RLIMIT_NOFILE: spec.limits.open_files,
    }
    for kind, most in limits.items():
        allowed = resource.getrlimit(kind)[1]
        most = most if allowed == resource.RLIM_INFINITY else min(most, allowed)
        resource.setrlimit(kind, (most, most))
    with contextlib.suppress(OSError):
        # Where memory runs out, the kernel takes it from models and not from the hub.
        Path("/proc/self/oom_score_adj").write_text("1000")
    # The hub answers first: it is given more of the processors, and not put off the moment that a model is asked.
    with contextlib.suppress(OSError):  # What is around the hub may not allow it.
        os.nice(_NICENESS)
        if sys.platform == "linux":
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def _watch(spec: Spec, program: int, excess: Callable[[Spec], str | None]) -> NoReturn:
    """Reap what ends, and kill everything when the program ends or uses too much."""
    signals = (signal.SIGCHLD, signal.SIGTERM)
    told = False
    while True:
        seen = signal.sigtimedwait(signals, _TICK_SECONDS)
        if (status := _reap(program)) is not None:
            break
        if seen is not None and seen.si_signo == signal.SIGTERM:
            _kill(program)
        elif not told and (kind := excess(spec)):
            _tell(spec, excess=kind)
            told = True
            _kill(program)
    _kill_rest()
    code = os.waitstatus_to_exitcode(status)
    _tell(spec, **({"signal": -code} if code < 0 else {"exit": code}))
    os._exit(code & 0xFF)


def _reap(program: int) -> int | None:
    status = None
    with contextlib.suppress(ChildProcessError):
        while (found := os.waitpid(-1, os.WNOHANG))[0]:
            if found[0] == program:
                status = found[1]
    return status


def _kill(program: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        if os.getpid() == 1:
            os.kill(-1, signal.SIGKILL)
        else:
            os.killpg(program, signal.SIGKILL)


def _kill_rest() -> None:
    """Kill the descendants that are left; in a namespace the kernel does so when its first process ends."""
    if os.getpid() == 1:
        return
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    with contextlib.suppress(OSError):
        while left := children.read_text().split():
            for child in left:
                os.kill(int(child), signal.SIGKILL)
                os.waitpid(int(child), 0)


def _excess(spec: Spec) -> str | None:
    if watch.memory_used(enough=spec.limits.memory_bytes) > spec.limits.memory_bytes:
        return "memory"
    if watch.tasks() > spec.limits.processes * _CROWDED:
        return "processes"  # What cannot start more of them mostly goes on trying.
    return _excess_of_disk(spec)


def _excess_of_disk(spec: Spec) -> str | None:
    return "disk" if watch.disk_used(spec.scratch, spec.folders) > spec.limits.disk_bytes else None


def _tell(spec: Spec, **values: object) -> None:
    with contextlib.suppress(OSError):
        os.write(spec.status, json.dumps(values).encode() + b"\n")
