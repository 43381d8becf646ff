"""The guide of the hub: it names every variable that there is."""

import re
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_VARIABLE = re.compile(r"WRIFTAI_[A-Z_]+")


def test_the_guide_lists_the_variables_of_serve_that_are_not_of_the_worker() -> None:
    commands = (_ROOT / "tests" / "server" / "help.txt").read_text().split("\nUsage: wriftai-server ")
    found = {text.split()[0]: set(_VARIABLE.findall(text)) for text in commands}
    guide = (_ROOT / "docs" / "guides" / "hub.md").read_text()
    listed = guide[guide.index("Each option") : guide.index("explains them")]
    shared = {"WRIFTAI_DATA_DIR", "WRIFTAI_DATABASE", "WRIFTAI_HARDWARE", "WRIFTAI_OBJECT_STORE"}
    shared |= {"WRIFTAI_WEBHOOK_ALLOW", "WRIFTAI_LOG_LEVEL"}
    assert set(_VARIABLE.findall(listed)) == found["serve"] - found["worker"] | shared
    assert shared < found["serve"] & found["worker"]
