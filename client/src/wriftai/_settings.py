"""Where the hub is, who calls it, and what goes with each request."""

import os
import re
from collections.abc import Mapping
from typing import Any

from wriftai._version import __version__

_DEFAULT_BASE_URL = "https://api.wrift.ai/v1"
_TOKEN = re.compile(r"[!-~]*")
_HEADER = re.compile(r"(?:[!-~](?:[\t -~]*[!-~])?)?")


class UnusableSetting(ValueError):
    """A setting cannot be used; the text names it, and leaves out what it says, which may be a secret."""


def base_url(chosen: str | None = None) -> str:
    """Give the address of the API: the chosen one, else that of the environment, else the hosted service's.

    Raises:
        UnusableSetting: It does not say how the hub is spoken to.
    """
    address = chosen or os.environ.get("WRIFTAI_API_BASE_URL") or _DEFAULT_BASE_URL
    if "://" not in address:
        name = "api_base_url" if chosen else "WRIFTAI_API_BASE_URL"
        raise UnusableSetting(f"{name} is no address of a hub: begin it with http:// or https://.")
    return address


def access_token(chosen: str | None = None) -> str:
    """Give the token: the chosen one, else that of the environment; empty for anonymous.

    Raises:
        UnusableSetting: It holds what no header can.
    """
    token = (os.environ.get("WRIFTAI_ACCESS_TOKEN", "") if chosen is None else chosen).strip()
    if not _TOKEN.fullmatch(token):
        name = "WRIFTAI_ACCESS_TOKEN" if chosen is None else "access_token"
        raise UnusableSetting(
            f"{name} is no token: it takes visible ASCII characters, without spaces and line breaks between them."
        )
    return token


def headers(token: str, chosen: Mapping[str, Any]) -> dict[str, str]:
    """Give the headers of each request, with their names in lower case.

    Args:
        token: As `access_token` gives it.
        chosen: Instead of the client's own where the names are equal; those that are None are left out.

    Raises:
        UnusableSetting: A value holds what no header can.
    """
    own = {"user-agent": f"wriftai-python/{__version__}", "accept": "application/json"}
    if token:
        own["authorization"] = f"Bearer {token}"
    return own | {name.lower(): _text(name, value) for name, value in chosen.items() if value is not None}


def _text(name: str, value: object) -> str:
    text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
    if not _HEADER.fullmatch(text):
        raise UnusableSetting(
            f"The header {name} cannot be sent: its value takes visible ASCII characters with spaces between."
        )
    return text
