"""The reference pages: up to date, complete, linked and readable."""

import importlib
import inspect
import os
import pkgutil
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import wriftai

ROOT = Path(__file__).resolve().parents[2]
PAGES = ROOT / "docs" / "reference"
SUBMODULES = [
    f"wriftai.{found.name}"
    for found in pkgutil.iter_modules(wriftai.__path__)
    if not found.name.startswith("_") and not found.ispkg
]
MODULES = ["wriftai", *SUBMODULES]


def build(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    script = ROOT / "docs" / "build_reference.py"
    return subprocess.run(
        [sys.executable, "-W", "error", script, *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env=os.environ | environment,
    )


def text_of(module: str) -> str:
    return (PAGES / f"{module.removeprefix('wriftai.')}.md").read_text(encoding="utf-8")


def anchors(page: Path) -> list[str]:
    """Make the anchors of a page's headings as GitHub does."""
    prose = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", prose, re.MULTILINE)
    return [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    return Path(shutil.copytree(PAGES, tmp_path / "reference"))


def test_the_pages_are_up_to_date() -> None:
    checked = build("--check")
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


@pytest.mark.parametrize("module", MODULES)
def test_every_public_name_has_a_heading(module: str) -> None:
    headings = re.findall(r"^## `(.+)`$", text_of(module), re.MULTILINE)
    assert sorted(headings) == sorted(importlib.import_module(module).__all__)


@pytest.mark.parametrize("module", MODULES)
def test_every_public_method_is_named_in_one_heading_of_its_class(module: str) -> None:
    for section in re.split(r"^## ", text_of(module), flags=re.MULTILINE)[1:]:
        name = section.partition("\n")[0].strip("`")
        described = getattr(importlib.import_module(module), name)
        if "Described in" in section or not isinstance(described, type):
            continue
        methods = [
            each for each in vars(described) if each[0] != "_" and inspect.isfunction(vars(described)[each])
        ]
        headings = re.findall(r"^### (.+)$", section, re.MULTILINE)
        named = [each.strip("`") for heading in headings for each in heading.split(", ")]
        assert sorted(named) == sorted(methods), name


def test_twins_that_take_other_types_are_both_shown() -> None:
    section = text_of("wriftai.predictions").partition("### `create`, `async_create`")[2].partition("###")[0]
    assert "def create(\n" in section
    assert "async def async_create(\n" in section
    assert "wait_options: WaitOptions = DEFAULT_WAIT_OPTIONS" in section
    assert "wait_options: AsyncWaitOptions = DEFAULT_ASYNC_WAIT_OPTIONS" in section


def test_a_key_that_may_be_left_out_says_so() -> None:
    section = text_of("wriftai.predictions").partition("## `CreatePredictionParams`")[2]
    assert re.search(r"^\| `input` \| .+ \| no \| ", section, re.MULTILINE)
    assert "| `webhook_url` | `str` | yes | " in section


@pytest.mark.parametrize("page", sorted(PAGES.glob("*.md")), ids=lambda page: page.name)
def test_every_link_within_the_reference_resolves(page: Path) -> None:
    assert len(anchors(page)) == len(set(anchors(page)))
    links = re.findall(r"\]\(([^)]+)\)", page.read_text(encoding="utf-8"))
    inside = [link for link in links if not link.startswith("https://")]
    assert inside
    for link in inside:
        name, _, anchor = link.partition("#")
        target = PAGES / name if name else page
        assert target.is_file(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("page", sorted(PAGES.glob("*.md")), ids=lambda page: page.name)
def test_types_are_written_as_people_say_them(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    own = text.replace(
        "[`typing.NotRequired`](https://docs.python.org/3/library/typing.html#typing.NotRequired)", ""
    )
    assert not re.search(r"typing\.|NotRequired\[|Optional\[|Union\[|ForwardRef|<class|0x[0-9a-f]+|_http\.", own)
    assert str(ROOT) not in text


def test_a_page_that_was_changed_is_reported_by_name(copied: Path) -> None:
    with (copied / "models.md").open("a", encoding="utf-8") as page:
        page.write("By hand.\n")
    checked = build("--check", "--output", copied)
    assert checked.returncode == 1
    assert "models.md differs" in checked.stderr
    assert "make docs" in checked.stderr
    assert checked.stderr.count(".md ") == 1


def test_a_page_too_few_and_one_too_many_are_reported_and_mended(copied: Path) -> None:
    (copied / "models.md").rename(copied / "gone.md")
    (copied / "by_hand.md").write_text("# Ours\n", encoding="utf-8")
    checked = build("--check", "--output", copied)
    assert checked.returncode == 1
    assert "models.md is not there" in checked.stderr
    assert "gone.md describes no module" in checked.stderr
    assert "by_hand.md" not in checked.stderr
    assert build("--output", copied).returncode == 0
    assert not (copied / "gone.md").exists()
    assert (copied / "by_hand.md").exists()
    assert build("--check", "--output", copied).returncode == 0


def test_checking_writes_nothing(tmp_path: Path) -> None:
    assert build("--check", "--output", tmp_path / "reference").returncode == 1
    assert list(tmp_path.iterdir()) == []


def test_pages_are_the_same_whatever_the_order_of_hashes(tmp_path: Path) -> None:
    for seed in ("1", "2"):
        assert build("--output", tmp_path / seed, PYTHONHASHSEED=seed).returncode == 0
    for page in sorted((tmp_path / "1").iterdir()):
        assert page.read_bytes() == (tmp_path / "2" / page.name).read_bytes()


def test_a_docstring_that_leaves_out_a_parameter_is_refused(tmp_path: Path) -> None:
    client = shutil.copytree(ROOT / "client" / "src" / "wriftai", tmp_path / "wriftai")
    source = (client / "users.py").read_text(encoding="utf-8")
    line = "            username: Without regard to case.\n"
    assert line in source
    (client / "users.py").write_text(source.replace(line, "            user: Wrong.\n"), encoding="utf-8")
    built = build("--output", tmp_path / "reference", PYTHONPATH=str(tmp_path))
    assert built.returncode == 1
    assert "wriftai.users.UsersResource.get" in built.stderr
    assert "username, user" in built.stderr
    assert not (tmp_path / "reference").exists()
