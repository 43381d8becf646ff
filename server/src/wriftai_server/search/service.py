"""Rules for search: what counts as a word, and what is found first."""

from wriftai_server.database.driver import Reader
from wriftai_server.database.values import fold
from wriftai_server.http.caller import Caller
from wriftai_server.http.paging import Cut, Place, cut
from wriftai_server.search import store

_MOST_WORDS = 8


def words_of(q: str) -> list[str]:
    """Take a query apart into lowercase words; what follows the eighth does not count."""
    return fold(q.replace("\0", " ")).split()[:_MOST_WORDS]


async def models(view: Reader, caller: Caller, q: str, place: Place, *, size: int) -> Cut:
    """Cut a page out of the models that match: exact names, beginnings of names, names, everything else."""
    rows = await store.find_models(view, words_of(q), place, viewer=caller.id, limit=size + 1)
    return cut(rows, place, size, store.key_of)


async def users(view: Reader, q: str, place: Place, *, size: int) -> Cut:
    """Cut a page out of the users that match: exact names, beginnings of names, everything else."""
    return cut(await store.find_users(view, words_of(q), place, limit=size + 1), place, size, store.key_of)
