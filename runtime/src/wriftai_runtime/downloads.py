"""How files behind http(s) URLs are fetched; what does it is loaded with the first of them."""

import urllib.parse
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Download:
    """How files are fetched.

    A caller names the address, and the machine that runs the model may reach what the caller may not: an address
    that is not public is refused, also behind a name and after a redirect. The connection goes to the very
    address that was checked.

    Attributes:
        most: Bytes that one file may have.
        allows_private: Addresses that are not public are allowed too.
        patience: Seconds to wait for each answer of the other side.
    """

    most: int = 256 << 20
    allows_private: bool = False
    patience: float = 30.0

    def store(self, url: str, path: Path) -> None:
        """Store what a URL leads to.

        Raises:
            Fault: It cannot be fetched or stored, or is too large; of the kind "input".
        """
        from wriftai_runtime.fetching import Fetch  # HTTP and TLS take longer to load than all else together.

        Fetch(self).store(url, path)


def where(url: str) -> str:
    """Name a URL without what may be secret in it: user, password, query, data."""
    if url[:5].lower() == "data:":
        return "in a data: URL"
    try:
        parts = urllib.parse.urlsplit(url)
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        return f"{parts.scheme}://{host or ''}{f':{parts.port}' if parts.port else ''}{parts.path}"
    except ValueError:
        return "behind a malformed URL"
