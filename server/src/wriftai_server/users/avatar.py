"""Pictures for users: their initial on a colour of their own."""

import hashlib
from html import escape


def draw(user_id: str, username: str) -> str:
    """Draw the picture of a user as SVG; the colour comes from the id, so that a rename keeps it."""
    hue = int.from_bytes(hashlib.sha256(user_id.encode()).digest()[:2]) % 360
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64" role="img">'
        f"<title>{escape(username)}</title>"
        f'<rect width="64" height="64" rx="12" fill="hsl({hue} 45% 45%)"/>'
        '<text x="32" y="43" font-family="sans-serif" font-size="32" text-anchor="middle" fill="#fff">'
        f"{escape(username[:1].upper())}</text></svg>"
    )
