"""URLs of files, as people are told of them."""

import urllib.parse


def where(url: str) -> str:
    """Name the place of a file without what may be secret in its URL: user, password, query, data.

    Returns:
        What goes behind "The file", as `https://example.org/a.png` or "in a data: URL".
    """
    if url[:5].lower() == "data:":
        return "in a data: URL"
    try:
        parts = urllib.parse.urlsplit(url)
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        return f"{parts.scheme}://{host or ''}{f':{parts.port}' if parts.port else ''}{parts.path}"
    except ValueError:
        return "behind a malformed URL"
