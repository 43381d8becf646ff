"""`wriftai.models` is what its reference page says, to the letter."""

import inspect

import pytest
from typing_extensions import is_typeddict

from tests.client.published_models import COUNT, PUBLISHED
from tests.client.surface import described
from wriftai import common_types, models, pagination

FOUND = described(models)


@pytest.mark.parametrize("entry", sorted({*PUBLISHED, *FOUND}))
def test_entry(entry: str) -> None:
    assert FOUND.get(entry, "missing") == PUBLISHED.get(entry, "not published")


def test_the_table_has_a_row_for_each_entry_of_the_page() -> None:
    assert len(PUBLISHED) == COUNT == 54


def test_nothing_public_is_defined_beyond_the_table() -> None:
    defined = {
        name
        for name, thing in vars(models).items()
        if not name.startswith("_") and getattr(thing, "__module__", None) == models.__name__
    }
    classes = {entry for entry in PUBLISHED if "." not in entry}
    assert defined == classes == set(models.__all__)


def test_no_class_has_public_members_beyond_the_table() -> None:
    members = {
        f"{name}.{member}"
        for name in models.__all__
        if not is_typeddict(getattr(models, name)) and not issubclass(getattr(models, name), str)
        for member, _ in inspect.getmembers(getattr(models, name))
        if not member.startswith("_")
    }
    assert members == {entry for entry in PUBLISHED if entry.startswith("ModelsResource.")}


@pytest.mark.parametrize("name", ["User", "Version", "Hardware", "SortDirection", "StrEnum", "NotRequired"])
def test_names_of_other_pages_are_those_of_their_modules(name: str) -> None:
    assert getattr(models, name) is getattr(common_types, name)


def test_bases_are_the_very_classes_of_their_modules() -> None:
    assert models.ModelVisibility.__bases__ == models.ModelsSortBy.__bases__ == (common_types.StrEnum,)
    inherited = pagination.PaginationOptions.__annotations__
    assert inherited.items() <= models.ModelPaginationOptions.__annotations__.items()


@pytest.mark.parametrize("entry", [entry for entry in PUBLISHED if "." in entry])
def test_keys_may_be_left_out_only_where_published(entry: str) -> None:
    name, _, part = entry.partition(".")
    kind = getattr(models, name)
    if is_typeddict(kind):
        optional = PUBLISHED[entry].startswith("NotRequired[")
        assert (part in kind.__optional_keys__) is optional
        assert (part in kind.__required_keys__) is not optional
    else:
        assert callable(getattr(kind, part)) or getattr(kind, part) == part.lower()


def test_members_of_the_enumerations_are_their_values() -> None:
    for kind in (models.ModelVisibility, models.ModelsSortBy):
        for member in kind:
            assert member == member.value == f"{member}"
            assert kind(member.value) is member
