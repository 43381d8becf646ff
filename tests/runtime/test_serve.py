"""Serving a model: what goes in and comes out over the pipes."""

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.runtime.children import Child, model, printed, served

ECHO = """
class Predictor:
    def setup(self):
        self.times = 2

    def predict(self, text: str) -> str:
        return text * self.times
"""
ASYNC_SETUP = """
import asyncio
class Predictor:
    async def setup(self) -> None:
        await asyncio.sleep(0)
        self.times = 2

    {prefix}def predict(self, text: str) -> str:
        return text * self.times
"""
PIECES = """
from collections.abc import AsyncIterator, Iterator
class Predictor:
    def predict(self, text: str) -> Iterator[str]:
        yield from text

class Lazy:
    def predict(self, text: str) -> Iterator[str]:
        return iter(text)

class Async:
    async def predict(self, text: str) -> AsyncIterator[str]:
        for letter in text:
            yield letter

class AsyncLazy:
    async def predict(self, text: str) -> AsyncIterator[str]:
        return Async().predict(text)
"""


def without_seconds(reply: dict[str, Any]) -> dict[str, Any]:
    assert reply.pop("seconds") >= 0
    return reply


def ready(child: Child) -> Child:
    message = child.receive()
    assert message["type"] == "ready", message
    assert message["seconds"] > 0
    return child


@pytest.mark.parametrize("concurrency", ["1", "2"])
@pytest.mark.parametrize(
    "code",
    [
        ECHO,
        ECHO.replace("def predict", "async def predict"),
        ASYNC_SETUP,
        ASYNC_SETUP.replace("{prefix}", "async "),
    ],
    ids=["plain", "async", "async setup", "all async"],
)
def test_a_model(tmp_path: Path, code: str, concurrency: str) -> None:
    folder = model(tmp_path / "model", code.replace("{prefix}", ""))
    with served(folder, "--concurrency", concurrency) as child:
        ready(child)
        for number in (1, 2):
            reply = without_seconds(child.predict(text="äb"))
            assert reply == {"type": "succeeded", "id": str(number), "output": "äbäb"}
        assert child.stop() == 0
        assert printed(child) == ""


@pytest.mark.parametrize("concurrency", ["1", "2"])
@pytest.mark.parametrize("name", ["Predictor", "Lazy", "Async", "AsyncLazy"])
def test_pieces(tmp_path: Path, name: str, concurrency: str) -> None:
    folder = model(tmp_path / "model", PIECES)
    with served(folder, "--concurrency", concurrency, predictor=f"predict.py:{name}") as child:
        ready(child)
        child.ask(text="ab")
        assert [child.receive(), child.receive()] == [
            {"type": "output", "id": "1", "value": "a"},
            {"type": "output", "id": "1", "value": "b"},
        ]
        assert without_seconds(child.receive()) == {"type": "succeeded", "id": "1", "output": ["a", "b"]}
        assert child.predict(text="")["output"] == []


def test_large_messages(tmp_path: Path) -> None:
    with served(model(tmp_path / "model", ECHO)) as child:
        text = "é" * (4 << 20)
        assert ready(child).predict(text=text)["output"] == text * 2


def test_many_messages_at_once_are_answered_in_order(tmp_path: Path) -> None:
    with served(model(tmp_path / "model", ECHO)) as child:
        ready(child)
        line = json.dumps({"type": "predict", "id": "x", "input": {"text": "a"}, "folder": str(tmp_path)})
        child.send_line("\n".join(line.replace('"x"', f'"{number}"') for number in range(500)).encode())
        assert [child.end()["id"] for _ in range(500)] == [str(number) for number in range(500)]


def test_predictions_run_side_by_side(tmp_path: Path) -> None:
    plain = """
    import threading
    barrier = threading.Barrier(3)
    class Predictor:
        def predict(self) -> int:
            return barrier.wait(30)
    """
    waits = """
    import asyncio
    class Predictor:
        def setup(self) -> None:
            self.count, self.all = 0, asyncio.Event()

        async def predict(self) -> int:
            self.count += 1
            if self.count == 3:
                self.all.set()
            await self.all.wait()
            return self.count
    """
    for code in (plain, waits):
        with served(model(tmp_path / "model", code), "--concurrency", "3") as child:
            ready(child)
            for _ in range(3):
                child.ask()
            assert {child.end()["type"] for _ in range(3)} == {"succeeded"}


def test_no_more_async_predictions_run_than_wanted(tmp_path: Path) -> None:
    code = """
    import asyncio
    class Predictor:
        inside = 0
        async def predict(self) -> int:
            self.inside += 1
            await asyncio.sleep(0.01)
            seen, self.inside = self.inside, self.inside - 1
            return seen
    """
    with served(model(tmp_path / "model", code), "--concurrency", "2") as child:
        ready(child)
        for _ in range(6):
            child.ask()
        assert max(child.end()["output"] for _ in range(6)) == 2


@pytest.mark.parametrize("concurrency", ["1", "2"])
@pytest.mark.parametrize("prefix", ["", "async "])
def test_a_stop_lets_what_began_end(tmp_path: Path, prefix: str, concurrency: str) -> None:
    code = f"""
    import time
    class Predictor:
        {prefix}def predict(self) -> str:
            time.sleep(0.1)
            return "done"
    """
    with served(model(tmp_path / "model", code), "--concurrency", concurrency) as child:
        ready(child)
        child.ask()
        child.ask()
        assert child.stop() == 0
        assert [child.end()["output"], child.end()["output"]] == ["done", "done"]


def test_a_stop_during_setup(tmp_path: Path) -> None:
    code = "import time\nclass Predictor:\n    def setup(self): time.sleep(60)\n    def predict(self) -> str: ..."
    with served(model(tmp_path / "model", code)) as child:
        assert child.stop() == 0
    with served(model(tmp_path / "model", code)) as child:
        assert child.process.stdin
        child.process.stdin.close()
        assert child.process.wait(30) == 1


@pytest.mark.parametrize(
    ("code", "message", "traceback"),
    [
        ("raise OSError('no weights')", "OSError: no weights", "Traceback (most recent call last):\n  File"),
        ("class Predictor:\n    pass", "Predictor has no method predict(self, …)", ""),
        (
            "class Predictor:\n    def predict(self) -> str: ...\n    def setup(self): raise SystemExit(3)",
            "SystemExit: 3",
            "Traceback (most recent call last):\n  File",
        ),
        (
            "class Predictor:\n    async def predict(self) -> str: ...\n    async def setup(self): 1 / 0",
            "ZeroDivisionError: division by zero",
            "Traceback (most recent call last):\n  File",
        ),
        (
            "import sys\nsys.stdout.close()\nclass Predictor:\n    def __init__(self, path): ...\n"
            "    def predict(self) -> str: ...",
            "TypeError: Predictor.__init__() missing 1 required positional argument: 'path'",
            "",
        ),
    ],
)
def test_a_model_that_cannot_be_used(tmp_path: Path, code: str, message: str, traceback: str) -> None:
    with served(model(tmp_path / "model", code)) as child:
        said = child.receive()
        assert said["type"] == "unusable"
        assert said["message"].startswith(f"The model cannot be used: {message}")
        assert said["traceback"].startswith(traceback)
        assert "wriftai_runtime" not in said["traceback"] or not traceback
        assert child.process.wait(30) == 1


def test_model_code_has_neither_the_messages_nor_the_replies(tmp_path: Path) -> None:
    code = """
    import os, subprocess, sys
    class Predictor:
        def predict(self) -> dict[str, object]:
            os.write(1, b"raw\\n")
            print("printed")
            count = "import os; print(sum(os.path.exists(f'/proc/self/fd/{n}') for n in range(3, 64)) <= 1)"
            started = subprocess.run([sys.executable, "-c", count], close_fds=False, stdout=subprocess.PIPE)
            return {"stdin": sys.stdin.read(), "alone": started.stdout.decode(), "folder": os.getcwd()}
    """
    folder = model(tmp_path / "model", code)
    with served(folder) as child:
        reply = ready(child).predict()
        assert reply["output"] == {"stdin": "", "alone": "True\n", "folder": str(folder)}
        assert printed(child) == "raw\nprinted\n"


def test_forks_of_model_code_neither_answer_nor_keep_the_pipe(tmp_path: Path) -> None:
    code = """
    import os
    class Predictor:
        def predict(self, stays: bool) -> int:
            child = os.fork()
            if not child and stays:
                import time
                time.sleep(60)
            if child and not stays:
                os.waitpid(child, 0)
            return child
    """
    with served(model(tmp_path / "model", code), environment={"PYTHONWARNINGS": "ignore"}) as child:
        ready(child)
        assert child.predict(stays=False)["output"] > 0
        left = child.predict(stays=True)["output"]
        try:
            assert child.stop() == 0
            assert child.replies.readline() == b""
        finally:
            os.kill(left, signal.SIGKILL)


def test_what_cannot_be_read_fails_its_prediction_only(tmp_path: Path) -> None:
    code = "from typing import Any\nclass Predictor:\n    def predict(self, x: Any) -> Any: return x"
    with served(model(tmp_path / "model", code)) as child:
        ready(child)
        begin = b'{"type":"predict","id":"%b","folder":"","input":{"x":'
        child.send_line(begin % b"deep" + b"[" * 200_000 + b"]" * 200_000 + b"}}")
        child.send_line(begin % b"long" + b"1" * 5000 + b"}}")
        child.send_line(b"garbage")
        for name in ("deep", "long"):
            reply = child.receive()
            assert (reply["id"], reply["type"], reply["kind"]) == (name, "failed", "input")
            assert reply["message"].startswith("The input cannot be read: ")
        child.send_line(begin % b"huge" + b"1e999}}")
        reply = child.receive()
        assert (reply["kind"], reply["message"]) == (
            "output",
            "output must be a number that JSON can hold, not inf.",
        )


def test_nobody_listens_any_more(tmp_path: Path) -> None:
    with served(model(tmp_path / "model", ECHO)) as child:
        ready(child)
        child.replies.close()
        child.ask(text="a")
        assert child.process.wait(30) == 1


@pytest.mark.parametrize("prefix", ["", "async "])
def test_a_parent_that_is_gone_takes_the_model_with_it(tmp_path: Path, prefix: str) -> None:
    code = f"""
    import asyncio, time
    class Predictor:
        {prefix}def predict(self, stubborn: bool) -> str:
            print("began", flush=True)
            while True:
                try:
                    {"await asyncio.sleep(60)" if prefix else "time.sleep(60)"}
                except BaseException:
                    if not stubborn:
                        raise
    """
    for stubborn in (False, True):
        with served(model(tmp_path / "model", code)) as child:
            ready(child)
            child.ask(stubborn=stubborn)
            while "began" not in printed(child):
                pass
            assert child.process.stdin
            child.process.stdin.close()
            assert child.process.wait(30) == int(stubborn)


def test_ctrl_c_is_left_to_the_parent(tmp_path: Path) -> None:
    with served(model(tmp_path / "model", ECHO)) as child:
        ready(child)
        child.process.send_signal(signal.SIGINT)
        assert child.predict(text="a")["output"] == "aa"


def test_cancelling_what_is_not_there_is_nothing(tmp_path: Path) -> None:
    with served(model(tmp_path / "model", ECHO)) as child:
        ready(child)
        child.predict(text="a")
        child.send(type="cancel", id="1")
        child.send(type="cancel", id="unknown")
        assert child.predict(text="a")["output"] == "aa"
