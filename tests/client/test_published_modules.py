"""The other modules offer what the interface says, and nothing more."""

import importlib
import inspect
from typing import Any, TypeVar, get_type_hints

import pytest

import wriftai
from tests.client.processes import in_fresh_python
from tests.client.published_modules import MODULES
from tests.client.surface import described
from wriftai import Client, ClientOptions, api, common_types

ELSEWHERE = {"common_types.StrEnum", "common_types.NotRequired"}
"""Names of the standard library that `common_types` passes on."""

INTERNAL = {"api": {"HTTPClient"}, "errors": {"raise_for_status", "reply_headers"}}
"""Public within the package only."""

FOUND = {
    f"{module}.{name}": fact
    for module in MODULES
    for name, fact in described(importlib.import_module(f"wriftai.{module}")).items()
}
EXPECTED = {f"{module}.{name}": fact for module, facts in MODULES.items() for name, fact in facts.items()}


@pytest.mark.parametrize("entry", sorted({*EXPECTED, *FOUND} - ELSEWHERE))
def test_entry(entry: str) -> None:
    assert FOUND.get(entry, "missing") == EXPECTED.get(entry, "not in the interface")


@pytest.mark.parametrize("name", [*MODULES, "models", "api"])
def test_every_public_name_that_a_module_defines_is_exported(name: str) -> None:
    module: Any = importlib.import_module(f"wriftai.{name}")
    defined = {
        thing_name
        for thing_name, thing in vars(module).items()
        if not thing_name.startswith("_")
        and not isinstance(thing, TypeVar)
        and getattr(thing, "__module__", None) == module.__name__
    }
    assert defined - set(module.__all__) == INTERNAL.get(name, set())
    assert len(set(module.__all__)) == len(module.__all__)
    assert all(hasattr(module, exported) for exported in module.__all__)
    assert module.__doc__


EXPORTED = {
    "Client",
    "ClientOptions",
    "PaginationOptions",
    "APIStatusError",
    "AuthenticationError",
    "ConflictError",
    "NotFoundError",
    "PermissionDeniedError",
    "RateLimitError",
    "ServerError",
    "UnprocessableEntityError",
    "WebhookVerificationError",
    "verify_webhook",
}


def test_the_package_exports_what_the_interface_says() -> None:
    assert set(wriftai.__all__) == EXPORTED
    everything: dict[str, Any] = {}
    exec("from wriftai import *", everything)  # noqa: S102
    assert set(everything) - {"__builtins__"} == EXPORTED


@pytest.mark.parametrize("name", sorted(EXPORTED))
def test_exported_names_are_those_of_their_modules(name: str) -> None:
    thing = getattr(wriftai, name)
    assert thing is getattr(importlib.import_module(thing.__module__), name)
    assert getattr(wriftai, name) is thing


@pytest.mark.parametrize(
    "name", ["Client", "ClientOptions", "PaginationOptions", "NotFoundError", "verify_webhook", "models", "api"]
)
def test_names_load_when_they_are_first_used(name: str) -> None:
    code = f"import wriftai; assert {name!r} not in vars(wriftai); print(wriftai.{name}.__name__)"
    assert in_fresh_python(code).rpartition(".")[2] == name
    assert name in dir(wriftai)


def test_a_module_need_not_be_imported_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    models = wriftai.models
    monkeypatch.delattr(wriftai, "models")
    assert wriftai.models is models


def test_the_package_lists_names_that_it_has_not_loaded() -> None:
    listed = set(in_fresh_python("import wriftai; print(*dir(wriftai))").split())
    assert listed >= EXPORTED | set(MODULES) | {"models", "api", "__version__"}


@pytest.mark.parametrize("name", ["client", "Model", "_missing", "Clients", ""])
def test_a_name_that_is_not_there_is_an_error(name: str) -> None:
    with pytest.raises(AttributeError, match="module 'wriftai' has no attribute"):
        getattr(wriftai, name)
    assert not hasattr(wriftai, name)


def test_the_release_is_a_version() -> None:
    assert all(part.isdecimal() for part in wriftai.__version__.split("."))
    assert wriftai.__version__.count(".") == 2


def test_the_client_takes_and_has_what_the_interface_says() -> None:
    parameters = inspect.signature(Client).parameters.values()
    assert [(parameter.name, parameter.kind.name, parameter.default) for parameter in parameters] == [
        ("api_base_url", "POSITIONAL_OR_KEYWORD", None),
        ("access_token", "POSITIONAL_OR_KEYWORD", None),
        ("client_options", "POSITIONAL_OR_KEYWORD", None),
        ("max_retries", "KEYWORD_ONLY", 2),
    ]
    has = {name: type(thing).__name__ for name, thing in vars(Client()).items() if not name.startswith("_")}
    assert has == {
        "api": "API",
        "models": "ModelsResource",
        "versions": "Versions",
        "predictions": "Predictions",
        "hardware": "HardwareResource",
        "users": "UsersResource",
        "authenticated_user": "AuthenticatedUser",
    }


def test_every_option_of_the_client_may_be_left_out() -> None:
    assert ClientOptions.__optional_keys__ == {"headers", "timeout", "transport"}
    assert ClientOptions.__required_keys__ == frozenset()


@pytest.mark.parametrize("method", ["request", "async_request"])
def test_the_seam_has_the_parameters_that_every_api_must_have(method: str) -> None:
    parameters = list(inspect.signature(getattr(api.API, method)).parameters.values())[1:]
    assert [(parameter.name, parameter.default) for parameter in parameters] == [
        ("method", inspect.Parameter.empty),
        ("path", inspect.Parameter.empty),
        ("body", None),
        ("headers", None),
        ("params", None),
    ]


def test_the_seam_is_made_of_two_clients() -> None:
    parameters = inspect.signature(api.API).parameters.values()
    assert [parameter.name for parameter in parameters][:2] == ["sync_client", "async_client"]
    assert all(parameter.kind is parameter.KEYWORD_ONLY for parameter in list(parameters)[2:])


def test_types_of_payloads_can_be_resolved() -> None:
    for name in [*MODULES, "models"]:
        module = importlib.import_module(f"wriftai.{name}")
        for exported in module.__all__:
            if isinstance(kind := getattr(module, exported), type):
                get_type_hints(kind)


def test_the_types_that_are_passed_on_are_the_standard_ones() -> None:
    assert issubclass(common_types.StrEnum, str)
    assert common_types.NotRequired.__class__.__module__ in ("typing", "typing_extensions")
