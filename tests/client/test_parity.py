"""Every operation exists twice, and the two differ in nothing but how they are waited for."""

import inspect
from collections.abc import Iterator
from typing import Any

import pytest

from wriftai import Client
from wriftai.api import API
from wriftai.pagination import PaginatedResponse
from wriftai.predictions import (
    DEFAULT_ASYNC_WAIT_OPTIONS,
    DEFAULT_WAIT_OPTIONS,
    AsyncWaitOptions,
    Predictions,
    WaitOptions,
)

RESOURCES = [type(thing) for name, thing in vars(Client()).items() if not name.startswith("_")]
CLASSES: list[Any] = [*RESOURCES, API, PaginatedResponse]
OWN_OPTIONS = {(Predictions, "create"): "wait_options", (Predictions, "wait"): "options"}
"""Parameters whose type depends on the side."""


def methods(kind: Any) -> Iterator[tuple[str, Any]]:
    for name, method in inspect.getmembers(kind, inspect.isfunction):
        if not name.startswith("_"):
            yield name, method


PAIRS = [
    pytest.param(kind, name, id=f"{kind.__name__}.{name}")
    for kind in dict.fromkeys(CLASSES)
    for name, _ in methods(kind)
    if not name.startswith("async_")
]
each_pair = pytest.mark.parametrize(("kind", "name"), PAIRS)


@pytest.mark.parametrize("kind", dict.fromkeys(CLASSES), ids=lambda kind: kind.__name__)
def test_methods_come_in_pairs(kind: Any) -> None:
    names = {name for name, _ in methods(kind)}
    blocking = {name for name in names if not name.startswith("async_")}
    assert names == blocking | {f"async_{name}" for name in blocking}
    assert names


def test_all_resources_are_looked_at() -> None:
    assert len(RESOURCES) == 7
    assert len(PAIRS) == 26


@each_pair
def test_the_pair_has_the_same_parameters_and_result(kind: Any, name: str) -> None:
    blocking, awaited = inspect.signature(getattr(kind, name)), inspect.signature(getattr(kind, f"async_{name}"))
    assert list(blocking.parameters) == list(awaited.parameters)
    assert blocking.return_annotation == awaited.return_annotation
    for parameter in blocking.parameters:
        mine, other = blocking.parameters[parameter], awaited.parameters[parameter]
        if OWN_OPTIONS.get((kind, name)) == parameter:
            assert (mine.annotation, other.annotation) == (WaitOptions, AsyncWaitOptions)
            assert (mine.default, other.default) == (DEFAULT_WAIT_OPTIONS, DEFAULT_ASYNC_WAIT_OPTIONS)
            assert mine.kind is other.kind
        else:
            assert mine == other


@each_pair
def test_the_pair_has_the_same_words(kind: Any, name: str) -> None:
    blocking, awaited = getattr(kind, name), getattr(kind, f"async_{name}")
    assert blocking.__doc__ == awaited.__doc__
    assert blocking.__doc__


@each_pair
def test_each_of_the_pair_knows_its_name(kind: Any, name: str) -> None:
    for called in (name, f"async_{name}"):
        method = getattr(kind, called)
        assert method.__name__ == called
        assert method.__qualname__ == f"{kind.__name__}.{called}"
        assert method.__module__ == kind.__module__


@each_pair
def test_one_of_the_pair_blocks_and_the_other_is_awaited(kind: Any, name: str) -> None:
    blocking, awaited = getattr(kind, name), getattr(kind, f"async_{name}")
    assert not inspect.iscoroutinefunction(blocking)
    assert not inspect.isasyncgenfunction(blocking)
    if inspect.isgeneratorfunction(blocking):
        assert inspect.isasyncgenfunction(awaited)
    else:
        assert inspect.iscoroutinefunction(awaited)


@pytest.mark.parametrize("kind", [*RESOURCES, PaginatedResponse], ids=lambda kind: kind.__name__)
def test_every_parameter_and_class_is_explained(kind: Any) -> None:
    assert inspect.getdoc(kind)
    for _, method in methods(kind):
        for parameter in list(inspect.signature(method).parameters)[1:]:
            assert f"    {parameter}: " in (inspect.getdoc(method) or "")
