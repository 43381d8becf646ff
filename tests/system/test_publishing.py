"""Projects become versions of models, and are called, with the command."""

import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.hubs import Hub, running
from tests.system.command import PYTHON, Caller, named
from tests.system.folders import add_user
from wriftai import Client, NotFoundError

ECHO = '''
from collections.abc import Iterator
from pathlib import Path


class Predictor:
    def predict(self, text: str, times: int = 1) -> str:
        """Say it again."""
        print("saying it")
        if text == "fail":
            raise LookupError("no such word")
        return " ".join([text] * times)
'''
WORDS = """
from collections.abc import Iterator

class Predictor:
    def predict(self, text: str) -> Iterator[str]:
        print("splitting")
        yield from text.split()
"""


@pytest.fixture(scope="module", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """Give a hub with a worker."""
    with running(tmp_path_factory.mktemp("hub") / "data") as hub:
        yield hub


@pytest.fixture(scope="module")
def ada(hub: Hub) -> Caller:
    """Give someone who publishes."""
    return Caller("publisher", add_user(hub.data_dir, "publisher"), hub)


@pytest.fixture(scope="module")
def client(ada: Caller) -> Iterator[Client]:
    with Client(ada.hub.url, ada.token) as client:
        yield client


@pytest.fixture(scope="module")
def pushed(ada: Caller, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Push a project; give what it printed of its name, number and digest."""
    folder = named(tmp_path_factory.mktemp("echo"), "echo", ECHO)
    done = ada.run("push", str(folder), "--release-notes", "First.")
    assert done.status == 0, done.stderr
    reference, digest = done.stdout.split()
    return {"reference": reference, "digest": digest, "folder": folder}


def test_a_project_becomes_the_first_version_of_a_new_private_model(
    client: Client, pushed: dict[str, Any]
) -> None:
    assert pushed["reference"] == "publisher/echo:1"
    model = client.models.get("publisher", "echo")
    assert (model["visibility"], model["hardware"]["identifier"]) == ("private", "cpu")
    version = model["latest_version"]
    assert version
    assert (version["release_notes"], version["container_image_digest"]) == ("First.", pushed["digest"])
    given = version["schemas"]["prediction"]["input"]
    assert list(given["properties"]) == ["text", "times"]
    assert given["required"] == ["text"]


def test_the_image_is_of_the_form_that_others_read(ada: Caller, client: Client, pushed: dict[str, Any]) -> None:
    with httpx.Client(
        base_url=f"{ada.hub.address}/v2/publisher/echo", headers={"Authorization": f"Bearer {ada.token}"}
    ) as http:
        manifest = http.get(f"/manifests/{pushed['digest']}").json()
        config = http.get(f"/blobs/{manifest['config']['digest']}").json()
        layers = [http.get(f"/blobs/{layer['digest']}").content for layer in manifest["layers"]]
    assert manifest["mediaType"] == "application/vnd.oci.image.manifest.v1+json"
    assert {layer["mediaType"] for layer in manifest["layers"]} == {"application/vnd.oci.image.layer.v1.tar"}
    assert config["rootfs"] == {"type": "layers", "diff_ids": [layer["digest"] for layer in manifest["layers"]]}
    version = client.models.get("publisher", "echo")["latest_version"]
    assert version
    assert json.loads(config["config"]["Labels"]["ai.wrift.model"]) == {
        "format": 1,
        "predictor": "predict.py:Predictor",
        "python": PYTHON,
        "concurrency": 1,
        "schemas": version["schemas"],
    }
    names = [tarfile.open(fileobj=io.BytesIO(layer)).getnames() for layer in layers]  # noqa: SIM115
    assert names == [["model", "model/predict.py", "model/pyproject.toml"], ["requirements.txt"]]


def test_the_same_project_elsewhere_is_the_same_image_and_is_not_sent_again(
    ada: Caller, client: Client, pushed: dict[str, Any], tmp_path: Path
) -> None:
    named(tmp_path, "echo", ECHO)
    done = ada.run("push", str(tmp_path), "--model", "PUBLISHER/echo")
    assert done.stdout.split() == ["publisher/echo:2", pushed["digest"]]
    assert "Uploading" not in done.stderr
    assert len(client.versions.list("publisher", "echo").items) == 2


def test_a_python_without_filters_of_archives_publishes_too(
    monkeypatch: pytest.MonkeyPatch, ada: Caller, pushed: dict[str, Any]
) -> None:
    whole = tarfile.TarFile.extractall

    def early(archive: tarfile.TarFile, path: Path) -> None:
        whole(archive, path, filter="fully_trusted")

    if hasattr(tarfile, "data_filter"):  # Where it is not, this is such a Python.
        monkeypatch.delattr(tarfile, "data_filter")
        monkeypatch.setattr(tarfile.TarFile, "extractall", early)
    done = ada.run("push", str(pushed["folder"]), "--model", "early")
    assert done.status == 0, done.stderr
    assert done.stdout.split()[1] == pushed["digest"]


def test_a_model_is_called_on_the_hub(ada: Caller, pushed: dict[str, Any]) -> None:
    done = ada.run("predict", "publisher/echo", "-i", "text=hello", "-i", "times=2")
    assert (done.status, done.stdout, done.stderr) == (0, "hello hello\n", "saying it\n")
    assert ada.run("predict", pushed["reference"], "-i", "text=grün", "--json").stdout == '"grün"\n'


def test_a_fault_of_the_model_is_said_with_its_logs(ada: Caller, pushed: dict[str, Any]) -> None:
    done = ada.run("predict", pushed["reference"], "-i", "text=fail")
    assert (done.status, done.stdout) == (1, "")
    first, *_, last = done.stderr.splitlines()
    assert first == "saying it"
    assert last.startswith("Error: The prediction ")
    assert "no such word" in last


def test_a_stream_is_followed(ada: Caller, tmp_path: Path) -> None:
    assert ada.run("push", str(named(tmp_path, "words", WORDS))).status == 0
    done = ada.run("predict", "publisher/words", "-i", "text=a b c", "--stream")
    assert (done.status, done.stdout, done.stderr) == (0, "a\nb\nc\n", "splitting\n")
    assert ada.run("predict", "publisher/words", "-i", "text=a b", "--stream", "--json").stdout == '"a"\n"b"\n'
    assert json.loads(ada.run("predict", "publisher/words", "-i", "text=a b").stdout) == ["a", "b"]


def test_the_hub_says_what_is_not_there(ada: Caller, client: Client) -> None:
    client.models.create({"name": "empty", "hardware_identifier": "cpu"})
    said = ada.fails("predict", "publisher/empty")
    assert said == "publisher/empty has no version yet: push one with `wriftai push`."
    assert ada.fails("predict", "publisher/gone") == "There is no such model, or you may not see it."
    assert ada.fails("predict", "publisher/empty:3") == "There is no such version, or you may not see it."


@pytest.mark.parametrize("name", ["echo", "a/b/c", "a/b:0", "a/b:x", "a b/c", "/"])
def test_what_names_no_model_is_a_wrong_use(ada: Caller, name: str) -> None:
    assert ada.run("predict", name).status == 2


NO_IMPORT = "import no_such_module\n"
NO_SCHEMA = "class Predictor:\n    def predict(self, x: set) -> str: return ''\n"
LEFT_OUT = "import secret_sauce\n\nclass Predictor:\n    def predict(self) -> int: return 1\n"


@pytest.mark.parametrize(
    ("code", "lines", "reason"),
    [
        (NO_IMPORT, [], "no_such_module"),
        (NO_SCHEMA, [], "parameter `x`"),
        (LEFT_OUT, ['exclude = ["secret_*"]'], "secret_sauce"),
        (ECHO, ['hardware = "abacus"'], "abacus"),
    ],
    ids=["import", "annotation", "left out", "hardware"],
)
def test_nothing_is_created_when_something_fails(
    ada: Caller, client: Client, tmp_path: Path, code: str, lines: list[str], reason: str
) -> None:
    folder = named(tmp_path, "broken", code, *lines)
    (folder / "secret_sauce.py").write_text("")
    assert reason in ada.fails("push", str(folder))
    with pytest.raises(NotFoundError):
        client.models.get("publisher", "broken")


@pytest.mark.parametrize(
    ("model", "options", "said"),
    [
        (
            "someone/x",
            [],
            "someone/x belongs to someone, and the token is that of publisher: add --model publisher/x.",
        ),
        ("x", ["--model", "a/b/c"], "--model must be owner/name, or name for one of your own, not 'a/b/c'."),
        ("x", ["--release-notes", "x" * 256], "--release-notes has 256 characters; the hub takes 255."),
    ],
)
def test_what_cannot_be_pushed_to_is_said(
    ada: Caller, tmp_path: Path, model: str, options: list[str], said: str
) -> None:
    assert ada.fails("push", str(named(tmp_path, model, ECHO)), *options) == said


def test_a_project_that_names_no_model_needs_an_option(ada: Caller, tmp_path: Path) -> None:
    folder = named(tmp_path, "x", ECHO)
    text = (folder / "pyproject.toml").read_text().replace('model = "x"\n', "")
    (folder / "pyproject.toml").write_text(text)
    assert ada.fails("push", str(folder)) == f"{folder} does not say which model it is: add --model owner/name."


def test_a_token_that_is_not_valid_is_said(ada: Caller, tmp_path: Path) -> None:
    said = ada._replace(token="wrong").fails("push", str(named(tmp_path, "x", ECHO)))
    assert said.endswith("Set WRIFTAI_ACCESS_TOKEN to a token of this hub.")


def test_an_address_that_is_no_hubs_is_said(ada: Caller, tmp_path: Path) -> None:
    from tests.client.cli.command import fails

    folder = str(named(tmp_path, "x", ECHO))
    for address, reason in (
        ("http://127.0.0.1:9/v1", "The hub 127.0.0.1 cannot be reached: "),
        (ada.hub.address, "There is nothing at this address"),
        (f"{ada.hub.url}/docs?", "answered text/html"),
    ):
        assert reason in fails("push", folder, WRIFTAI_API_BASE_URL=address, WRIFTAI_ACCESS_TOKEN=ada.token)
