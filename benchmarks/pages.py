"""Pages of 25: in any order, at either end, anyone's and signed in, beside single gets of the same caller."""

from collections.abc import Callable
from functools import partial
from itertools import repeat
from typing import NamedTuple

from benchmarks.gets import any_model
from benchmarks.listings import Listing, listings, page
from benchmarks.load import Measured, drive, get
from benchmarks.report import Row, at_most, reported
from benchmarks.scale import Scale
from benchmarks.servers import Servers
from benchmarks.session import Session
from benchmarks.spread import Spread, groups_in_turn, ratio, spread

DETAILS = ("Pages of 25", "Sorted by", "First: rate", "First / get", "Last / get", "Last / first")

_PAGE_COST = 3.0
_LAST_OVER_FIRST = 1.2


class Compared(NamedTuple):
    """What the ends of a listing cost.

    Attributes:
        listing: That was measured.
        rate: First pages in a second of a core.
        first: Cost of the first page over that of a get.
        last: Cost of the last page over that of a get.
        last_over_first: Cost of the last page over that of the first.
    """

    listing: Listing
    rate: Spread
    first: Spread
    last: Spread
    last_over_first: Spread

    def cells(self) -> tuple[str, ...]:
        """Give the cells of the table of details."""
        ratios = (f"{found.median:.2f}" for found in (self.first, self.last, self.last_over_first))
        return self.listing.whose, self.listing.order, f"{self.rate.median:,.0f}/s", *ratios


def measure(servers: Servers, scale: Scale) -> tuple[list[Row], list[Compared]]:
    """Measure all listings round by round; give the worst, and all of them."""
    groups = {listing: _sides(servers, listing, scale) for listing in listings(servers.folder, signed_in=True)}
    found = groups_in_turn(groups, scale.page_rounds)
    compared = [_compare(listing, sides) for listing, sides in found.items()]
    return _worst(compared), compared


def _sides(servers: Servers, listing: Listing, scale: Scale) -> dict[str, Callable[[], Measured]]:
    with Session(servers.hub, listing.token) as session:
        last = page(session, servers.folder, listing, "last")
    requests = {
        "get": any_model(servers, listing.token),
        "first": repeat(get(listing.path, listing.token)),
        "last": repeat(get(last, listing.token)),
    }
    return {side: partial(drive, servers.hub, asked, scale.slice_seconds) for side, asked in requests.items()}


def _compare(listing: Listing, sides: dict[str, list[Measured]]) -> Compared:
    one, first, last = ([each.cost for each in sides[side]] for side in ("get", "first", "last"))
    return Compared(
        listing,
        rate=spread(1 / cost for cost in first),
        first=ratio(first, one),
        last=ratio(last, one),
        last_over_first=ratio(last, first),
    )


def _worst(compared: list[Compared]) -> list[Row]:
    costs = [(end, each.listing, getattr(each, end)) for each in compared for end in ("first", "last")]
    end, listing, cost = max(costs, key=lambda item: item[-1].median)
    deepest = max(compared, key=lambda each: each.last_over_first.median)
    return [
        at_most("Any page of 25: cost, over that of a get", cost, _PAGE_COST),
        reported(f"… the worst is the {end} of {listing.name}"),
        at_most("The last page: cost, over that of the first", deepest.last_over_first, _LAST_OVER_FIRST),
        reported(f"… the worst is {deepest.listing.name}"),
    ]
