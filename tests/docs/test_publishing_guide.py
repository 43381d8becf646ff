"""What the guide to publishing says to type works as written."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.hubs import running

GUIDE = (Path(__file__).parents[2] / "docs" / "guides" / "publishing.md").read_text()


def block(language: str) -> str:
    """Give the first fenced block of a language."""
    found = re.search(rf"^```{language}\n(.*?)^```", GUIDE, flags=re.MULTILINE | re.DOTALL)
    assert found
    return found[1]


def test_the_first_blocks_work_one_after_the_other(tmp_path: Path) -> None:
    assert len([*block("sh").splitlines(), *filter(None, block("python").splitlines())]) <= 10
    (tmp_path / "call.py").write_text(block("python"))
    with running(tmp_path / "data") as hub:
        environment = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "XDG_CACHE_HOME": str(tmp_path / "cache"),
            "WRIFTAI_API_BASE_URL": hub.url,
            "WRIFTAI_ACCESS_TOKEN": hub.create_user("ada"),
        }
        done = subprocess.run(
            ["bash", "-euc", f"{block('sh')}\npython -W error call.py"],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
        )
    assert done.returncode == 0, done.stderr
    wrote, ran, pushed, predicted, called = done.stdout.splitlines()
    assert wrote.startswith("Wrote greeter/pyproject.toml and greeter/predict.py.")
    assert ran == predicted == "Hello, Ada!"
    assert pushed.startswith("ada/greeter:1 sha256:")
    assert called == "succeeded Hello, Ada! Hello, Ada!"
