"""Predictions: creating them, seeing them, cancelling them."""

import uuid
from pathlib import Path
from typing import Any

import pytest

from tests.server.conftest import inside
from tests.server.people import People, Person
from tests.server.runs import Worker, add_runnable, add_runnable_version, create, run
from tests.server.samples import add_model, add_version
from wriftai import NotFoundError
from wriftai.predictions import ErrorSource, Status, TaskError
from wriftai_server.predictions.claims import Event, Outcome

ABSENT = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def worker(people: People, folder: Path) -> Worker:
    return Worker(folder)


@pytest.fixture
def version(ada: Person, folder: Path) -> dict[str, Any]:
    """Add a private model with a version that can run."""
    return add_runnable(ada, folder)


def test_a_new_prediction_waits(ada: Person, version: dict[str, Any]) -> None:
    body = {"input": {"n": 1, "text": "ä\u2028\0"}, "webhook_url": "https://example.org/hook"}
    reply = create(ada, f"/versions/{version['id']}/predictions", json=body)

    assert reply.status_code == 202
    prediction = reply.json()
    (cpu, *_) = ada.send("GET", "/hardware").json()["items"]
    assert str(uuid.UUID(prediction["id"]))
    assert prediction == {
        "url": f"http://hub.test/v1/predictions/{prediction['id']}",
        "id": prediction["id"],
        "version_id": version["id"],
        "created_at": prediction["updated_at"],
        "status": "pending",
        "webhook_url": body["webhook_url"],
        "updated_at": prediction["updated_at"],
        "setup_time": None,
        "execution_time": None,
        "hardware_id": prediction["hardware_id"],
        "error": None,
        "input": body["input"],
        "output": None,
        "logs": None,
        "setup_logs": None,
    }
    assert cpu["identifier"] == "cpu"
    assert prediction["created_at"].endswith("Z")
    assert reply.headers["location"] == prediction["url"]
    assert ada.send("GET", prediction["url"]).json() == prediction
    assert ada.client.predictions.get(prediction["id"]) == prediction
    for name in ("input", "output", "logs", "setup_logs"):
        del prediction[name]
    assert ada.client.predictions.list().items == [prediction]


@pytest.mark.parametrize("value", [None, 0, "text", [], {"deep": [{"er": 1.5}]}, 123456789012345678901234567890])
def test_an_input_may_be_any_json(ada: Person, version: dict[str, Any], value: Any) -> None:
    assert run(ada, version, value)["input"] == value


def test_a_version_runs_by_all_its_names(ada: Person, folder: Path, version: dict[str, Any]) -> None:
    name = f"{ada.name}/{version['model']['name']}"
    latest = add_runnable_version(ada, folder, version["model"])
    for path, body, runs in (
        (f"/versions/{version['id']}/predictions", {}, version),
        (f"/models/{name}/predictions", {}, latest),
        (f"/models/{name.upper()}/predictions", {}, latest),
        ("/predictions", {"model": name}, latest),
        ("/predictions", {"model": name.upper()}, latest),
        ("/predictions", {"model": f"{name}:1"}, version),
        ("/predictions", {"model": f"{name}:2"}, latest),
    ):
        reply = create(ada, path, json={"input": 1, **body})
        assert reply.status_code == 202
        assert reply.json()["version_id"] == runs["id"]


def test_predictions_are_counted_over_all_versions(ada: Person, folder: Path, version: dict[str, Any]) -> None:
    model = version["model"]
    second = add_runnable_version(ada, folder, model)
    for each in (version, second, second):
        run(ada, each)
    refused = create(ada, f"/versions/{version['id']}/predictions", json={"input": 1, "webhook_url": "nowhere"})
    assert refused.status_code == 422
    ada.client.versions.delete(second["id"])

    assert ada.client.models.get(ada.name, model["name"])["predictions_count"] == 3
    rare, never = add_runnable(ada, folder), add_model(ada)
    run(ada, rare)
    page = ada.send("GET", "/user/models", params={"sort_by": "prediction_count", "sort_direction": "desc"})
    assert [item["id"] for item in page.json()["items"]] == [model["id"], rare["model"]["id"], never["id"]]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (f"/versions/{ABSENT}/predictions", {}),
        ("/versions/none/predictions", {}),
        ("/models/{owner}/none/predictions", {}),
        ("/models/nobody/{name}/predictions", {}),
        ("/predictions", {"model": "{owner}/none"}),
        ("/predictions", {"model": "{owner}/{name}:3"}),
    ],
)
def test_what_is_absent_cannot_run(ada: Person, version: dict[str, Any], path: str, body: dict[str, str]) -> None:
    names = {"owner": ada.name, "name": version["model"]["name"]}
    filled = {key: value.format(**names) for key, value in body.items()}
    assert create(ada, path.format(**names), json={"input": 1, **filled}).status_code == 404


@pytest.mark.parametrize(
    "model",
    [
        "",
        "name",
        "owner/",
        "/name",
        "o/n/more",
        "o/n:",
        "o/n:0",
        "o/n:01",
        "o/n:-1",
        "o/n:latest",
        "o/n:1\n",
        "o n/m",
    ],
)
def test_references_that_lead_nowhere_are_malformed(ada: Person, model: str) -> None:
    reply = create(ada, "/predictions", json={"input": 1, "model": model})
    assert reply.status_code == 422
    (fault,) = reply.json()["detail"]
    assert fault["loc"] == ["body", "model"]
    assert "`owner/name:number`" in fault["msg"]


def test_a_model_without_a_version_cannot_run(ada: Person) -> None:
    reply = create(ada, f"/models/{ada.name}/{add_model(ada)['name']}/predictions")
    assert reply.status_code == 409
    assert "wriftai push" in reply.json()["detail"]


def test_a_version_whose_image_the_hub_does_not_hold_cannot_run(ada: Person, folder: Path) -> None:
    version = add_runnable(ada, folder, holds=False)
    reply = create(ada, f"/versions/{version['id']}/predictions")
    assert reply.status_code == 409
    assert reply.json()["detail"] == (
        f"The hub does not hold the image {version['container_image_digest']} of this version, so it cannot run: "
        "push it with `wriftai push`."
    )
    assert ada.client.predictions.list().items == []


def test_an_image_of_another_model_does_not_count(ada: Person, folder: Path, version: dict[str, Any]) -> None:
    other = add_version(ada, add_model(ada)["name"])
    assert create(ada, f"/versions/{other['id']}/predictions").status_code == 409


def test_everyone_runs_public_models_and_only_owners_private_ones(
    ada: Person, bob: Person, anyone: Person, folder: Path
) -> None:
    public, private = (add_runnable(ada, folder, visibility=each) for each in ("public", "private"))
    for version, statuses in ((public, (202, 202, 401)), (private, (202, 404, 401))):
        for caller, status in zip((ada, bob, anyone), statuses, strict=True):
            for path, more in (
                (f"/versions/{version['id']}/predictions", {}),
                (f"/models/{ada.name}/{version['model']['name']}/predictions", {}),
                ("/predictions", {"model": f"{ada.name}/{version['model']['name']}"}),
                ("/predictions", {"model": f"{ada.name}/{version['model']['name']}:1"}),
            ):
                assert create(caller, path, json={"input": 1, **more}).status_code == status


def test_predictions_are_seen_by_their_creator_alone(ada: Person, bob: Person, folder: Path) -> None:
    mine = run(bob, add_runnable(ada, folder, visibility="public"))
    for method, path in (("GET", ""), ("POST", "/cancel"), ("GET", "/stream")):
        hidden = ada.send(method, f"/predictions/{mine['id']}{path}")
        missing = ada.send(method, f"/predictions/{ABSENT}{path}")
        assert (hidden.status_code, hidden.content) == (404, missing.content)
    assert ada.client.predictions.list().items == []
    assert bob.client.predictions.get(mine["id"])["status"] == "pending"


@pytest.mark.parametrize("url", ["example.org", "ftp://example.org", "https://", "https:// a", "", None, 1])
def test_webhooks_are_urls(ada: Person, version: dict[str, Any], url: Any) -> None:
    reply = create(ada, f"/versions/{version['id']}/predictions", json={"input": 1, "webhook_url": url})
    assert reply.status_code == 422
    assert [fault["loc"] for fault in reply.json()["detail"]] == [["body", "webhook_url"]]


def test_webhooks_lead_to_public_addresses_or_allowed_ones(tmp_path: Path) -> None:
    with inside(tmp_path / "data", webhook_allow="10.1.0.0/16") as people:
        ada = people.add()
        path = f"/versions/{add_runnable(ada, tmp_path / 'data')['id']}/predictions"
        for host, status in (("127.0.0.1", 422), ("10.1.2.3", 202), ("1.1.1.1", 202), ("[::1]:8000", 422)):
            url = f"http://{host}/hook"
            reply = create(ada, path, json={"input": 1, "webhook_url": url})
            assert reply.status_code == status
            if status == 422:
                assert [fault["loc"] for fault in reply.json()["detail"]] == [["body", "webhook_url"]]


def test_a_prediction_that_ended_shows_what_came_out(
    ada: Person, worker: Worker, version: dict[str, Any]
) -> None:
    prediction = run(ada, version, {"n": 1})
    claim = worker.claim(prediction)
    started = ada.client.predictions.get(prediction["id"])
    assert started["status"] == "started"
    assert worker.say(claim, Event("setup_log", "loading"), Event("log", "one"), Event("output", "1"))
    assert worker.say(claim, Event("log", ""), Event("log", "two"))
    assert ada.client.predictions.get(prediction["id"])["logs"] == ["one", "", "two"]
    outcome = Outcome(Status.succeeded, output='{"n": [1]}', setup_seconds=61.25, execution_seconds=0.0)
    assert worker.finish(claim, outcome)

    ended = ada.client.predictions.get(prediction["id"])
    assert ended["updated_at"] > started["updated_at"] > prediction["updated_at"]
    assert ended == {
        **prediction,
        "status": "succeeded",
        "updated_at": ended["updated_at"],
        "output": {"n": [1]},
        "logs": ["one", "", "two"],
        "setup_logs": ["loading"],
        "setup_time": "PT61.25S",
        "execution_time": "PT0S",
    }


def test_a_prediction_that_failed_says_why(ada: Person, worker: Worker, version: dict[str, Any]) -> None:
    error = TaskError(source=ErrorSource.external, message="No such file.", detail={"line": 3})
    prediction = run(ada, version)
    worker.complete(prediction, Outcome(Status.failed, error=error, execution_seconds=1.000_000_4))
    for shown in (ada.client.predictions.get(prediction["id"]), *ada.client.predictions.list().items):
        assert (shown["status"], shown["error"]) == ("failed", error)
        assert shown["execution_time"] == "PT1S"


def test_a_list_goes_from_new_to_old_in_pages(ada: Person, version: dict[str, Any]) -> None:
    made = [run(ada, version)["id"] for _ in range(5)]
    pages = ada.client.predictions.list({"page_size": 2})
    assert [item["id"] for item in pages.items] == made[:2:-1]
    assert [item["id"] for item in pages.iter_all()] == made[::-1]


def test_a_list_holds_the_statuses_that_are_asked_for(
    ada: Person, worker: Worker, version: dict[str, Any]
) -> None:
    def ended(status: Status) -> str:
        prediction = run(ada, version)
        worker.complete(prediction, Outcome(status))
        return str(prediction["id"])

    made = [("failed", ended(Status.failed)), ("succeeded", ended(Status.succeeded))]
    made += [("failed", ended(Status.failed)), ("cancelled", ended(Status.cancelled))]
    made += [("pending", run(ada, version)["id"]) for _ in range(2)]
    for statuses in (
        ["failed"],
        ["started"],
        ["failed", "pending"],
        ["pending", "failed", "pending"],
        list(Status),
    ):
        expected = [prediction_id for status, prediction_id in reversed(made) if status in statuses]
        seen: list[str] = []
        page = ada.send("GET", "/predictions", params={"statuses": statuses, "page_size": 2}).json()
        back = None
        while True:
            seen += [item["id"] for item in page["items"]]
            if page["next_url"] is None:
                break
            back, page = page, ada.send("GET", page["next_url"]).json()
        assert seen == expected
        if back is not None:
            before = ada.send("GET", page["previous_url"]).json()
            assert before["items"] == back["items"]


def test_a_cursor_belongs_to_its_statuses(ada: Person, version: dict[str, Any]) -> None:
    for _ in range(2):
        run(ada, version)
    page = ada.send("GET", "/predictions", params={"statuses": ["pending", "failed"], "page_size": 1}).json()
    cursor = {"cursor": page["next_cursor"]}
    same = ada.send("GET", "/predictions", params={"statuses": ["failed", "pending"], **cursor})
    assert len(same.json()["items"]) == 1
    for statuses in ([], ["pending"]):
        assert ada.send("GET", "/predictions", params={"statuses": statuses, **cursor}).status_code == 422


def test_a_status_that_there_is_not_is_malformed(ada: Person) -> None:
    reply = ada.send("GET", "/predictions?statuses=pending&statuses=running")
    assert reply.status_code == 422
    assert reply.json()["detail"][0]["loc"] == ["query", "statuses"]


def test_what_waits_is_cancelled_at_once(ada: Person, version: dict[str, Any]) -> None:
    prediction = run(ada, version)
    for _ in range(2):
        reply = ada.send("POST", f"/predictions/{prediction['id']}/cancel")
        assert (reply.status_code, reply.content) == (200, b"null")
        assert ada.client.predictions.get(prediction["id"])["status"] == "cancelled"


def test_what_runs_is_asked_to_stop(ada: Person, worker: Worker, version: dict[str, Any]) -> None:
    prediction = run(ada, version)
    claim = worker.claim(prediction)
    for _ in range(2):
        assert ada.send("POST", f"/predictions/{prediction['id']}/cancel").content == b"null"
        assert ada.client.predictions.get(prediction["id"])["status"] == "started"
    assert worker.finish(claim, Outcome(Status.cancelled))
    assert ada.send("POST", f"/predictions/{prediction['id']}/cancel").status_code == 200
    assert ada.client.predictions.get(prediction["id"])["status"] == "cancelled"


@pytest.mark.parametrize("status", [Status.succeeded, Status.failed])
def test_what_has_ended_cannot_be_cancelled(
    ada: Person, worker: Worker, version: dict[str, Any], status: Status
) -> None:
    prediction = run(ada, version)
    worker.complete(prediction, Outcome(status))
    reply = ada.send("POST", f"/predictions/{prediction['id']}/cancel")
    assert reply.status_code == 409
    assert str(status) in reply.json()["detail"]
    assert ada.client.predictions.get(prediction["id"])["status"] == status


def test_predictions_outlive_what_they_ran(ada: Person, worker: Worker, version: dict[str, Any]) -> None:
    prediction = run(ada, version)
    ada.client.models.delete(ada.name, version["model"]["name"])
    with pytest.raises(NotFoundError):
        ada.client.versions.get(version["id"])
    assert ada.client.predictions.get(prediction["id"]) == prediction
    worker.complete(prediction)
    assert ada.client.predictions.get(prediction["id"])["status"] == "succeeded"
