"""How files behind http(s) URLs are fetched; what does it is loaded with the first of them."""

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
        patience: Seconds to wait for each connection and each piece of an answer.
    """

    most: int = 256 << 20
    allows_private: bool = False
    patience: float = 30.0

    def store(self, url: str, path: Path) -> None:
        """Store what a URL leads to in a file.

        Args:
            url: An http or https URL; up to 5 redirects are followed.
            path: Of the file, which is made or written over.

        Raises:
            Fault: It cannot be fetched or stored, or is too large; of the kind "input".
        """
        from wriftai_runtime.fetching import Fetch  # HTTP and TLS take longer to load than all else together.

        fetch = Fetch(most=self.most, allows_private=self.allows_private, patience=self.patience)
        fetch.store(url, path)
