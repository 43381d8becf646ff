"""Bodies of requests that a hub takes."""

from typing import Any

VERSION: Any = {
    "release_notes": "First.",
    "schemas": {"prediction": {"input": {"type": "string"}, "output": {}}},
    "container_image_digest": f"sha256:{'0' * 64}",
}


def model(name: str, **fields: Any) -> Any:
    """Make the body that creates a model, on what every hub offers."""
    return {"name": name, "hardware_identifier": "cpu", **fields}
