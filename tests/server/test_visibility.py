"""Who sees and who changes a model: its owner, others, administrators, and anyone."""

import uuid

import pytest

from tests.server.people import People, Person
from tests.server.samples import add_model, add_version, version_params
from wriftai.models import ModelVisibility

OF_A_MODEL = [
    ("GET", "/models/{owner}/{name}", None),
    ("GET", "/models/{owner}/{name}/versions", None),
    ("GET", "/models/{owner}/{name}/versions/1", None),
    ("GET", "/versions/{version}", None),
]
CHANGES = [
    ("PATCH", "/models/{owner}/{name}", {"description": "Taken over."}),
    ("PATCH", "/models/{owner}/{name}", {}),
    ("POST", "/models/{owner}/{name}/versions", version_params()),
    ("DELETE", "/models/{owner}/{name}/versions/1", None),
    ("DELETE", "/versions/{version}", None),
    ("DELETE", "/models/{owner}/{name}", None),
]


def ids(case: object) -> str:
    return case if isinstance(case, str) else ""


class Shown:
    """A model with a version, and the paths that lead to them."""

    def __init__(self, owner: Person, visibility: str) -> None:
        self.owner = owner
        self.model = add_model(owner, visibility=visibility)
        self.version = add_version(owner, self.model["name"])
        self.before = owner.client.models.get(owner.name, self.model["name"])

    def path(self, template: str) -> str:
        return template.format(owner=self.owner.name, name=self.model["name"], version=self.version["id"])

    def absent(self, template: str) -> str:
        return template.format(owner=self.owner.name, name="no-such-model", version=uuid.uuid4())

    def is_untouched(self) -> bool:
        return self.owner.client.models.get(self.owner.name, self.model["name"]) == self.before


@pytest.fixture
def private(ada: Person) -> Shown:
    return Shown(ada, "private")


@pytest.fixture
def public(ada: Person) -> Shown:
    return Shown(ada, "public")


@pytest.mark.parametrize(("method", "path", "body"), OF_A_MODEL, ids=ids)
def test_a_private_model_is_there_for_its_owner_alone(
    people: People, bob: Person, private: Shown, method: str, path: str, body: None
) -> None:
    assert private.owner.send(method, private.path(path), json=body).status_code == 200
    for other in (bob, people.add(is_admin=True), people.anyone):
        hidden = other.send(method, private.path(path))
        absent = other.send(method, private.absent(path))
        assert hidden.status_code == absent.status_code == 404
        assert hidden.json() == absent.json()


@pytest.mark.parametrize(("method", "path", "body"), CHANGES, ids=ids)
def test_others_cannot_tell_that_a_private_model_is_there(
    people: People, bob: Person, private: Shown, method: str, path: str, body: object
) -> None:
    for other in (bob, people.add(is_admin=True)):
        hidden = other.send(method, private.path(path), json=body)
        absent = other.send(method, private.absent(path), json=body)
        assert hidden.status_code == absent.status_code == 404
        assert hidden.json() == absent.json()
    assert people.anyone.send(method, private.path(path), json=body).status_code == 401
    assert private.is_untouched()


@pytest.mark.parametrize(("method", "path", "body"), OF_A_MODEL, ids=ids)
def test_a_public_model_is_there_for_everyone(
    people: People, bob: Person, public: Shown, method: str, path: str, body: None
) -> None:
    seen = public.owner.send(method, public.path(path)).json()
    for other in (bob, people.add(is_admin=True), people.anyone):
        reply = other.send(method, public.path(path))
        assert reply.status_code == 200
        assert reply.json() == seen


@pytest.mark.parametrize(("method", "path", "body"), CHANGES, ids=ids)
def test_a_public_model_is_changed_by_its_owner_alone(
    people: People, bob: Person, public: Shown, method: str, path: str, body: object
) -> None:
    for other in (bob, people.add(is_admin=True)):
        reply = other.send(method, public.path(path), json=body)
        assert reply.status_code == 403
        assert reply.json()["detail"].startswith("Only its owner may change this ")
    assert people.anyone.send(method, public.path(path), json=body).status_code == 401
    assert public.is_untouched()


@pytest.mark.parametrize(("method", "path", "body"), CHANGES, ids=ids)
def test_an_owner_may_do_it_all(private: Shown, method: str, path: str, body: object) -> None:
    reply = private.owner.send(method, private.path(path), json=body)
    assert reply.status_code == (201 if method == "POST" else 200)
    if method == "DELETE":
        assert reply.content == b"null"


def test_lists_and_search_show_what_their_reader_may_see(
    people: People, bob: Person, private: Shown, public: Shown
) -> None:
    owner = private.owner
    both = {private.model["name"], public.model["name"]}
    for reader, expected in (
        (owner, both),
        (bob, {public.model["name"]}),
        (people.add(is_admin=True), {public.model["name"]}),
        (people.anyone, {public.model["name"]}),
    ):
        listed = reader.client.models.list({"page_size": 100}, owner=owner.name)
        assert {model["name"] for model in listed} == expected
        everyones = {model["name"] for model in reader.client.models.list({"page_size": 100}).iter_all()}
        assert everyones & both == expected
        found = reader.client.models.search(owner.name, {"page_size": 100})
        assert {model["name"] for model in found} == expected
        by_name = reader.client.models.search(f"{owner.name}/{private.model['name']}")
        assert (private.model["name"] in {model["name"] for model in by_name}) == (
            private.model["name"] in expected
        )


def test_publishing_and_withdrawing_take_effect_at_once(private: Shown, anyone: Person) -> None:
    owner, name = private.owner, private.model["name"]
    owner.client.models.update(owner.name, name, {"visibility": ModelVisibility.public})
    assert anyone.send("GET", private.path("/versions/{version}")).status_code == 200
    owner.client.models.update(owner.name, name, {"visibility": ModelVisibility.private})
    assert anyone.send("GET", private.path("/versions/{version}")).status_code == 404


def test_the_callers_own_models_need_a_token(anyone: Person) -> None:
    assert anyone.send("GET", "/user/models").status_code == 401
