"""Where the catalogue of hardware comes from: a file, or the machine."""

import os
from pathlib import Path

import pytest

from wriftai_server.hardware.catalogue import BadCatalogue, detect, gpus_of, read

ENTRY = '[[hardware]]\nidentifier = "tpu"\nname = "TPU"\ncpus = 1\nram_gb = 1\n'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "hardware.toml"


def test_a_catalogue_without_cpu_gets_this_machines(file: Path) -> None:
    file.write_text(ENTRY)
    assert [entry.identifier for entry in read(file)] == ["cpu", "tpu"]


def test_a_catalogue_may_be_empty(file: Path) -> None:
    file.write_text("hardware = []")
    assert [entry.identifier for entry in read(file)] == ["cpu"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "hardware"),
        ("[[hardware]", "1"),
        ("hardware = 1", "array"),
        (ENTRY + "ram = 5\n", "ram"),
        (ENTRY.replace("cpus = 1\n", ""), "cpus"),
        (ENTRY.replace("cpus = 1", 'cpus = "1"'), "cpus"),
        (ENTRY.replace("cpus = 1", "cpus = -1"), "cpus"),
        (ENTRY.replace("cpus = 1", "cpus = 9999999999"), "cpus"),
        (ENTRY.replace('"tpu"', '"TPU v4"'), "identifier"),
        (ENTRY.replace('"TPU"', '""'), "name"),
        (ENTRY.replace('"TPU"', r'"T\u0000U"'), "name"),
        (ENTRY + ENTRY, "lists an identifier twice"),
        ("[settings]\na = 1\n" + ENTRY, "settings"),
    ],
)
def test_what_is_no_catalogue(file: Path, text: str, words: str) -> None:
    file.write_text(text)
    with pytest.raises(BadCatalogue, match=words) as caught:
        read(file)
    assert str(file) in str(caught.value)


def test_a_catalogue_that_is_not_there_or_no_text(file: Path, tmp_path: Path) -> None:
    with pytest.raises(BadCatalogue, match="No such file"):
        read(file)
    with pytest.raises(BadCatalogue, match="Is a directory"):
        read(tmp_path)
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(BadCatalogue, match="not a catalogue"):
        read(file)


@pytest.mark.parametrize(
    ("report", "expected"),
    [
        ("", []),
        ("No devices were found\n", []),
        ("NVIDIA A100-SXM4-80GB, 81920\n", [("nvidia-a100-sxm4-80gb", "NVIDIA A100-SXM4-80GB (80 GB)", 1, 80)]),
        (
            "Tesla T4, 15360\nNVIDIA L4, 23034\nTesla T4, 15360\n",
            [("nvidia-l4", "NVIDIA L4 (22 GB)", 1, 22), ("tesla-t4-x2", "Tesla T4 x 2 (15 GB each)", 2, 15)],
        ),
        # One with error correction, which takes some memory, and one without.
        (
            "Tesla T4, 15360\nTesla T4, 16127\n",
            [("tesla-t4-15gb", "Tesla T4 (15 GB)", 1, 15), ("tesla-t4-16gb", "Tesla T4 (16 GB)", 1, 16)],
        ),
        # Memory that is the machine's own is not reported.
        ("NVIDIA GB10, [N/A]\n", [("nvidia-gb10", "NVIDIA GB10", 1, 0)]),
        ("NVIDIA GB10, [N/A]\nNVIDIA GB10, [N/A]\n", [("nvidia-gb10-x2", "NVIDIA GB10 x 2", 2, 0)]),
    ],
)
def test_gpus_that_the_driver_reports(report: str, expected: list[tuple[str, str, int, int]]) -> None:
    entries = gpus_of(report)
    found = [(entry.identifier, entry.name, entry.gpus, entry.ram_per_gpu_gb) for entry in entries]
    assert found == expected
    assert {entry.cpus for entry in entries} <= {os.cpu_count()}


@pytest.fixture
def driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a program in the place of the driver's."""
    program = tmp_path / "nvidia-smi"
    program.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    return program


def test_what_the_driver_reports_is_offered(driver: Path) -> None:
    driver.write_text("#!/bin/sh\necho 'NVIDIA L4, 23034'\n")
    assert [entry.identifier for entry in detect()] == ["cpu", "nvidia-l4"]


def test_a_driver_that_fails_leaves_the_processor(driver: Path) -> None:
    driver.write_text("#!/bin/sh\necho 'Failed to initialize NVML: Driver/library version mismatch'\nexit 18\n")
    assert [entry.identifier for entry in detect()] == ["cpu"]


def test_a_machine_without_a_driver_has_its_processor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert [entry.identifier for entry in detect()] == ["cpu"]


@pytest.mark.parametrize(
    ("more", "capacity"),
    [("", 1), ("slots = 3\n", 3), ("gpus = 2\n", 2), ("gpus = 2\nslots = 5\n", 5)],
)
def test_how_many_models_are_kept_loaded(file: Path, more: str, capacity: int) -> None:
    file.write_text(ENTRY + more)
    assert read(file)[1].capacity == capacity


def test_hardware_has_a_slot_at_least(file: Path) -> None:
    file.write_text(ENTRY.replace("cpus = 1", "cpus = 0"))
    assert read(file)[1].capacity == 1
    file.write_text(ENTRY + "slots = 0\n")
    with pytest.raises(BadCatalogue, match="slots"):
        read(file)
