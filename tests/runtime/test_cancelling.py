"""A cancelled prediction ends, and the next one finds the model as it was."""

from pathlib import Path

import pytest

from tests.runtime.children import Child, model, printed, served

WAYS = {
    "sleep": ("def predict(self, kind: str) -> str:", "time.sleep(60)", "1"),
    "loop": ("def predict(self, kind: str) -> str:", "while True: pass", "1"),
    "a child": ("def predict(self, kind: str) -> str:", "subprocess.run(['sleep', '60'])", "1"),
    "lock": ("def predict(self, kind: str) -> str:", "threading.Event().wait()", "1"),
    "async": ("async def predict(self, kind: str) -> str:", "await asyncio.sleep(60)", "1"),
    "side by side": ("async def predict(self, kind: str) -> str:", "await asyncio.sleep(60)", "3"),
}


def begun(child: Child) -> str:
    """Begin a prediction that does not end; give its id."""
    name = child.ask(kind="long")
    while "began" not in printed(child):
        pass
    return name


@pytest.mark.parametrize("way", WAYS)
def test_a_prediction_that_waits_or_works(tmp_path: Path, way: str) -> None:
    head, long, concurrency = WAYS[way]
    code = f"""
    import asyncio, os, subprocess, threading, time
    class Predictor:
        {head}
            if kind == "long":
                os.write(1, b"began\\n")
                {long}
            return "done"
    """
    with served(model(tmp_path / "model", code), "--concurrency", concurrency) as child:
        assert child.receive()["type"] == "ready"
        name = begun(child)
        child.send(type="cancel", id=name)
        reply = child.end()
        assert (reply["type"], reply["id"], sorted(reply)) == ("cancelled", name, ["id", "seconds", "type"])
        assert child.predict(kind="short")["output"] == "done"
        assert child.stop() == 0


@pytest.mark.parametrize(("prefix", "concurrency"), [("", "1"), ("", "2"), ("async ", "1")])
def test_pieces_end_where_the_model_swallows_it(tmp_path: Path, prefix: str, concurrency: str) -> None:
    """Also closes the generator, so that the model can tidy up."""
    code = f"""
    import asyncio, os, time
    from collections.abc import AsyncIterator, Iterator
    class Predictor:
        {prefix}def predict(self, kind: str) -> {"Async" if prefix else ""}Iterator[int]:
            os.write(1, b"began\\n")
            try:
                while kind == "long":
                    try:
                        {"await asyncio.sleep(0.02)" if prefix else "time.sleep(0.02)"}
                    except BaseException:
                        pass
                    yield 1
            finally:
                os.write(1, b"tidied up\\n")
    """
    with served(model(tmp_path / "model", code), "--concurrency", concurrency) as child:
        assert child.receive()["type"] == "ready"
        name = begun(child)
        assert child.receive() == {"type": "output", "id": name, "value": 1}
        child.send(type="cancel", id=name)
        assert child.end()["type"] == "cancelled"
        assert "tidied up" in printed(child)
        assert child.predict(kind="short")["output"] == []


@pytest.mark.parametrize("concurrency", ["1", "2"])
def test_a_result_after_the_cancelling_counts_no_more(tmp_path: Path, concurrency: str) -> None:
    code = """
    import os, time
    class Predictor:
        def predict(self, kind: str) -> str:
            os.write(1, b"began\\n")
            try:
                time.sleep(0.3)
            except BaseException:
                pass
            return "done"
    """
    with served(model(tmp_path / "model", code), "--concurrency", concurrency) as child:
        assert child.receive()["type"] == "ready"
        child.send(type="cancel", id=begun(child))
        assert child.end()["type"] == "cancelled"


@pytest.mark.parametrize(("prefix", "concurrency"), [("", "1"), ("", "2"), ("async ", "2")])
def test_one_that_waits_for_its_turn(tmp_path: Path, prefix: str, concurrency: str) -> None:
    code = f"""
    import asyncio, os, time
    class Predictor:
        {prefix}def predict(self, kind: str) -> str:
            os.write(1, b"began\\n")
            {"await asyncio" if prefix else "time"}.sleep(0.3)
            return kind
    """
    with served(model(tmp_path / "model", code), "--concurrency", concurrency) as child:
        assert child.receive()["type"] == "ready"
        running = {begun(child), *(child.ask(kind="long") for _ in range(int(concurrency) - 1))}
        waiting = child.ask(kind="late")
        child.send(type="cancel", id=waiting)
        ends = {reply["id"]: reply["type"] for reply in (child.end() for _ in range(int(concurrency) + 1))}
        assert ends == dict.fromkeys(running, "succeeded") | {waiting: "cancelled"}


def test_cancelling_again_and_again_never_cuts_a_message(tmp_path: Path) -> None:
    code = """
    from collections.abc import Iterator
    class Predictor:
        def predict(self, kind: str) -> Iterator[str]:
            while True:
                yield kind * 2000
    """
    with served(model(tmp_path / "model", code)) as child:
        assert child.receive()["type"] == "ready"
        for _ in range(100):
            name = child.ask(kind="ab")
            child.receive()
            for _ in range(3):
                child.send(type="cancel", id=name)
            reply = child.end()
            assert (reply["type"], reply["id"]) == ("cancelled", name)
        assert child.stop() == 0
