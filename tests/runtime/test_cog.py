"""Models of Cog load and run as they are, in an environment that has the package `cog`."""

import base64
import json
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

import wriftai_runtime
from tests.runtime.children import Child, describe, model, printed, served
from wriftai_runtime.environments import build, resolve

UV = str(Path(sys.executable).with_name("uv"))
PYTHON = "{}.{}".format(*sys.version_info[:2])


@pytest.fixture(scope="session")
def cog(tmp_path_factory: pytest.TempPathFactory) -> Sequence[str]:
    """Give the command of the runtime in an environment with Cog; the runtime is not installed in it."""
    folder = tmp_path_factory.mktemp("cog")
    requirements = folder / "requirements.txt"
    requirements.write_text(resolve(["cog==0.23.1", "pydantic>=2.13,<3"], PYTHON, uv=UV))
    python = build(folder / "environment", requirements, PYTHON, uv=UV)
    path = f"PYTHONPATH={Path(wriftai_runtime.__file__).parents[1]}"
    return ["/usr/bin/env", path, "COVERAGE_PROCESS_CONFIG=", str(python), "-m", "wriftai_runtime"]


CODE = '''
import os
from cog import (
    AsyncConcatenateIterator, BaseModel, BasePredictor, BaseRunner, ConcatenateIterator,
    File, Input, Opaque, Path, Secret,
)
import pydantic
from typing import Annotated, Any, Iterator, List, Optional

class Output(BaseModel):
    """What was found."""
    text: str
    score: Optional[float] = None
    image: Optional[Path] = None

class Predictor(BasePredictor):
    def setup(self, weights: Optional[Path] = None) -> None:
        self.prefix = f"{weights} "
        print("setting up")

    def predict(
        self,
        text: str = Input(description="What to say", min_length=1, max_length=5, regex="[a-z]+$"),
        times: int = Input(default=2, ge=1, le=10),
        scale: float = Input(default=1, ge=0, deprecated=True),
        kind: str = Input(choices=["loud", "quiet"], default="quiet"),
        names: List[str] = Input(default=["a"], min_length=1),
        image: Path = Input(description="A picture", default=None),
        mask: Optional[Path] = Input(default=None),
        sample: Path = Input(default="data:text/plain,sample"),
        note: Optional[str] = None,
        seed: int = None,
        plain: bool = False,
        options: Annotated[dict, Opaque] = {},
    ) -> Output:
        """Say it."""
        assert type(image) is Path
        picture = Path(os.environ["FOLDER"]) / "out.png"
        picture.write_bytes(image.read_bytes())
        assert mask is None and note is None and names == ["a"] and scale == 1.0 and type(scale) is float
        return Output(text=self.prefix + text * times + sample.read_text(), score=seed, image=picture)

class Runner(BaseRunner):
    def run(self, token: Secret, file: File) -> Any:
        print("token", token)
        self.record_metric("length", 1)
        return {"secret": token.get_secret_value(), "file": file.read().decode()}

class Word(pydantic.BaseModel):
    """A word."""
    text: str
    weight: Annotated[float, pydantic.Field(ge=0)] = 1.0

class Words(BasePredictor):
    def predict(self, words: List[Word]) -> List[Word]:
        assert type(words[0]) is Word
        return words

class Leaks(BaseRunner):
    def run(self, token: Secret) -> Secret:
        return token

class Streams(BasePredictor):
    def predict(self, text: str) -> ConcatenateIterator[str]:
        yield from text

class Async(BaseRunner):
    async def setup(self) -> None:
        self.ready = True

    async def run(self, text: str) -> AsyncConcatenateIterator[str]:
        assert self.ready
        for letter in text:
            yield letter

class Plain:
    def predict(self, text: str = Input(), count: int = Input(default=1)) -> Iterator[str]:
        yield text * count

class Both(BasePredictor):
    def run(self) -> str: ...
    def predict(self) -> str: ...

class Neither(BasePredictor):
    def setup(self) -> None: ...

class Missing(BaseRunner):
    def run(self, x) -> str: ...

class Odd(BaseRunner):
    def run(self, x: int = Input(default="three")) -> str: ...
'''


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return model(tmp_path / "model", CODE)


def schemas(folder: Path, name: str, cog: Sequence[str]) -> Any:
    done = describe(folder, f"predict.py:{name}", cog)
    assert done.returncode == 0, done.stderr
    described = json.loads(done.stdout)
    jsonschema_rs.Draft202012Validator(described["input"])
    jsonschema_rs.Draft202012Validator(described["output"])
    return described


def serving(folder: Path, name: str, cog: Sequence[str], **environment: str) -> AbstractContextManager[Child]:
    return served(
        folder,
        predictor=f"predict.py:{name}",
        python=cog,
        environment={"FOLDER": str(folder), **environment},
    )


def test_the_schemas_of_a_predictor(folder: Path, cog: Sequence[str]) -> None:
    described = schemas(folder, "Predictor", cog)
    properties = described["input"]["properties"]
    assert [properties[name].pop("x-order") for name in properties] == list(range(12))
    assert properties == {
        "text": {
            "type": "string",
            "description": "What to say",
            "minLength": 1,
            "maxLength": 5,
            "pattern": "^(?:[a-z]+$)",
        },
        "times": {"type": "integer", "default": 2, "minimum": 1, "maximum": 10},
        "scale": {"type": "number", "default": 1, "minimum": 0, "deprecated": True},
        "kind": {"type": "string", "enum": ["loud", "quiet"], "default": "quiet"},
        "names": {"type": "array", "items": {"type": "string", "minLength": 1}, "default": ["a"]},
        "image": {"type": "string", "format": "uri", "description": "A picture"},
        "mask": {"anyOf": [{"type": "string", "format": "uri"}, {"type": "null"}], "default": None},
        "sample": {"type": "string", "format": "uri", "default": "data:text/plain,sample"},
        "note": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
        "seed": {"type": "integer"},
        "plain": {"type": "boolean", "default": False},
        "options": {"default": {}},
    }
    assert described["input"]["required"] == ["text", "image", "seed"]
    assert described["output"]["properties"]["score"] == {
        "anyOf": [{"type": "number"}, {"type": "null"}],
        "default": None,
    }


def test_a_predictor(folder: Path, cog: Sequence[str]) -> None:
    picture = base64.b64encode(b"picture").decode()
    with serving(folder, "Predictor", cog, COG_WEIGHTS="weights") as child:
        assert child.receive()["type"] == "ready"
        reply = child.predict(text="ab", image=f"data:image/png;base64,{picture}", seed=3)
        assert reply["output"] == {
            "text": "weights ababsample",
            "score": 3,
            "image": f"data:image/png;base64,{picture}",
        }
        reply = child.predict(text="AB", image="data:,", seed=3)
        assert (reply["kind"], reply["message"]) == ("input", "input.text must match the pattern ^(?:[a-z]+$).")
        assert printed(child) == "setting up\n"


def test_a_runner_with_a_secret(folder: Path, cog: Sequence[str]) -> None:
    properties = schemas(folder, "Runner", cog)["input"]["properties"]
    assert properties["token"] == {
        "type": "string",
        "format": "password",
        "writeOnly": True,
        "x-cog-secret": True,
        "x-order": 0,
    }
    with serving(folder, "Runner", cog) as child:
        assert child.receive()["type"] == "ready"
        reply = child.predict(token="hush", file="data:,content")
        assert reply["output"] == {"secret": "hush", "file": "content"}
        assert "hush" not in printed(child)
        assert child.predict(token=1, file="data:,")["message"] == "input.token must be text, not a whole number."
    with serving(folder, "Leaks", cog) as child:
        assert child.receive()["type"] == "ready"
        assert child.predict(token="hush")["message"] == "output is a secret, which is never shown."


def test_models_of_pydantic(folder: Path, cog: Sequence[str]) -> None:
    item = schemas(folder, "Words", cog)["output"]["items"]
    assert item == {
        "title": "Word",
        "description": "A word.",
        "type": "object",
        "properties": {"text": {"type": "string"}, "weight": {"type": "number"}},
        "required": ["text"],
        "additionalProperties": False,
    }
    with serving(folder, "Words", cog) as child:
        assert child.receive()["type"] == "ready"
        assert child.predict(words=[{"text": "a"}])["output"] == [{"text": "a", "weight": 1.0}]
        reply = child.predict(words=[{"text": "a", "weight": -1}])
        assert (reply["kind"], reply["message"][:15]) == ("model", "ValidationError")


@pytest.mark.parametrize("name", ["Streams", "Async"])
def test_pieces_that_are_put_together(folder: Path, cog: Sequence[str], name: str) -> None:
    described = schemas(folder, name, cog)
    assert described["streams"] is True
    assert described["output"] == {
        "type": "array",
        "items": {"type": "string"},
        "x-cog-array-type": "iterator",
        "x-cog-array-display": "concatenate",
    }
    with serving(folder, name, cog) as child:
        assert child.receive()["type"] == "ready"
        child.ask(text="ab")
        assert [child.receive()["value"], child.receive()["value"]] == ["a", "b"]
        assert child.receive()["output"] == ["a", "b"]


def test_inputs_of_cog_without_its_classes(folder: Path, cog: Sequence[str]) -> None:
    assert schemas(folder, "Plain", cog)["input"]["required"] == ["text"]
    with serving(folder, "Plain", cog) as child:
        assert child.receive()["type"] == "ready"
        assert child.predict(text="a")["output"] == ["a"]
        assert child.predict(text="a", count=2)["output"] == ["aa"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Both", "Both has both run() and predict(): keep one of them."),
        ("Neither", "Neither has no method predict(self, …)"),
        ("Missing", "Missing.run(): parameter `x`: it has no annotation"),
        (
            "Odd",
            "Odd.run(): parameter `x`: its default does not fit: the default must be a whole number, not text",
        ),
    ],
)
def test_what_cannot_be_used(folder: Path, cog: Sequence[str], name: str, words: str) -> None:
    done = describe(folder, f"predict.py:{name}", cog)
    assert done.returncode == 1
    assert f"The model cannot be used: {words}" in done.stderr
