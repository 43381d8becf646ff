"""Environments: several are built at a time, each once, and what failed is left alone for a while."""

import asyncio
import functools
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.packed import image
from tests.wheels import add_wheel, only_from
from tests.worker.indexes import hanging_index
from tests.worker.workshop import PATIENCE, Workshop
from wriftai_runtime.environments import EnvironmentFailed
from wriftai_server.settings import WorkerSettings
from wriftai_server.worker.confinement.sandbox import Sandboxes
from wriftai_server.worker.engines.local import Broken
from wriftai_server.worker.environments import Environments
from wriftai_server.worker.images import Images
from wriftai_server.worker.loading import Loader
from wriftai_server.worker.store import Version

BUILDING = "Building the environment, with Python 3.11."


@pytest.fixture
def slow_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have packages come from an index that answers nobody."""
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    with hanging_index() as address:
        monkeypatch.setenv("UV_DEFAULT_INDEX", address)
        yield


def asking_for(folder: Path, name: str) -> Path:
    """Make a file of requirements."""
    file = folder / f"{name}.txt"
    file.write_text(f"{name}==1.0 --hash=sha256:{'0' * 64}")
    return file


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not is_so():  # noqa: ASYNC110  what is said sets no event
            await asyncio.sleep(0.02)


@pytest.mark.usefixtures("slow_index")
def test_a_slow_build_holds_up_no_other(tmp_path: Path) -> None:
    slow, quick = asking_for(tmp_path, "slow"), tmp_path / "quick.txt"
    quick.touch()

    async def build() -> None:
        environments, said = Environments(tmp_path / "environments"), list[str]()
        first = asyncio.create_task(environments.get(slow, "3.11", owner="ada", say=said.append))
        await until(lambda: BUILDING in said)
        async with asyncio.timeout(PATIENCE):
            python = await environments.get(quick, "3.11", owner="ada", say=said.append)
        assert python.exists()
        assert not first.done()
        first.cancel()

    asyncio.run(build())


@pytest.mark.usefixtures("slow_index")
def test_builds_take_turns_and_nobody_has_all_of_them(tmp_path: Path) -> None:
    wanted = [("ada", "a"), ("ada", "b"), ("ada", "c"), ("bob", "d"), ("cleo", "e"), ("dan", "f")]
    said: dict[str, list[str]] = {name: [] for _, name in wanted}

    async def build() -> None:
        environments, tasks = Environments(tmp_path / "environments"), []
        for owner, name in wanted:
            requirements = asking_for(tmp_path, name)
            getting = environments.get(requirements, "3.11", owner=owner, say=said[name].append)
            tasks.append(asyncio.create_task(getting))
            await until(functools.partial(bool, said[name]))
        for task in tasks:
            task.cancel()

    asyncio.run(build())

    assert [name for name, lines in said.items() if lines == [BUILDING]] == ["a", "b", "d", "e"]
    assert said["c"] == said["f"] == ["Waiting for other environments to be built."]


def test_turns_come_to_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    only_from(tmp_path, monkeypatch)
    said: list[str] = []

    async def build() -> None:
        environments = Environments(tmp_path / "environments")
        tasks = [
            environments.get(asking_for(tmp_path, name), "3.11", owner="ada", say=said.append)
            for name in "abcdef"
        ]
        for failure in await asyncio.gather(*tasks, return_exceptions=True):
            assert isinstance(failure, EnvironmentFailed)

    asyncio.run(build())

    assert said.count(BUILDING) == 6


def test_the_same_is_built_once(tmp_path: Path) -> None:
    requirements, said = tmp_path / "requirements.txt", list[str]()
    requirements.touch()

    async def build() -> None:
        environments = Environments(tmp_path / "environments")
        wanted = (environments.get(requirements, "3.11", owner=owner, say=said.append) for owner in "abc")
        assert len(set(await asyncio.gather(*wanted))) == 1

    asyncio.run(build())

    waiting = "Waiting for the environment, which is being built."
    assert sorted(said) == [BUILDING, *["The environment is built."] * 3, *[waiting] * 2]


def test_a_failure_is_remembered_for_a_while(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    only_from(tmp_path, monkeypatch)
    requirements, said = tmp_path / "requirements.txt", list[str]()
    requirements.write_text(add_wheel(tmp_path, "late"))
    [wheel] = tmp_path.glob("*.whl")
    away = wheel.rename(tmp_path / "away")

    async def fail(environments: Environments) -> str:
        with pytest.raises(EnvironmentFailed, match="late") as failure:
            await environments.get(requirements, "3.11", owner="ada", say=said.append)
        return str(failure.value)

    async def build() -> None:
        lasting, short = (
            Environments(tmp_path / f"{seconds}", again_seconds=seconds) for seconds in (PATIENCE * 10, 0)
        )
        words = await fail(lasting)
        await fail(short)
        away.rename(wheel)
        said.clear()
        assert await fail(lasting) == words
        assert said == []
        assert (await short.get(requirements, "3.11", owner="ada", say=said.append)).exists()
        assert said == [BUILDING, "The environment is built."]

    asyncio.run(build())


def test_of_many_failures_the_last_ones_are_remembered(tmp_path: Path) -> None:
    files = [tmp_path / f"{number}.txt" for number in range(102)]
    for file in files:
        file.write_text(f"# {file.name}\nno requirement")

    async def build() -> None:
        environments = Environments(tmp_path / "environments")

        async def says_of(file: Path) -> list[str]:
            said: list[str] = []
            with pytest.raises(EnvironmentFailed, match="no requirement"):
                await environments.get(file, "3.11", owner="ada", say=said.append)
            return said

        for file in files:
            assert await says_of(file) == [BUILDING]
        assert await says_of(files[-1]) == []
        assert await says_of(files[2]) == []
        assert await says_of(files[0]) == [BUILDING]

    asyncio.run(build())


def test_a_disk_that_is_slow_holds_up_nobody_else(tmp_path: Path) -> None:
    quick, slow = tmp_path / "quick.txt", tmp_path / "slow.txt"
    quick.touch()
    os.mkfifo(slow)  # Who reads it waits until somebody has written.
    late = threading.Timer(PATIENCE, slow.write_bytes, [b""])

    async def build() -> None:
        environments, said = Environments(tmp_path / "environments"), list[str]()
        built = await environments.get(quick, "3.11", owner="ada", say=said.append)
        late.start()
        again = asyncio.create_task(environments.get(slow, "3.11", owner="ada", say=said.append))
        await asyncio.sleep(0)
        assert late.is_alive()
        late.cancel()
        await asyncio.to_thread(slow.write_bytes, b"")
        assert await again == built

    asyncio.run(build())


@pytest.mark.usefixtures("slow_index")
def test_what_is_not_there_in_time_fails_with_words(tmp_path: Path) -> None:
    workshop = Workshop(tmp_path / "data")
    try:
        pushed = image(requirements=asking_for(tmp_path, "slow").read_text())
        workshop.push(pushed)
        loader = Loader(
            tmp_path / "package",
            Images(tmp_path / "images", workshop.blobs),
            Environments(tmp_path / "environments"),
            Sandboxes(tmp_path / "cells", WorkerSettings()),
            WorkerSettings(),
            seconds=0.5,
        )

        async def load() -> None:
            with pytest.raises(Broken) as broken:
                async with asyncio.timeout(PATIENCE):
                    await loader.start(Version("model", "owner", pushed.digest), [], lambda _: None)
            assert broken.value.error["source"] == "internal"
            assert "were not there within 0.5 s: try again later" in broken.value.error["message"]

        workshop.do(load())
    finally:
        workshop.close()
