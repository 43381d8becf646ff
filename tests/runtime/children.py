"""Real child processes that run a model, spoken to over pipes as the worker does."""

import contextlib
import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

COMMAND = (sys.executable, "-m", "wriftai_runtime")
PATIENCE = 60


def model(folder: Path, code: str, file: str = "predict.py") -> Path:
    """Write a model; give its folder."""
    path = folder / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(code))
    return folder


def describe(
    folder: Path, predictor: str = "predict.py:Predictor", python: Sequence[str] = COMMAND
) -> subprocess.CompletedProcess[str]:
    command = [*python, "describe", "--predictor", predictor, str(folder)]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)


def schemas(folder: Path, predictor: str = "predict.py:Predictor") -> Any:
    done = describe(folder, predictor)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


class Child:
    """A model that is served."""

    def __init__(self, process: subprocess.Popen[bytes], replies: IO[bytes], folder: Path) -> None:
        self.process = process
        self.replies = replies
        self.folder = folder
        self.count = len(list(folder.glob("prediction-*")))

    def send(self, **message: Any) -> None:
        self.send_line(json.dumps(message).encode())

    def send_line(self, line: bytes) -> None:
        assert self.process.stdin
        self.process.stdin.write(line + b"\n")
        self.process.stdin.flush()

    def receive(self) -> dict[str, Any]:
        line = self.replies.readline()
        assert line, "the child closed its replies"
        message: dict[str, Any] = json.loads(line)
        return message

    def ask(self, **values: Any) -> str:
        """Send a prediction; give its id."""
        self.count += 1
        folder = self.folder / f"prediction-{self.count}"
        folder.mkdir()
        self.send(type="predict", id=str(self.count), input=values, folder=str(folder))
        return str(self.count)

    def predict(self, **values: Any) -> dict[str, Any]:
        """Run a prediction; give its terminal reply."""
        self.ask(**values)
        return self.end()

    def end(self) -> dict[str, Any]:
        """Wait for a terminal reply."""
        while (reply := self.receive())["type"] in ("output", "log"):
            pass
        return reply

    def stop(self) -> int:
        self.send(type="stop")
        return self.process.wait(PATIENCE)


@contextlib.contextmanager
def served(
    folder: Path,
    *options: str,
    predictor: str = "predict.py:Predictor",
    python: Sequence[str] = COMMAND,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Child]:
    """Start to serve a model; at the end, the process is gone."""
    files = folder.parent / f"{folder.name}-files"
    files.mkdir(exist_ok=True)
    read, write = os.pipe()
    command = [*python, "serve", "--predictor", predictor, "--replies", str(write), *options, str(folder)]
    with (files / "printed").open("wb") as printed, os.fdopen(read, "rb") as replies:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=printed,
            stderr=printed,
            pass_fds=[write],
            env={**os.environ, **(environment or {})},
        )
        os.close(write)
        try:
            yield Child(process, replies, files)
        finally:
            if process.stdin:
                with contextlib.suppress(BrokenPipeError):
                    process.stdin.close()
            try:
                process.wait(PATIENCE)
            finally:
                process.kill()
                process.wait()


def printed(child: Child) -> str:
    return (child.folder / "printed").read_text()
