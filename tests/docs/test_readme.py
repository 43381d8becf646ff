"""What the README says to type works as written."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.hubs import running

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
DEFAULT_ADDRESS = "http://127.0.0.1:8000"


def blocks(language: str) -> list[str]:
    """Give the fenced blocks of a language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)


def test_the_blocks_work_one_after_the_other(tmp_path: Path) -> None:
    _, _, setup, publishing = blocks("sh")
    programs = blocks("python")
    assert len(programs) == 3
    with running(tmp_path / "data") as hub:
        script = (setup + publishing).replace(DEFAULT_ADDRESS, hub.address).replace("/tmp/", f"{tmp_path}/")  # noqa: S108
        script = script.replace(".venv/bin/", f"{Path(sys.executable).parent}/")
        for number, program in enumerate(programs):
            file = tmp_path / f"block_{number}.py"
            file.write_text(program)
            script += f"\n{sys.executable} -W error {file}"
        done = subprocess.run(
            ["bash", "-euc", script],
            cwd=ROOT,
            env={**os.environ, "WRIFTAI_DATA_DIR": str(hub.data_dir)},
            capture_output=True,
            text=True,
            timeout=300,
        )
    assert done.returncode == 0, done.stderr
    said = done.stdout.splitlines()
    assert said.count("Hello, Ada!") == 2
    assert "ada digits private" in said
    assert any(line.startswith("vit_base_patch16_224.mae https://arxiv.org/abs/") for line in said)
    assert "1753 models" in said
    assert said[-1] == "succeeded Hello, Ada! Hello, Ada! Hello, Ada!"


def test_the_setup_uses_the_default_address_and_folder() -> None:
    options = subprocess.run(
        [sys.executable, "-m", "wriftai_server", "serve", "--help"], capture_output=True, text=True, check=True
    ).stdout
    assert "default: 127.0.0.1" in options
    assert "default: 8000" in options
    assert "default: data" in options


@pytest.mark.parametrize("verb", sorted(set(re.findall(r"^make ([a-z-]+)$", README, flags=re.MULTILINE))))
def test_each_verb_is_in_the_makefile(verb: str) -> None:
    assert re.search(rf"^{verb}:.*## ", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)#]+)\)", README))
def test_each_link_leads_somewhere(link: str) -> None:
    assert link.startswith("https://") or (ROOT / link).exists()
