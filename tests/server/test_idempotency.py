"""The same POST sent twice does its work once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.databases import run_sql
from tests.hubs import Hub
from tests.server.people import People, Person
from tests.server.runs import Worker, add_runnable, hold_image
from tests.server.samples import add_model, new_name, version_params


def post(caller: Person, key: str, path: str = "/models", **body: Any) -> httpx.Response:
    sent = {"name": "once", "hardware_identifier": "cpu", **body} if path == "/models" else body
    return caller.send("POST", path, json=sent, headers={"Idempotency-Key": key})


def names(owner: Person) -> list[str]:
    return [model["name"] for model in owner.client.authenticated_user.models()]


def let_time_pass(folder: Path, key: str, passed: timedelta) -> None:
    """Make the use of a key look as old as that in the hub's database."""
    used = (datetime.now(UTC) - passed).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    sql = "UPDATE idempotency_keys SET created_at = ? WHERE key = ? RETURNING key"
    assert run_sql(folder, sql, used, key) == [(key,)]


def test_the_first_answer_comes_again(ada: Person) -> None:
    first = post(ada, "key-1")
    ada.client.models.update(ada.name, "once", {"description": "Changed since."})
    second = post(ada, "key-1")
    assert first.status_code == second.status_code == 201
    assert second.json() == first.json()
    assert second.headers["content-type"] == first.headers["content-type"]
    assert names(ada) == ["once"]


def test_the_answer_comes_again_when_its_work_was_undone(ada: Person) -> None:
    first = post(ada, "key-1")
    ada.client.models.delete(ada.name, "once")
    assert post(ada, "key-1").json() == first.json()
    assert names(ada) == []


def test_without_a_key_the_work_is_done_again(ada: Person) -> None:
    assert ada.send("POST", "/models", json={"name": "once", "hardware_identifier": "cpu"}).status_code == 201
    assert ada.send("POST", "/models", json={"name": "once", "hardware_identifier": "cpu"}).status_code == 409


def test_versions_have_it_too(ada: Person) -> None:
    path = f"/models/{ada.name}/{add_model(ada)['name']}/versions"
    replies = [post(ada, "key-v", path, **version_params()) for _ in range(2)]
    assert [reply.status_code for reply in replies] == [201, 201]
    assert replies[0].json() == replies[1].json()
    assert ada.send("GET", path).json()["items"] == [replies[0].json()]


def test_another_body_is_refused(ada: Person) -> None:
    post(ada, "key-1")
    for body in ({"name": "other"}, {"description": "More."}):
        reply = post(ada, "key-1", **body)
        assert reply.status_code == 422
        (fault,) = reply.json()["detail"]
        assert fault == {
            "loc": ["header", "Idempotency-Key"],
            "msg": "This key was used for another request: make a new one.",
            "type": "idempotency_key_reused",
        }
    assert names(ada) == ["once"]


def test_another_address_is_refused(ada: Person) -> None:
    paths = [f"/models/{ada.name}/{add_model(ada)['name']}/versions" for _ in range(2)]
    replies = [post(ada, "key-1", path, **version_params()) for path in paths]
    assert [reply.status_code for reply in replies] == [201, 422]
    assert ada.send("GET", paths[1]).json()["items"] == []


def test_each_user_has_keys_of_their_own(ada: Person, bob: Person) -> None:
    assert post(ada, "shared").json()["owner"]["username"] == ada.name
    reply = post(bob, "shared", description="Bob's.")
    assert reply.status_code == 201
    assert reply.json()["owner"]["username"] == bob.name


def test_a_key_does_not_stand_for_a_token(ada: Person, anyone: Person) -> None:
    post(ada, "key-1")
    assert post(anyone, "key-1").status_code == 401


def test_work_that_failed_may_be_tried_again(ada: Person) -> None:
    taken = add_model(ada, "once")
    assert post(ada, "key-1").status_code == 409
    ada.client.models.delete(ada.name, taken["name"])
    assert post(ada, "key-1").status_code == 201
    assert post(ada, "key-2", hardware_identifier="h100").status_code == 422
    assert post(ada, "key-2", name="fixed").status_code == 201


def test_predictions_come_again_as_they_are_by_then(ada: Person, folder: Path) -> None:
    version = add_runnable(ada, folder, visibility="public")
    names = f"{ada.name}/{version['model']['name']}"
    for number, (path, body) in enumerate(
        (
            (f"/versions/{version['id']}/predictions", {}),
            (f"/models/{names}/predictions", {}),
            ("/predictions", {"model": names}),
        )
    ):
        first = post(ada, f"key-{number}", path, input=1, **body)
        assert first.status_code == 202
        Worker(folder).complete(first.json())
        again = post(ada, f"key-{number}", path, input=1, **body)
        assert again.status_code == 200
        assert again.json() == ada.send("GET", f"/predictions/{first.json()['id']}").json()
        assert again.json()["status"] == "succeeded"
        assert again.headers["location"] == first.headers["location"]
        assert post(ada, f"key-{number}", path, input=2, **body).status_code == 422
    assert ada.client.models.get(ada.name, version["model"]["name"])["predictions_count"] == 3


def test_a_prediction_comes_again_when_its_model_is_gone(ada: Person, folder: Path) -> None:
    version = add_runnable(ada, folder)
    path = f"/versions/{version['id']}/predictions"
    first = post(ada, "key-1", path, input=1)
    ada.client.models.delete(ada.name, version["model"]["name"])
    assert post(ada, "key-1", path, input=1).json() == first.json()
    assert post(ada, "key-2", path, input=1).status_code == 404


def test_a_key_may_be_tried_again_when_there_was_no_prediction(ada: Person, folder: Path) -> None:
    version = add_runnable(ada, folder, schema={"type": "integer"}, holds=False)
    path = f"/versions/{version['id']}/predictions"
    assert post(ada, "key-1", path, input=1).status_code == 409
    hold_image(folder, version["model"]["id"], version["container_image_digest"])
    assert post(ada, "key-1", path, input="text").status_code == 422
    assert post(ada, "key-1", path, input=1).status_code == 202


def test_predictions_that_are_asked_for_at_once_with_one_key_are_one(
    shared_people: People, shared_hub: Hub
) -> None:
    ada = shared_people.add()
    path = f"/versions/{add_runnable(ada, shared_hub.data_dir)['id']}/predictions"
    with ThreadPoolExecutor(8) as callers:
        replies = list(callers.map(lambda _: post(ada, "key-1", path, input=1), range(16)))
    assert {reply.status_code for reply in replies} == {202}
    assert len({reply.json()["id"] for reply in replies}) == 1
    assert len(ada.client.predictions.list().items) == 1


@pytest.mark.parametrize(
    "key", ["k", "k" * 255, "a key with spaces", "{}'\";--", "é".encode("latin-1").decode("latin-1")]
)
def test_keys(ada: Person, key: str) -> None:
    header = {"Idempotency-Key": key.encode("latin-1")}
    body = {"name": new_name(), "hardware_identifier": "cpu"}
    first, second = (ada.send("POST", "/models", json=body, headers=header) for _ in range(2))
    assert first.status_code == second.status_code == 201
    assert first.json() == second.json()


@pytest.mark.parametrize("key", ["", "k" * 256])
def test_what_is_no_key(ada: Person, key: str) -> None:
    reply = post(ada, key)
    assert reply.status_code == 422
    assert reply.json()["detail"][0]["loc"] == ["header", "Idempotency-Key"]
    assert names(ada) == []


def test_the_same_request_many_times_at_once_is_done_once(shared_people: People) -> None:
    ada = shared_people.add()
    with ThreadPoolExecutor(8) as callers:
        replies = list(callers.map(lambda _: post(ada, "key-1"), range(16)))
    assert {reply.status_code for reply in replies} == {201}
    assert len({reply.content for reply in replies}) == 1
    assert names(ada) == ["once"]


def test_any_token_of_a_user_gets_the_answer_again(people: People, ada: Person) -> None:
    assert post(ada, "key-1").json() == post(people.add_token(ada), "key-1").json()


def test_keys_differ_by_the_case_of_their_letters(ada: Person) -> None:
    assert post(ada, "key-a").status_code == 201
    assert post(ada, "KEY-A", name="another").status_code == 201


def test_a_key_lasts_for_a_day(ada: Person, folder: Path) -> None:
    key = new_name()
    first = post(ada, key)
    let_time_pass(folder, key, timedelta(hours=23, minutes=59))
    assert post(ada, key).json() == first.json()


def test_after_a_day_a_key_is_forgotten(ada: Person, folder: Path) -> None:
    key = new_name()
    first = post(ada, key)
    let_time_pass(folder, key, timedelta(days=1, minutes=1))
    assert post(ada, key).status_code == 409  # The model is still there.
    ada.client.models.delete(ada.name, "once")
    again = post(ada, key, description="Another body.")
    assert again.status_code == 201
    assert again.json()["id"] != first.json()["id"]


def test_forgotten_keys_leave_the_database(ada: Person, folder: Path) -> None:
    key = new_name()
    post(ada, key)
    let_time_pass(folder, key, timedelta(days=2))
    post(ada, new_name(), name="sweeper")
    assert run_sql(folder, "SELECT key FROM idempotency_keys WHERE key = ?", key) == []


def test_many_forgotten_keys_leave_some_at_a_time_and_count_no_longer(ada: Person, folder: Path) -> None:
    keys = [new_name() for _ in range(25)]
    for key in keys:
        post(ada, key, name=new_name())
    for minutes, key in enumerate(keys):
        let_time_pass(folder, key, timedelta(days=300) - timedelta(minutes=minutes))
    left = "SELECT count(*) FROM idempotency_keys JOIN users ON id = user_id WHERE username = ? AND key <> ?"
    # The newest of them, whose turn does not come yet.
    again = post(ada, keys[-1], name="again")
    assert (again.status_code, again.json()["name"]) == (201, "again")
    assert run_sql(folder, left, ada.name, keys[-1]) == [(14,)]
    for _ in range(2):
        post(ada, new_name(), name=new_name())
    assert run_sql(folder, left, ada.name, keys[-1]) == [(2,)]
