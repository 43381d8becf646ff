"""The benchmarks run, and say of each target whether it is met; what they measure is not tested."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TARGETS = (
    "GET one of 1,000 models: rate",
    "… over the rate of a bare route with the same bytes",
    "Any page of 25: cost, over that of a get",
    "The last page: cost, over that of the first",
    "import wriftai: CPU, over that of import httpx",
    "Client(): time",
    "client.models.get: time, over that of bare httpx",
    "Predictions for 8 callers: finished, over the better of Cog and LitServe",
    "A prediction for 1 caller: p50 (2.5 ms, or 1.5 times LitServe's)",
    "Predictions that the hub refused, in a round",
    "From `wriftai-server serve` to the end of the first prediction",
    "An idle hub with its worker: resident memory",
    "POST of a prediction while 1,000 predictions wait: cost, over that while none do",
    "Claiming a prediction while 1,000 predictions wait: cost, over that while none do",
    "GET of a model on SQLite, 1,000 models: cost, over that with 1,000",
    "Any page of 25 on SQLite, 1,000 models: cost, over that with 1,000",
    "GET of a model on PostgreSQL, 1,000 models: cost, over that with 1,000",
    "Any page of 25 on PostgreSQL, 1,000 models: cost, over that with 1,000",
    "GET of a model on SQLite, 1,000 models: p50",
    "Any page of 25 on SQLite, 1,000 models: p50",
    "GET of a model on PostgreSQL, 1,000 models: time, over that on SQLite",
    "Any page of 25 on PostgreSQL, 1,000 models: time, over that on SQLite",
    "Any search on SQLite, 1,000 models: p50",
    "Any search on SQLite, 1,000 models: p99",
    "Any search on PostgreSQL, 1,000 models: p50",
    "Any search on PostgreSQL, 1,000 models: p99",
    "On SQLite, 1,000 models: created for 8 callers",
    "wriftai-server import of 1,000 models",
    "From `wriftai-server serve` to the first search that the index answers, 1,000 models",
    "From `wriftai-server serve` without an index to a whole one, 1,000 models",
    "GET of a model by `serve --workers 2`: rate, over that by one",
)


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "benchmarks", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


@pytest.fixture(scope="module")
def quick() -> subprocess.CompletedProcess[str]:
    return bench("--quick")


def test_a_quick_run_ends_well(quick: subprocess.CompletedProcess[str]) -> None:
    assert quick.returncode == 0, quick.stderr


@pytest.mark.parametrize("target", TARGETS)
def test_each_target_has_a_row_with_a_verdict(target: str, quick: subprocess.CompletedProcess[str]) -> None:
    rows = [line for line in quick.stdout.splitlines() if line.startswith(f"| {target} ")]
    assert len(rows) == 1
    assert re.search(r"\| (met|\*\*missed\*\*) +\|$", rows[0])


def test_no_other_row_has_a_verdict(quick: subprocess.CompletedProcess[str]) -> None:
    assert len(re.findall(r"\| (?:met|\*\*missed\*\*) +\|$", quick.stdout, re.MULTILINE)) == len(TARGETS)


def test_a_quick_run_is_not_kept() -> None:
    refused = bench("--quick", "--write")
    assert refused.returncode == 2
    assert "--quick" in refused.stderr
