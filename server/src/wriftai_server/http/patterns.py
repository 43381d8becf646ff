"""What texts look like, as patterns that Python and ECMAScript read alike."""

USERNAME = r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}"
MODEL_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}"
DIGEST = r"sha256:[a-f0-9]{64}"
WITHOUT_NUL = r"^[^\u0000]*$"


def anchor(pattern: str) -> str:
    """Let a pattern match whole texts only."""
    # "$" also matches before a final line feed; the look-ahead keeps that out.
    return rf"^{pattern}$(?!\n)"
