"""What `common_types` makes for Python 3.10 behaves like what later Pythons bring."""

import copy
import importlib.util
import json
import pickle
import sys
from typing import Any

import pytest

from wriftai import common_types


@pytest.fixture
def older(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Load the module anew, as Python 3.10 would."""
    spec = importlib.util.spec_from_file_location("older_common_types", common_types.__file__)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setattr(sys, "version_info", (3, 10, 0, "final", 0))
    spec.loader.exec_module(module)
    return module


def test_string_enumerations_behave_alike(older: Any) -> None:
    makers: list[Any] = [older.StrEnum, common_types.StrEnum]
    for make in makers:
        kind = make("Kind", {"A": "a", "B": "b"})
        assert {kind.A, kind.A.value, str(kind.A)} == {"a"}
        assert f"{kind.A}{kind.A:>3}" == "a  a"
        assert "%s" % kind.A == "-".join([kind.A]) == "a"  # noqa: UP031
        assert json.dumps({"kind": kind.A}) == '{"kind": "a"}'
        assert {kind.A: 1}["a"] == 1
        assert kind("b") is kind.B
        assert [*kind] == ["a", "b"]
        assert copy.deepcopy(kind.A) is kind.A
        assert repr(kind.A) == "<Kind.A: 'a'>"
        assert isinstance(kind.A, str)


def test_the_same_names_and_keys_are_made(older: Any) -> None:
    assert older.__all__ == common_types.__all__
    for name in ("User", "Version", "Hardware", "Schemas", "SchemaIO"):
        made, known = getattr(older, name), getattr(common_types, name)
        assert made.__required_keys__ == known.__required_keys__
        assert made.__optional_keys__ == known.__optional_keys__ == frozenset()


def test_members_survive_pickling() -> None:
    for member in common_types.SortDirection:
        assert pickle.loads(pickle.dumps(member)) is member  # noqa: S301
