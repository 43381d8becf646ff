"""Lists of models, and the pages at their ends and in their middle."""

import base64
import json
from itertools import product
from typing import Any, Literal, NamedTuple

from benchmarks.folder import Folder
from benchmarks.session import Session

Part = Literal["first", "middle", "last"]

SIZE = 25
_COLUMNS = {"created_at": "created_at", "prediction_count": "predictions_count"}


class Listing(NamedTuple):
    """A list of models in one order.

    Attributes:
        whose: Says which models it has, and who asks.
        owner: Whose models it has; None has everyone's.
        token: Of who asks, who is the largest owner; empty for anyone.
        key: What it is sorted by.
        direction: `asc` or `desc`.
    """

    whose: str
    owner: str | None
    token: str
    key: str
    direction: str

    @property
    def path(self) -> str:
        """Address of the first page."""
        owner = f"/{self.owner}" if self.owner else ""
        return f"/models{owner}?sort_by={self.key}&sort_direction={self.direction}"

    @property
    def order(self) -> str:
        """Say what it is sorted by."""
        return f"{self.key}, {self.direction}"

    @property
    def name(self) -> str:
        """Say which one it is."""
        return f"{self.whose} by {self.order}"


def listings(folder: Folder, *, signed_in: bool) -> list[Listing]:
    """Give everyone's models and those of the largest owner, in each order.

    Args:
        folder: Has them.
        signed_in: Whether to add what the owner sees of both.
    """
    scopes: list[tuple[str, str | None, str]] = [("everyone's", None, ""), ("one owner's", folder.owner, "")]
    if signed_in:
        scopes += [
            ("everyone's, signed in", None, folder.token),
            ("one's own, signed in", folder.owner, folder.token),
        ]
    return [Listing(*scope, *order) for scope, order in product(scopes, product(_COLUMNS, ("asc", "desc")))]


def page(session: Session, folder: Folder, listing: Listing, part: Part) -> str:
    """Give the path of a page of 25 models, without walking there.

    The cursor is one that the hub gave, moved to the row that is in that place in the database.

    Args:
        session: Of who asks for the list.
        folder: Of the hub, or of one with the same models.
        listing: Has more than 25 models.
        part: The last page has the last 25.
    """
    if part == "first":
        return listing.path
    given = session.json(f"{listing.path}&page_size=1")["next_cursor"]
    tag, backward, _ = json.loads(base64.urlsafe_b64decode(given + "=" * (-len(given) % 4)))
    moved = json.dumps([tag, backward, _key(folder, listing, part)]).encode()
    cursor = base64.urlsafe_b64encode(moved).rstrip(b"=").decode()
    path = f"{listing.path}&cursor={cursor}"
    found = session.json(path)
    assert len(found["items"]) == SIZE, path
    assert (found["next_cursor"] is None) == (part == "last"), path
    return path


def _key(folder: Folder, listing: Listing, part: Part) -> list[Any]:
    """Give the sort keys of the row before a page."""
    mine = "owner_id = (SELECT id FROM users WHERE username = :owner)"
    seen = f"(visibility = 'public' OR {mine})" if listing.token else "visibility = 'public'"
    among = f"{seen} AND {mine}" if listing.owner else seen
    owner = {"owner": folder.owner}
    with folder.connected() as connection:
        (count,) = connection.execute(f"SELECT count(*) FROM models WHERE {among}", owner).fetchone()  # noqa: S608
        skipped = count // 2 if part == "middle" else count - SIZE - 1
        column = _COLUMNS[listing.key]
        row = connection.execute(
            f"SELECT {column}, id FROM models WHERE {among}"  # noqa: S608 - our own names
            f" ORDER BY {column} {listing.direction}, id {listing.direction} LIMIT 1 OFFSET :skipped",
            {**owner, "skipped": skipped},
        ).fetchone()
    return list(row)
