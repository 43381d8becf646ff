"""Files in inputs and outputs: data: and http(s) URLs outside, paths inside."""

import base64
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.runtime.children import Child, model, served
from tests.runtime.pages import CERTIFICATE, serving

CODE = """
import os
from pathlib import Path
from typing import Any
class Predictor:
    {prefix}def predict(self, file: Path, more: list[Path] | None = None) -> dict[str, Any]:
        return {{
            "content": file.read_text(errors="replace"),
            "path": str(file),
            "more": [path.read_text() for path in more or []],
        }}
"""


@pytest.fixture(scope="module")
def child(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Child]:
    folder = model(tmp_path_factory.mktemp("files") / "model", CODE.format(prefix=""))
    with served(folder, "--file-limit", "1000", "--allow-private-addresses") as child:
        assert child.receive()["type"] == "ready"
        yield child


@pytest.fixture(scope="module")
def pages() -> Iterator[str]:
    with serving() as address:
        yield address


def data_url(content: bytes, media_type: str = "text/plain;charset=utf-8") -> str:
    return f"data:{media_type};base64,{base64.b64encode(content).decode()}"


@pytest.mark.parametrize(
    ("url", "content", "name"),
    [
        (data_url(b"hello"), "hello", "file.txt"),
        ("data:,a%20b", "a b", "file"),
        ("DATA:image/png;BASE64,aGk", "hi", "file.png"),
        ("data:image/png;base64,aG k%3D\n", "hi", "file.png"),
        ("data:made/up,x", "x", "file"),
    ],
)
def test_a_data_url(child: Child, url: str, content: str, name: str) -> None:
    output = child.predict(file=url)["output"]
    assert output["content"] == content
    assert output["path"] == str(child.folder / f"prediction-{child.count}" / "input-1" / name)


@pytest.mark.parametrize(
    ("path", "content", "name"),
    [
        ("/photos/a cat.jpg?token=secret", "at /photos/a%20cat.jpg?token=secret", "a_cat.jpg"),
        ("/..%2F..%2Fetc%2Fpasswd", "at /..%2F..%2Fetc%2Fpasswd", "passwd"),
        ("/%2e%2e", "at /%2e%2e", "file"),
        ("", "at /", "file"),
        ("/" + "a" * 300 + ".tar", None, "a" * 100 + ".tar"),
        ("/" + "a" * 300, None, "a" * 100),
        ("/.hidden", None, "hidden"),
        ("/é.txt", "at /%C3%A9.txt", "_.txt"),
        ("/redirect//other/b.txt", "at /other/b.txt", "b.txt"),
        ("/chunks/3", "abcabcabc", "3"),
    ],
)
def test_an_address(child: Child, pages: str, path: str, content: str | None, name: str) -> None:
    output = child.predict(file=pages + path)["output"]
    assert content is None or output["content"] == content
    assert output["path"] == str(child.folder / f"prediction-{child.count}" / "input-1" / name)


def test_several_files_of_the_same_name(child: Child, pages: str) -> None:
    output = child.predict(file=f"{pages}/1/a", more=[f"{pages}/2/a", "data:,a"])["output"]
    assert output["content"] == "at /1/a"
    assert output["more"] == ["at /2/a", "a"]


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("/etc/passwd", "input.file must be a data: or http(s) URL."),
        ("file:///etc/passwd", "input.file must be a data: or http(s) URL."),
        ("data:text/plain", "input.file must be a data: URL with a comma before its data."),
        ("data:;base64,a", "input.file must be a data: URL whose data is base64, as it says."),
        (
            data_url(b"x" * 1001),
            "The file in a data: URL has 1,001 bytes; at most 1,000 are taken.",
        ),
        ("http://user:word@[::1", "The file behind a malformed URL cannot be fetched: it is not a URL ("),
        ("http://", "The file http:// cannot be fetched: only http and https URLs with a host are fetched."),
        ("http://localhost:99999999/", "The file behind a malformed URL cannot be fetched: it is not a URL ("),
        (
            "http://no-such-host.invalid/a?key=k",
            "The file http://no-such-host.invalid/a cannot be fetched: its host",
        ),
    ],
)
def test_what_is_no_file(child: Child, url: str, message: str) -> None:
    reply = child.predict(file=url)
    assert (reply["type"], reply["kind"]) == ("failed", "input")
    assert reply["message"].startswith(message)
    assert "word" not in reply["message"]


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/status/404?key=k", "the answer was 404 Not Found."),
        ("/around", "it redirects more than 5 times."),
        ("/redirect/ftp://localhost/a", "only http and https URLs with a host are fetched."),
        ("/chunks/400", "it has more than 1,000 bytes."),
        ("/" + "a" * 1000, "it has more than 1,000 bytes."),
        ("/short", "it ended 7 bytes early."),
        ("/garbage", "garbage"),
    ],
)
def test_what_cannot_be_fetched(child: Child, pages: str, path: str, reason: str) -> None:
    reply = child.predict(file=pages + path)
    assert (reply["type"], reply["kind"]) == ("failed", "input")
    assert reply["message"].startswith("The file ")
    assert f" cannot be fetched: {reason}" in reply["message"]
    assert "key" not in reply["message"]


def test_nobody_answers(child: Child) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        reply = child.predict(file=f"http://127.0.0.1:{unused.getsockname()[1]}/")
    assert "Connection refused" in reply["message"]


def test_a_folder_that_cannot_be_written(child: Child) -> None:
    child.send(type="predict", id="x", input={"file": "data:,a"}, folder="/proc/nowhere")
    reply = child.end()
    assert (reply["kind"], reply["message"]) == (
        "input",
        "The file in a data: URL cannot be stored: No such file or directory.",
    )


def test_over_tls_in_an_event_loop(tmp_path: Path) -> None:
    folder = model(tmp_path / "model", CODE.format(prefix="async "))
    with serving(secure=True) as address:
        for trusted in (CERTIFICATE, None):
            environment = {"SSL_CERT_FILE": str(trusted)} if trusted else {}
            with served(folder, "--allow-private-addresses", environment=environment) as child:
                assert child.receive()["type"] == "ready"
                reply = child.predict(file=f"{address}/a")
                if trusted:
                    assert reply["output"]["content"] == "at /a"
                else:
                    assert "CERTIFICATE_VERIFY_FAILED" in reply["message"]


def test_addresses_that_are_not_public_are_refused(tmp_path: Path, pages: str) -> None:
    with served(model(tmp_path / "model", CODE.format(prefix=""))) as child:
        assert child.receive()["type"] == "ready"
        for url in (f"{pages}/", "http://169.254.169.254/latest/meta-data", "http://[::ffff:10.0.0.1]/"):
            reply = child.predict(file=url)
            assert reply["kind"] == "input"
            assert reply["message"].endswith("cannot be fetched: its address is not a public one.")


OUTPUT = """
import io, os
from collections.abc import Iterator
from pathlib import Path
class Predictor:
    def predict(self, kind: str) -> Iterator[Path]:
        Path("/tmp").exists()
        folder = Path(os.environ["FOLDER"])
        (folder / "a.png").write_bytes(b"hi")
        (folder / "noext").write_bytes(b"hi")
        with (folder / "large").open("wb") as file:
            file.truncate(65 << 20)
        yield {
            "path": folder / "a.png",
            "noext": folder / "noext",
            "large": folder / "large",
            "folder": folder,
            "none": folder / "none",
            "url": "https://example.org/a.png",
            "text": "a.png",
            "file": (folder / "a.png").open("rb"),
        }[kind]
"""


@pytest.mark.parametrize(
    ("kind", "answer"),
    [
        ("path", ["data:image/png;base64,aGk="]),
        ("noext", ["data:application/octet-stream;base64,aGk="]),
        ("file", ["data:image/png;base64,aGk="]),
        ("url", ["https://example.org/a.png"]),
        ("large", "output is a file of 68,157,440 bytes; at most 67,108,864 can be given back."),
        ("folder", "output is a file that cannot be read: Is a directory."),
        ("none", "output is a file that cannot be read: No such file or directory."),
        ("text", "output must be a path of a file, not text."),
    ],
)
def test_output(tmp_path: Path, kind: str, answer: Any) -> None:
    folder = model(tmp_path / "model", OUTPUT)
    with served(folder, environment={"FOLDER": str(tmp_path)}) as child:
        assert child.receive()["type"] == "ready"
        reply = child.predict(kind=kind)
        assert reply.get("output", reply.get("message")) == answer
