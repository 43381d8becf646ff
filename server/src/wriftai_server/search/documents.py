"""Documents: what the index holds of a model or a user.

Each is in one of three sets, which have fields of their own, so that looking in one costs nothing of the others:
everyone's `public` models, `private` ones, each found by its owner alone, and `users`. The rank of a document is
its place among those that a query finds as good: popular ones first, then short names, then by chance, but always
the same.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, Literal, NamedTuple

from wriftai_server.database.driver import Row
from wriftai_server.database.values import fold as fold_case
from wriftai_server.database.values import popularity
from wriftai_server.search.words import NameWords, atoms_of, fold, joins_of, name_words

Set = Literal["public", "private", "users"]

LONGEST_GRAM = 6
# Names that begin so are found by the words of such lengths, and by a number where that is not all.
HEADS = (*range(1, 9), 10, 12, 16)
_HEAD_SLICES = [slice(length) for length in HEADS]
NECK_START, NECK_END = 8, 16
_LONGEST_NAME = 63
_MOST_REMEMBERED = 50_000
_HALF_BITS = 64
_LOWER_HALF = 2**_HALF_BITS - 1
_NECK_LENGTH = NECK_END - NECK_START


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


def neck_range(beginning: str) -> tuple[int, int] | None:
    """Give the least and the greatest neck of names that begin so; None when none can."""
    if not beginning.isascii():
        return None
    neck = beginning[NECK_START:NECK_END].encode()
    return _neck(neck), int.from_bytes(neck.ljust(_NECK_LENGTH, b"\x7f"), "big")


def owner_mark(owner_id: str) -> str:
    """Give the mark of what someone owns, by id."""
    return f"@{owner_id}"


def owner_name_mark(username: str) -> str:
    """Give the mark of what someone owns, by username."""
    return f"/{fold_case(username)}"


def level_mark(level: int) -> str:
    """Give the mark of all that is on a level, or higher."""
    return f"#{level}"


_LEVEL_MARKS = ["".join(f" {level_mark(level)}" for level in range(above)) for above in range(len(LEVELS) + 1)]


def model_document(row: Row) -> dict[str, Any]:
    """Make the document of a model.

    Args:
        row: Of `store.MODEL_SOURCE`.
    """
    model_id, owner_id, name, visibility, description, predictions_count, username, release_notes = row
    owner = _owner(username)
    return _document(
        "public" if visibility == "public" else "private",
        model_id,
        name,
        popular=popularity(predictions_count),
        owner=_Found(owner.names, f"{owner.begun} {owner_mark(owner_id)}"),
        text=(description, release_notes),
    )


def user_document(row: Row) -> dict[str, Any]:
    """Make the document of a user.

    Args:
        row: Of `store.USER_SOURCE`.
    """
    user_id, username, *text = row
    return _document(
        "users",
        user_id,
        username,
        popular=0,
        owner=_Found("", owner_name_mark(username)),
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


@lru_cache(10_000)
def _owner(username: str) -> _Found:
    return _together([*_pieces(name_words(username)), _Found("", owner_name_mark(username))])


def _pieces(name: NameWords) -> Iterator[_Found]:
    return chain(map(_run, name.runs), map(_two, name.runs, name.runs[1:]), map(_run, name.humps))


def _together(found: list[_Found]) -> _Found:
    return _Found(" ".join([each.names for each in found]), " ".join([each.begun for each in found]))


@lru_cache(_MOST_REMEMBERED)
def _run(run: str) -> _Found:
    """Give a run and what it falls into; short beginnings stand for all words that begin so."""
    words = (run, *atoms_of(run))
    joins = list(joins_of(words[1:]))
    begun = (word[:length] for word in words for length in range(1, LONGEST_GRAM + 1))
    return _found((*words, *joins), (*begun, *_short(joins)))


@lru_cache(_MOST_REMEMBERED)
def _two(run: str, following: str) -> _Found:
    """Give two runs that stand side by side, in one, and what of them touches."""
    joins = [run + following, atoms_of(run)[-1] + atoms_of(following)[0]]
    return _found(joins, _short(joins))


def _short(joins: list[str]) -> list[str]:
    return [join for join in joins if len(join) <= LONGEST_GRAM]


def _found(names: Iterable[str], begun: Iterable[str]) -> _Found:
    return _Found(*(" ".join(dict.fromkeys(words)) for words in (names, begun)))


class _Fields(NamedTuple):
    names: str
    marks: str
    text: str


def _fields(which: Set) -> _Fields:
    return _Fields(f"{which}_names", f"{which}_marks", f"{which}_text")


_FIELDS: dict[Set, _Fields] = {
    "public": _fields("public"),
    "private": _fields("private"),
    "users": _fields("users"),
}


def _document(
    which: Set, document_id: str, name: str, *, popular: int, owner: _Found, text: Sequence[str | None]
) -> dict[str, Any]:
    # A million are made when an index is built, so that each step counts.
    fields = _FIELDS[which]
    named = name_words(name)
    whole = "".join(named.runs)
    mixed, low = halves_of(number_of(document_id))
    rank = rank_from(popular, len(name), low & (2**48 - 1))
    levels = _LEVEL_MARKS[bisect_right(LEVELS, rank)]
    names, begun = _together([*_pieces(named), owner])
    return {
        "mixed": mixed,
        "low": low,
        "rank": rank,
        "neck": _neck(whole[NECK_START:NECK_END].encode()),
        # All that a word may stand for is in one list, as lists that are put together cost several times as much:
        # in names, in beginnings of names, and in names and texts.
        fields.names: names,
        fields.marks: f"{begun} {_beginnings(whole)}{levels}",
        fields.text: " ".join([names, *[_told(each) for each in text if each]]),
    }


def _beginnings(whole: str) -> str:
    heads = _HEAD_SLICES[: bisect_right(HEADS, len(whole))]
    return f"^{' ^'.join(map(whole.__getitem__, heads))}"


def _neck(neck: bytes) -> int:
    return int.from_bytes(neck[:_NECK_LENGTH].ljust(_NECK_LENGTH, b"\0"), "big")


def _told(text: str) -> str:
    # Lower case is made where words are parted, in the index.
    return text if text.isascii() else fold(text)
