"""Requirements that count instead of what other packages ask for."""

from uv import find_uv_bin

from wriftai_runtime.environments import resolve

WANTED = ["rich>=15,<16"]


def pinned(*overrides: str) -> list[str]:
    text = resolve(WANTED, "3.11", uv=find_uv_bin(), overrides=overrides)
    return [line.split(" \\")[0] for line in text.splitlines() if not line.startswith(" ")]


def test_an_override_counts_instead_of_what_a_package_needs() -> None:
    assert any(line.startswith("pygments==") and ";" not in line for line in pinned())
    overridden = pinned("pygments ; sys_platform == 'never'", "markdown-it-py==3.0.0")
    assert "markdown-it-py==3.0.0" in overridden
    assert next(line for line in overridden if line.startswith("pygments")).endswith("; sys_platform == 'never'")
