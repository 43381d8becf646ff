"""What the hub offers to run models on, over HTTP."""

import os
from pathlib import Path

import pytest

from tests.server.conftest import inside
from tests.server.people import People, Person
from tests.server.samples import add_model
from wriftai import UnprocessableEntityError

LARGE = """
[[hardware]]
identifier = "a100"
name = "A100 (80 GB)"
cpus = 12
ram_gb = 144
gpus = 1
ram_per_gpu_gb = 80

[[hardware]]
identifier = "cpu"
name = "Small machine"
cpus = 2
ram_gb = 8
"""
SMALL = """
[[hardware]]
identifier = "cpu"
name = "Larger machine"
cpus = 4
ram_gb = 16
"""


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    """Write a catalogue."""
    file = tmp_path / "hardware.toml"
    file.write_text(LARGE)
    return file


def listed(people: People) -> list[str]:
    return [hardware["identifier"] for hardware in people.anyone.client.hardware.list()]


def test_the_processor_of_this_machine_is_there_without_a_catalogue(anyone: Person) -> None:
    reply = anyone.send("GET", "/hardware")
    assert reply.status_code == 200
    cpu = reply.json()["items"][0]
    assert cpu.pop("created_at").endswith("Z")
    assert cpu == {
        "name": f"CPU ({os.cpu_count()} cores, {cpu['ram_gb']} GB)",
        "identifier": "cpu",
        "gpus": 0,
        "cpus": os.cpu_count(),
        "ram_per_gpu_gb": 0,
        "ram_gb": cpu["ram_gb"],
    }
    assert cpu["ram_gb"] >= 1


def test_a_catalogue_is_offered_in_its_order(tmp_path: Path, catalogue: Path) -> None:
    with inside(tmp_path / "data", hardware=catalogue) as people:
        large, small = people.anyone.client.hardware.list()
        assert small.pop("created_at") > large.pop("created_at")  # type: ignore[misc]  # compared apart
        assert large == {
            "identifier": "a100",
            "name": "A100 (80 GB)",
            "cpus": 12,
            "ram_gb": 144,
            "gpus": 1,
            "ram_per_gpu_gb": 80,
        }
        assert small == {
            "identifier": "cpu",
            "name": "Small machine",
            "cpus": 2,
            "ram_gb": 8,
            "gpus": 0,
            "ram_per_gpu_gb": 0,
        }
        model = add_model(people.add(), hardware_identifier="a100")
        assert model["hardware"] == {"identifier": "a100", "name": "A100 (80 GB)"}


def test_withdrawn_hardware_stays_on_its_models_alone(tmp_path: Path, catalogue: Path) -> None:
    data_dir = tmp_path / "data"
    with inside(data_dir, hardware=catalogue) as people:
        ada = people.add("ada")
        add_model(ada, "large", hardware_identifier="a100")
        token = ada.token
    catalogue.write_text(SMALL)
    with inside(data_dir, hardware=catalogue) as people:
        ada = people.known("ada", token)
        assert listed(people) == ["cpu"]
        kept = ada.client.models.get("ada", "large")
        assert kept["hardware"] == {"identifier": "a100", "name": "A100 (80 GB)"}
        with pytest.raises(UnprocessableEntityError, match="There is no hardware 'a100'"):
            add_model(ada, hardware_identifier="a100")
        small = add_model(ada, "small")
        assert small["hardware"]["name"] == "Larger machine"
        with pytest.raises(UnprocessableEntityError, match="There is no hardware 'a100'"):
            ada.client.models.update("ada", "small", {"hardware_identifier": "a100"})
        assert ada.client.models.update("ada", "large", {"description": "Kept."})["hardware"] == kept["hardware"]
        same = ada.client.models.update("ada", "large", {"hardware_identifier": "a100"})
        assert same["hardware"] == kept["hardware"]
        with pytest.raises(UnprocessableEntityError, match="There is no hardware 'A100'"):
            ada.client.models.update("ada", "large", {"hardware_identifier": "A100"})
    catalogue.write_text(LARGE)
    with inside(data_dir, hardware=catalogue) as people:
        assert listed(people) == ["a100", "cpu"]
        ada = people.known("ada", token)
        assert ada.client.models.get("ada", "small")["hardware"]["name"] == "Small machine"


def test_hardware_keeps_its_age_over_restarts(tmp_path: Path, catalogue: Path) -> None:
    shown = []
    for _ in range(2):
        with inside(tmp_path / "data", hardware=catalogue) as people:
            shown.append(people.anyone.client.hardware.list().items)
    assert shown[0] == shown[1]


def test_the_identifier_is_taken_as_it_is_written(ada: Person) -> None:
    for identifier in ("CPU", " cpu", "cpu%", ""):
        with pytest.raises(UnprocessableEntityError):
            add_model(ada, hardware_identifier=identifier)
