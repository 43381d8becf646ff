"""Bodies that are no JSON, or not the JSON that an address takes."""

from typing import Any

import pytest

from tests.server.people import People, Person
from tests.server.samples import add_model, add_version, version_params

GOOD = b'{"name":"good","hardware_identifier":"cpu"}'


def post(caller: Person, body: bytes, path: str = "/models", **headers: str) -> Any:
    return caller.send("POST", path, content=body, headers={"content-type": "application/json", **headers})


def faults(reply: Any) -> list[dict[str, Any]]:
    assert reply.status_code == 422
    assert reply.headers["content-type"] == "application/json"
    detail: list[dict[str, Any]] = reply.json()["detail"]
    assert all(set(fault) == {"loc", "msg", "type"} for fault in detail)
    return detail


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"not json",
        b"name=good&hardware_identifier=cpu",
        b"{'name': 'good'}",
        b'{"name": "good",}',
        GOOD + b"{}",
        b"\xef\xbb\xbf" + GOOD,
        GOOD.decode().encode("utf-16"),
        b'{"name":"\xff","hardware_identifier":"cpu"}',
        b'{"\xff":1}',
        b'{"name":"good","description":"\\ud800","hardware_identifier":"cpu"}',
        b'{"name":"good","description":"\\udc00\\ud800","hardware_identifier":"cpu"}',
        b'{"name":"good","description":"\xed\xa0\x80","hardware_identifier":"cpu"}',
        b'{"name":"good","description":"a\nb","hardware_identifier":"cpu"}',
        b'{"name":NaN}',
        b'{"name":1e999}',
        b"\0",
        b"\x81\xa4name\xa4good",
    ],
)
def test_what_is_no_json(ada: Person, body: bytes) -> None:
    (fault,) = faults(post(ada, body))
    assert (fault["loc"], fault["type"]) == (["body"], "json_invalid")
    assert fault["msg"].startswith("The body is not JSON in UTF-8: ")


@pytest.mark.parametrize(
    "body", [b"[" * 100_000, b'{"a":' * 100_000, b'{"name":' + b"[" * 5_000 + b"]" * 5_000 + b"}"]
)
def test_json_that_is_nested_beyond_reason(ada: Person, body: bytes) -> None:
    (fault,) = faults(post(ada, body))
    assert fault == {"loc": ["body"], "msg": "The body is nested too deeply.", "type": "json_invalid"}


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_an_empty_body(ada: Person, method: str) -> None:
    reply = ada.send(method, "/models" if method == "POST" else "/user")
    (fault,) = faults(reply)
    assert fault == {"loc": ["body"], "msg": "The body is empty: send a JSON object.", "type": "field_missing"}


@pytest.mark.parametrize("body", [b"null", b"[]", b'"good"', b"5", b"true", b"[" + GOOD + b"]"])
@pytest.mark.parametrize(("method", "path"), [("POST", "/models"), ("PATCH", "/user")])
def test_json_that_is_no_object(ada: Person, method: str, path: str, body: bytes) -> None:
    (fault,) = faults(ada.send(method, path, content=body))
    assert (fault["loc"], fault["type"]) == (["body"], "value_invalid")
    assert fault["msg"].startswith("Expected `object`, got ")


def test_all_faults_come_at_once_each_with_its_place(ada: Person) -> None:
    body = {"nam": "a", "source_url": "example.org", "visibility": "secret", "description": 5, "hardware": {}}
    found = {".".join(fault["loc"]): fault for fault in faults(ada.send("POST", "/models", json=body))}
    assert {place: fault["type"] for place, fault in found.items()} == {
        "body.nam": "field_unknown",
        "body.hardware": "field_unknown",
        "body.name": "field_missing",
        "body.hardware_identifier": "field_missing",
        "body.source_url": "value_invalid",
        "body.visibility": "value_invalid",
        "body.description": "value_invalid",
    }
    assert found["body.nam"]["msg"].startswith("There is no such field here; there are: name, hardware_")
    assert found["body.visibility"]["msg"] == "Invalid enum value 'secret': choose one of private, public."
    assert found["body.description"]["msg"] == "Expected `str | null`, got `int`."


def test_unknown_fields_are_named_in_every_body(ada: Person) -> None:
    model = add_model(ada)["name"]
    for method, path, body in (
        ("POST", "/models", {"name": "good", "hardware_identifier": "cpu"}),
        ("PATCH", f"/models/{ada.name}/{model}", {}),
        ("PATCH", "/user", {}),
        ("POST", f"/models/{ada.name}/{model}/versions", version_params()),
    ):
        (fault,) = faults(ada.send(method, path, json={**body, "": 1}))
        assert (fault["loc"], fault["type"]) == (["body", ""], "field_unknown")


def test_a_body_with_many_faults_is_refused_in_few_words(ada: Person) -> None:
    for body in (
        {f"field-{number}": number for number in range(50_000)},
        {"x" * 500_000: 1, "name": "good", "hardware_identifier": "cpu"},
        {"name": "good", "hardware_identifier": "cpu", "visibility": "x" * 500_000},
    ):
        reply = ada.send("POST", "/models", json=body)
        assert 1 <= len(faults(reply)) <= 20
        assert len(reply.content) < 10_000


def test_any_content_type_carries_json(ada: Person) -> None:
    for n, kind in enumerate(("text/plain", "application/json; charset=utf-8", "nonsense")):
        body = GOOD.replace(b"good", b"good-%d" % n)
        assert post(ada, body, **{"content-type": kind}).status_code == 201


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=b"])
def test_forms_are_no_json(ada: Person, kind: str) -> None:
    (fault,) = faults(post(ada, b"name=good&hardware_identifier=cpu", **{"content-type": kind}))
    assert fault["loc"] == ["body"]


def test_of_a_field_that_is_there_twice_the_last_counts(ada: Person) -> None:
    body = b'{"name":"first","name":"last","hardware_identifier":"cpu"}'
    assert post(ada, body).json()["name"] == "last"


def test_a_body_has_up_to_a_mebibyte(ada: Person) -> None:
    model = add_model(ada)["name"]
    path = f"/models/{ada.name}/{model}/versions"
    padding = GOOD + b" " * (1024 * 1024 - len(GOOD))
    assert post(ada, padding).status_code == 201
    for body in (padding + b" ", b"x" * (3 * 1024 * 1024)):
        reply = post(ada, body, path)
        assert reply.status_code == 413
        assert reply.json() == {"detail": "The body is too large."}
    assert add_version(ada, model)["number"] == 1


def test_the_limit_counts_for_bodies_of_no_known_length(shared_people: People) -> None:
    reply = shared_people.add().send("POST", "/models", content=iter([b" " * 1024 * 512] * 3))
    assert reply.status_code == 413


def test_bodies_where_none_is_taken_do_not_matter(ada: Person) -> None:
    reply = ada.send("GET", "/models", content=b"{not json")
    assert reply.status_code == 200
    assert ada.send("DELETE", f"/models/{ada.name}/none", content=b"{not json").status_code == 404
