"""What the hub offers to run models on: written down by the operator, or found out about this machine."""

import csv
import os
import re
import subprocess
from collections import Counter
from itertools import groupby
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from wriftai_server.http.patterns import WITHOUT_NUL, anchor

_NVIDIA_SMI = ("nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader,nounits")
_GB = 1024**3  # As makers of machines count them.

Count = Annotated[int, Meta(ge=0, le=1_000_000)]


class Entry(msgspec.Struct, forbid_unknown_fields=True):
    """A kind of machine.

    Attributes:
        identifier: For requests: lowercase letters, digits and dashes.
        name: For people.
        cpus: Number of processor cores.
        ram_gb: Main memory, in GB.
        gpus: Number of GPUs.
        ram_per_gpu_gb: Memory of each GPU, in GB.
        slots: How many models a worker keeps loaded on it at a time; None is one a GPU, or else one a core.
    """

    identifier: Annotated[str, Meta(pattern=anchor(r"[a-z0-9][a-z0-9-]{0,62}"))]
    name: Annotated[str, Meta(min_length=1, max_length=255, pattern=WITHOUT_NUL)]
    cpus: Count
    ram_gb: Count
    gpus: Count = 0
    ram_per_gpu_gb: Count = 0
    slots: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None

    @property
    def capacity(self) -> int:
        """How many models are kept loaded on it at a time."""
        return self.slots or max(1, self.gpus or self.cpus)


class _File(msgspec.Struct, forbid_unknown_fields=True):
    hardware: list[Entry]


class BadCatalogue(Exception):
    """The file is not a catalogue of hardware."""


def read(file: Path) -> list[Entry]:
    """Read a catalogue from a TOML file with one `[[hardware]]` table an entry.

    A catalogue without `cpu` gets this machine's: there is always one thing that every model can name.

    Raises:
        BadCatalogue: The file cannot be read, or an entry is malformed or there twice.
    """
    try:
        text = file.read_bytes()
    except OSError as error:
        raise BadCatalogue(f"The catalogue of hardware {file} cannot be read: {error.strerror}.") from error
    try:
        entries = msgspec.toml.decode(text, type=_File).hardware
    except (msgspec.MsgspecError, ValueError) as error:
        raise BadCatalogue(f"{file} is not a catalogue of hardware: {error}") from error
    identifiers = [entry.identifier for entry in entries]
    if len(set(identifiers)) < len(identifiers):
        raise BadCatalogue(f"{file} lists an identifier twice.")
    return entries if "cpu" in identifiers else [_processor(), *entries]


def detect() -> list[Entry]:
    """Find out what this machine has: its processor, and each kind of GPU that NVIDIA's driver reports."""
    return [_processor(), *_gpus()]


def _processor() -> Entry:
    cores, memory = os.cpu_count() or 1, _memory_gb()
    return Entry("cpu", f"CPU ({cores} cores, {memory} GB)", cores, memory)


def _memory_gb() -> int:
    return max(1, round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / _GB))


def _gpus() -> list[Entry]:
    try:
        report = subprocess.run(  # noqa: S603  a fixed command
            _NVIDIA_SMI, capture_output=True, text=True, timeout=10, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return []  # No driver, no GPU that a model could use.
    return gpus_of(report)


def gpus_of(report: str) -> list[Entry]:
    """Make entries of a report of `nvidia-smi`, one for each kind of GPU.

    Args:
        report: A line a GPU: its name, a comma, its memory in MiB, or `[N/A]`.
    """
    rows = sorted(
        (row[0].strip(), _gigabytes(row[1])) for row in csv.reader(report.splitlines()) if len(row) == 2
    )
    sizes = Counter(name for name, _ in set(rows))
    return [_gpu(name, each, len(list(alike)), sized=sizes[name] > 1) for (name, each), alike in groupby(rows)]


def _gpu(name: str, each: int, count: int, *, sized: bool) -> Entry:
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    size = f" ({each} GB{' each' if count > 1 else ''})" if each else ""
    return Entry(
        f"{slug}{f'-{each}gb' if sized else ''}{f'-x{count}' if count > 1 else ''}",
        f"{name}{f' x {count}' if count > 1 else ''}{size}",
        os.cpu_count() or 1,
        _memory_gb(),
        count,
        each,
    )


def _gigabytes(mebibytes: str) -> int:
    # "[N/A]" where the GPU has no memory apart from the machine's.
    return round(int(mebibytes) * 1024**2 / _GB) if mebibytes.strip().isdecimal() else 0
