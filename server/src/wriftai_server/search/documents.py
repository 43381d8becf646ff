"""Documents: what the index holds of a model or a user.

Each is in one of three sets, which have fields of their own, so that looking in one costs nothing of the others:
everyone's `public` models, `private` ones, each found by its owner alone, and `users`. The rank of a document is
its place among those that a query finds as good: popular ones first, then short names, then by chance, but always
the same.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any, Literal, NamedTuple

from wriftai_server.database.driver import Row
from wriftai_server.database.values import fold as fold_case
from wriftai_server.database.values import popularity
from wriftai_server.search.words import (
    LONGEST_WORD,
    NameWords,
    atoms_of,
    fold,
    is_plain,
    joins_of,
    name_words,
    tokens_of,
)

Set = Literal["public", "private", "users"]

LONGEST_GRAM = 6
# Names that begin so are found by that much of the beginning.
LONGEST_HEAD = 16
_LONGEST_NAME = 63
_MOST_REMEMBERED = 50_000
_HALF_BITS = 64
_LOWER_HALF = 2**_HALF_BITS - 1


def rank_from(popular: int, length: int, chance: int = 0) -> int:
    """Give the rank of a document: higher is first; of 63 bits.

    Args:
        popular: From 0 to 511.
        length: Of the name.
        chance: Of 48 bits.
    """
    return popular << 54 | (_LONGEST_NAME - min(length, _LONGEST_NAME)) << 48 | chance


# What a document is above it says of itself, so that the best ones can be looked through first.
LEVELS = (
    *(rank_from(0, length) for length in (40, 32, 24, 20, 16, 12, 8, 5)),
    *(rank_from(popular, _LONGEST_NAME) for popular in (1, 2, 4, 8, 16, 32, 48, 64, 80, 96, 112, 128)),
)


class Fields(NamedTuple):
    """The fields of a set.

    Attributes:
        head: Letters and digits of names, of which the index takes all beginnings.
        names: Words of names.
        marks: Beginnings of those, and signs of all that have something in common.
        text: Words of names and texts.
    """

    head: str
    names: str
    marks: str
    text: str


SETS: tuple[Set, ...] = ("public", "private", "users")
FIELDS = {which: Fields(*(f"{which}_{field}" for field in Fields._fields)) for which in SETS}


class Halves(NamedTuple):
    """The number of a document, in two columns.

    Attributes:
        mixed: The upper half, mixed with the lower: a column of numbers in order takes ten times as long to open.
        low: The lower half.
    """

    mixed: int
    low: int


def number_of(document_id: str) -> int:
    """Give the number that a UUID is.

    Raises:
        ValueError: It is none.
    """
    return int(document_id.replace("-", ""), 16)


def id_of(number: int) -> str:
    """Give the UUID that a number is."""
    text = f"{number:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def halves_of(number: int) -> Halves:
    """Take a number apart."""
    low = number & _LOWER_HALF
    return Halves(number >> _HALF_BITS ^ low, low)


def number_from(mixed: int, low: int) -> int:
    """Put a number together."""
    return (mixed ^ low) << _HALF_BITS | low


def owner_mark(owner_id: str) -> str:
    """Give the mark of what someone owns, by id."""
    return f"@{owner_id}"


def owner_name_mark(username: str) -> str:
    """Give the mark of what someone owns, by username."""
    return f"/{fold_case(username)}"


def username_mark(username: str) -> str:
    """Give the mark of a user, by username as it is written."""
    return f"={username}"


def level_mark(level: int) -> str:
    """Give the mark of all that is on a level, or higher."""
    return f"#{level}"


_LEVEL_MARKS = ["".join(f" {level_mark(level)}" for level in range(above)) for above in range(len(LEVELS) + 1)]


def model_document(row: Row) -> dict[str, Any]:
    """Make the document of a model.

    Args:
        row: Of `store.model_sources`.
    """
    model_id, owner_id, name, visibility, description, predictions_count, username, release_notes = row
    owner = _owner(username)
    return _document(
        "public" if visibility == "public" else "private",
        model_id,
        name,
        popular=popularity(predictions_count),
        beside=_Found(owner.names, f"{owner.begun} {owner_mark(owner_id)}"),
        text=(description, release_notes),
    )


def user_document(row: Row) -> dict[str, Any]:
    """Make the document of a user.

    Args:
        row: Of `store.user_sources`.
    """
    user_id, username, name, *text = row
    called = _found(NameWords([word[:LONGEST_WORD] for word in tokens_of(fold(name or ""))], []))
    return _document(
        "users",
        user_id,
        username,
        popular=0,
        beside=_Found(called.names, f"{called.begun} {owner_name_mark(username)} {username_mark(username)}"),
        text=text,
    )


class _Found(NamedTuple):
    """What something is found by; words are parted by spaces.

    Attributes:
        names: Words of names.
        begun: Beginnings of those; what is there whole is there begun.
    """

    names: str
    begun: str


class _Run(NamedTuple):
    """What a run is found by; words are parted by spaces.

    Attributes:
        names: The run and what it falls into.
        begun: Beginnings of those, which if they are short stand for all words that begin so.
        first: What it falls into first.
        last: What it falls into last.
        is_one: Whether it is both of these.
    """

    names: str
    begun: str
    first: str
    last: str
    is_one: bool


@lru_cache(_MOST_REMEMBERED)
def _owner(username: str) -> _Found:
    names, begun = _found(name_words(username))
    return _Found(names, f"{begun} {owner_name_mark(username)}")


def _found(name: NameWords) -> _Found:
    runs = list(map(_run, name.runs))
    # Two that stand side by side, in one, and what of them touches.
    joins = list(joins_of(name.runs))
    joins += [one.last + two.first for one, two in pairwise(runs) if not (one.is_one and two.is_one)]
    runs += map(_run, name.humps)
    return _Found(
        " ".join([*[run.names for run in runs], *joins]),
        " ".join([*[run.begun for run in runs], *_short(joins)]),
    )


@lru_cache(_MOST_REMEMBERED)
def _run(run: str) -> _Run:
    atoms = atoms_of(run)
    words, joins = dict.fromkeys((run, *atoms)), dict.fromkeys(joins_of(atoms))
    begun = (word[:length] for word in words for length in range(1, LONGEST_GRAM + 1))
    return _Run(
        " ".join(words | joins),
        " ".join(dict.fromkeys((*begun, *_short(joins)))),
        first=atoms[0],
        last=atoms[-1],
        is_one=len(atoms) == 1,
    )


def _short(joins: Iterable[str]) -> list[str]:
    return [join for join in joins if len(join) <= LONGEST_GRAM]


def _document(
    which: Set, document_id: str, name: str, *, popular: int, beside: _Found, text: Sequence[str | None]
) -> dict[str, Any]:
    # A million are made when an index is built, so that each step counts.
    fields = FIELDS[which]
    named = name_words(name)
    mixed, low = halves_of(number_of(document_id))
    rank = rank_from(popular, len(name), low & (2**48 - 1))
    levels = _LEVEL_MARKS[bisect_right(LEVELS, rank)]
    words, begun = _found(named)
    names = f"{words} {beside.names}"
    return {
        "mixed": mixed,
        "low": low,
        "rank": rank,
        fields.head: "".join(named.runs),
        # All that a word may stand for is in one list, as lists that are put together cost several times as much:
        # in names, in beginnings of names, and in names and texts.
        fields.names: names,
        fields.marks: f"{begun} {beside.begun}{levels}",
        fields.text: " ".join([names, *[_told(each) for each in text if each]]),
    }


def _told(text: str) -> str:
    # Lower case is made where words are parted, in the index.
    return text if is_plain(text) else fold(text)
