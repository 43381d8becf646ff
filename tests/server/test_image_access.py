"""Who may copy images, and how they say who they are."""

from collections.abc import Iterator

import httpx
import pytest

from tests.images import Image, digest_of, layer
from tests.server.conftest import inside
from tests.server.people import People, Person
from tests.server.registry import ROOT, Repository, add_repository, basic, refusal
from wriftai_server.app import V2

IMAGE = Image(layer(a=b"1"))
BLOB = digest_of(IMAGE.config)
PULLS = (
    ("GET", f"blobs/{BLOB}"),
    ("GET", "manifests/latest"),
    ("GET", "tags/list"),
    ("GET", f"referrers/{BLOB}"),
)
PUSHES = (
    ("DELETE", f"blobs/{BLOB}"),
    ("PUT", "manifests/latest"),
    ("DELETE", "manifests/latest"),
    ("POST", "blobs/uploads/"),
    ("GET", "blobs/uploads/00000000-0000-4000-8000-000000000000"),
    ("PATCH", "blobs/uploads/00000000-0000-4000-8000-000000000000"),
    ("PUT", f"blobs/uploads/00000000-0000-4000-8000-000000000000?digest={BLOB}"),
    ("DELETE", "blobs/uploads/00000000-0000-4000-8000-000000000000"),
)


@pytest.fixture
def public(ada: Person) -> Repository:
    found = add_repository(ada, "public")
    found.push_image(IMAGE)
    return found


@pytest.fixture
def private(ada: Person) -> Repository:
    found = add_repository(ada)
    found.push_image(IMAGE)
    return found


def challenged(reply: httpx.Response) -> str:
    message = refusal(reply, 401, "UNAUTHORIZED")
    assert reply.headers.get_list("www-authenticate") == ['Basic realm="WriftAI"']
    return message


def test_these_are_all_routes() -> None:
    assert sum(len(handler.http_methods) for handler in V2) == len(PULLS) + len(PUSHES) + 1


@pytest.mark.parametrize(("method", "path"), PULLS)
def test_who_pulls(
    public: Repository, private: Repository, anyone: Person, bob: Person, method: str, path: str
) -> None:
    for person in (anyone, bob, public.person):
        assert public.seen_by(person).send(method, path).status_code == 200
    assert private.send(method, path).status_code == 200
    refusal(private.seen_by(bob).send(method, path), 404, "NAME_UNKNOWN")
    assert "log in" in challenged(private.seen_by(anyone).send(method, path))


@pytest.mark.parametrize(("method", "path"), PUSHES)
def test_who_pushes(
    public: Repository, private: Repository, anyone: Person, bob: Person, method: str, path: str
) -> None:
    for repository in (public, private):
        assert "log in" in challenged(repository.seen_by(anyone).send(method, path, content=b"x"))
    refusal(public.seen_by(bob).send(method, path, content=b"x"), 403, "DENIED")
    refusal(private.seen_by(bob).send(method, path, content=b"x"), 404, "NAME_UNKNOWN")
    assert public.send(method, path, content=b"x").status_code not in (401, 403)


@pytest.mark.parametrize(("method", "path"), [*PULLS, *PUSHES])
def test_what_one_may_not_see_is_answered_like_what_is_absent(
    private: Repository, anyone: Person, bob: Person, method: str, path: str
) -> None:
    absent = Repository(bob, private.person.name, "absent")
    nobody = Repository(bob, "nobody-has-this", "absent")
    for person in (bob, anyone):
        hidden = private.seen_by(person).send(method, path, content=b"x")
        for other in (absent, nobody):
            missing = other.seen_by(person).send(method, path, content=b"x")
            assert (missing.status_code, missing.content) == (hidden.status_code, hidden.content)
            assert missing.headers.keys() == hidden.headers.keys()


def test_names_are_taken_without_regard_to_case(private: Repository) -> None:
    for owner, name in (private.name.upper().split("/"), private.name.title().split("/")):
        assert Repository(private.person, owner, name).send("GET", "manifests/latest").status_code == 200


def test_the_check_asks_who_is_there(ada: Person, anyone: Person) -> None:
    for path in ("", "/"):
        reply = anyone.send("GET", f"http://hub.test/v2{path}")
        assert "log in with your username" in challenged(reply)
        reply = ada.send("GET", f"http://hub.test/v2{path}")
        assert (reply.status_code, reply.json()) == (200, {})
        assert reply.headers["docker-distribution-api-version"] == "registry/2.0"


@pytest.mark.parametrize("username", ["ada", "someone else", "", "é"])
def test_a_token_is_the_password_of_any_username(ada: Person, anyone: Person, username: str) -> None:
    reply = anyone.send("GET", ROOT, headers=basic(username, ada.token))
    assert reply.status_code == 200


def test_the_scheme_is_taken_without_regard_to_case(ada: Person, anyone: Person) -> None:
    for scheme in ("basic", "BASIC"):
        sent = basic("ada", ada.token)["Authorization"].replace("Basic", scheme)
        assert anyone.send("GET", ROOT, headers={"Authorization": sent}).status_code == 200


def test_blank_credentials_are_those_of_anyone(public: Repository, anyone: Person) -> None:
    url = f"{ROOT}{public.name}/manifests/latest"
    assert anyone.send("GET", url, headers=basic("", "")).status_code == 200
    assert "log in" in challenged(anyone.send("GET", ROOT, headers=basic("", "")))


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Basic",
        "Basic ",
        "Basic !",
        "Basic YTpi",
        "Basic YQ",
        "Basic YQ==",
        "Basic /w==",
        "Basic ZWluOuKAqA==",
        "Bearer ",
        "Bearer nonsense",
        "Digest x",
    ],
)
def test_tokens_that_are_not_valid_are_refused_everywhere(
    public: Repository, anyone: Person, authorization: str
) -> None:
    for url in (ROOT, f"{ROOT}{public.name}/manifests/latest", f"{ROOT}nothing"):
        reply = anyone.send("GET", url, headers={"Authorization": authorization})
        assert "token is not valid" in challenged(reply)


def test_a_password_is_taken_nowhere_else(ada: Person, anyone: Person) -> None:
    for url in ("/user", "/models", "http://hub.test/v2x", "http://hub.test/"):
        reply = anyone.send("GET", url, headers=basic(ada.name, ada.token))
        if url == "http://hub.test/":
            assert reply.status_code == 302
            continue
        assert reply.status_code == 401
        assert reply.headers["www-authenticate"] == "Bearer"
        assert list(reply.json()) == ["detail"]


@pytest.mark.parametrize(
    "path",
    [
        "nothing",
        "a/manifests/latest",
        "a/b",
        "a/b/blobs",
        "a/b/c/manifests/latest",
        "a//manifests/latest",
        "/a/b/manifests/latest",
        "a/b/tags",
        "_catalog",
        "a%2Fb/manifests/latest",
    ],
)
def test_addresses_that_lead_nowhere(ada: Person, path: str) -> None:
    refusal(ada.send("GET", httpx.URL(f"{ROOT}{path}")), 404, "NAME_UNKNOWN")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "", {"GET"}),
        ("POST", "a/b/manifests/latest", {"GET", "PUT", "DELETE"}),
        ("PUT", f"a/b/blobs/{BLOB}", {"GET", "DELETE"}),
        ("GET", "a/b/blobs/uploads/", {"POST"}),
        ("DELETE", "a/b/tags/list", {"GET"}),
    ],
)
def test_methods_that_an_address_does_not_take(ada: Person, method: str, path: str, allowed: set[str]) -> None:
    reply = ada.send(method, f"{ROOT}{path}")
    refusal(reply, 405, "UNSUPPORTED")
    assert set(reply.headers["allow"].split(", ")) - {"OPTIONS"} == allowed


@pytest.fixture(scope="module")
def hurried(tmp_path_factory: pytest.TempPathFactory) -> Iterator[People]:
    """Give the people on a hub that allows everyone two requests a minute."""
    with inside(tmp_path_factory.mktemp("hurried") / "data", rate_limit=2) as people:
        yield people


def test_too_many_requests(hurried: People) -> None:
    ada = hurried.add()
    replies = [ada.send("GET", ROOT) for _ in range(9)]
    refusal(replies[-1], 429, "TOOMANYREQUESTS")
    assert int(replies[-1].headers["retry-after"]) > 0
