"""Users as callers send them."""

from typing import Annotated

from msgspec import Meta

from wriftai_server.http.bodies import UNSET, URL, Body, Text, UnsetType, Username
from wriftai_server.http.patterns import WITHOUT_NUL

Bio = Annotated[
    str,
    Meta(
        pattern=WITHOUT_NUL,
        max_length=2000,
        description="At most 2,000 characters, none of them U+0000.",
    ),
]
Links = Annotated[
    list[URL],
    Meta(max_length=20, description="At most 20 absolute http(s) URLs, each of at most 2,048 characters."),
]


class UpdateUser(Body):
    """What to change of the caller: keys left out stay, null clears those that may be null."""

    username: Username | UnsetType = UNSET
    name: Text | UnsetType | None = UNSET
    bio: Bio | UnsetType | None = UNSET
    urls: Links | UnsetType | None = UNSET
    company: Text | UnsetType | None = UNSET
    location: Text | UnsetType | None = UNSET
