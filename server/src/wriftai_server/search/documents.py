"""Documents: what the index holds of a model or a user.

Each is in one of three collections, which have fields of their own, so that searching one costs nothing of the
others: everyone's `public` models, `private` ones, each found by its owner alone, and `users`. Documents that
match a query equally well come by rank, which does not depend on the query: popular ones first, then short names,
then by chance, but always the same.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any, Literal, NamedTuple

from wriftai_server.database.driver import Row
from wriftai_server.database.values import fold, popularity
from wriftai_server.search.analysis import (
    LONGEST_WORD,
    NameTokens,
    compounds_of,
    is_plain,
    normalize,
    subwords_of,
    tokenize,
    tokenize_name,
)

Collection = Literal["public", "private", "users"]

LONGEST_WORD_PREFIX = 6
# Of a longer prefix, this much is looked up.
LONGEST_NAME_PREFIX = 16
_LONGEST_NAME = 63
_MOST_REMEMBERED = 50_000
_HALF_BITS = 64
_LOWER_HALF = 2**_HALF_BITS - 1


def rank_from(popular: int, length: int, chance: int = 0) -> int:
    """Pack what a rank is made of into 63 bits; higher is first.

    Args:
        popular: Popularity, from 0 to 511.
        length: Characters of the name.
        chance: Any number of 48 bits, which decides between equals.
    """
    return popular << 54 | (_LONGEST_NAME - min(length, _LONGEST_NAME)) << 48 | chance


# A document is tagged with all cutoffs that it ranks above, so that the best ones can be searched first.
RANK_CUTOFFS = (
    *(rank_from(0, length) for length in (40, 32, 24, 20, 16, 12, 8, 5)),
    *(rank_from(popular, _LONGEST_NAME) for popular in (1, 2, 4, 8, 16, 32, 48, 64, 80, 96, 112, 128)),
)


class Fields(NamedTuple):
    """The fields of one collection.

    Attributes:
        name_prefix: Letters and digits of the name in one; each of its prefixes, up to 16 long, is a term.
        name_words: Tokens, subwords and compounds of the name, and of the owner's or the user's other name.
        keywords: Prefixes of those, up to six long, and tags, by which documents are filtered.
        text: The words of `name_words`, and those of descriptions, release notes or biographies.
    """

    name_prefix: str
    name_words: str
    keywords: str
    text: str


COLLECTIONS: tuple[Collection, ...] = ("public", "private", "users")
FIELDS = {
    collection: Fields(*(f"{collection}_{field}" for field in Fields._fields)) for collection in COLLECTIONS
}


class Halves(NamedTuple):
    """The number of a document, in two columns of 64 bits.

    Attributes:
        mixed: The upper half, mixed with the lower: a column of numbers in order takes ten times as long to open.
        low: The lower half.
    """

    mixed: int
    low: int


def number_of(document_id: str) -> int:
    """Turn a UUID into the number by which the index knows a document.

    Raises:
        ValueError: It is no UUID.
    """
    return int(document_id.replace("-", ""), 16)


def id_of(number: int) -> str:
    """Turn the number of a document into its UUID."""
    text = f"{number:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def halves_of(number: int) -> Halves:
    """Split the number of a document into its columns."""
    low = number & _LOWER_HALF
    return Halves(number >> _HALF_BITS ^ low, low)


def number_from(mixed: int, low: int) -> int:
    """Join the number of a document from its columns."""
    return (mixed ^ low) << _HALF_BITS | low


def owner_tag(owner_id: str) -> str:
    """Give the tag of all models of one owner, by id."""
    return f"@{owner_id}"


def owner_name_tag(username: str) -> str:
    """Give the tag of a user and of all models of that user, by username in any case."""
    return f"/{fold(username)}"


def username_tag(username: str) -> str:
    """Give the tag of the user of exactly that name, case and all."""
    return f"={username}"


def cutoff_tag(cutoff: int) -> str:
    """Give the tag of all documents that rank at a cutoff or above it."""
    return f"#{cutoff}"


_CUTOFF_TAGS = [
    "".join(f" {cutoff_tag(cutoff)}" for cutoff in range(above)) for above in range(len(RANK_CUTOFFS) + 1)
]


def model_document(row: Row) -> dict[str, Any]:
    """Make the document of a model.

    Args:
        row: One that `store.model_sources` gives.
    """
    model_id, owner_id, name, visibility, description, predictions_count, username, release_notes = row
    owner = _owner(username)
    return _document(
        "public" if visibility == "public" else "private",
        model_id,
        name,
        popular=popularity(predictions_count),
        extra=_NameTerms(owner.words, f"{owner.prefixes} {owner_tag(owner_id)}"),
        text=(description, release_notes),
    )


def user_document(row: Row) -> dict[str, Any]:
    """Make the document of a user.

    Args:
        row: One that `store.user_sources` gives.
    """
    user_id, username, name, *text = row
    display_name = _name_terms(NameTokens([word[:LONGEST_WORD] for word in tokenize(normalize(name or ""))], []))
    return _document(
        "users",
        user_id,
        username,
        popular=0,
        extra=_NameTerms(
            display_name.words, f"{display_name.prefixes} {owner_name_tag(username)} {username_tag(username)}"
        ),
        text=text,
    )


class _NameTerms(NamedTuple):
    """Terms of a name, with spaces between them.

    Attributes:
        words: Tokens, subwords and compounds.
        prefixes: Prefixes of those; a whole word is a prefix of itself.
    """

    words: str
    prefixes: str


class _TokenTerms(NamedTuple):
    """Terms of one token of a name, with spaces between them.

    Attributes:
        words: The token, its subwords and their compounds.
        prefixes: Prefixes of those, by which a short one finds all words that begin so.
        first: The first subword.
        last: The last subword.
        is_single: Whether there is but one.
    """

    words: str
    prefixes: str
    first: str
    last: str
    is_single: bool


@lru_cache(_MOST_REMEMBERED)
def _owner(username: str) -> _NameTerms:
    words, prefixes = _name_terms(tokenize_name(username))
    return _NameTerms(words, f"{prefixes} {owner_name_tag(username)}")


def _name_terms(name: NameTokens) -> _NameTerms:
    tokens = list(map(_token_terms, name.tokens))
    # Each two neighbours in one, and those subwords of theirs that touch.
    compounds = list(compounds_of(name.tokens))
    compounds += [one.last + two.first for one, two in pairwise(tokens) if not (one.is_single and two.is_single)]
    tokens += map(_token_terms, name.camel_parts)
    return _NameTerms(
        " ".join([*[token.words for token in tokens], *compounds]),
        " ".join([*[token.prefixes for token in tokens], *_short(compounds)]),
    )


@lru_cache(_MOST_REMEMBERED)
def _token_terms(token: str) -> _TokenTerms:
    subwords = subwords_of(token)
    words, compounds = dict.fromkeys((token, *subwords)), dict.fromkeys(compounds_of(subwords))
    prefixes = (word[:length] for word in words for length in range(1, LONGEST_WORD_PREFIX + 1))
    return _TokenTerms(
        " ".join(words | compounds),
        " ".join(dict.fromkeys((*prefixes, *_short(compounds)))),
        first=subwords[0],
        last=subwords[-1],
        is_single=len(subwords) == 1,
    )


def _short(compounds: Iterable[str]) -> list[str]:
    return [compound for compound in compounds if len(compound) <= LONGEST_WORD_PREFIX]


def _document(
    collection: Collection,
    document_id: str,
    name: str,
    *,
    popular: int,
    extra: _NameTerms,
    text: Sequence[str | None],
) -> dict[str, Any]:
    # A million are made when an index is built, so that each step counts.
    fields = FIELDS[collection]
    tokens = tokenize_name(name)
    mixed, low = halves_of(number_of(document_id))
    rank = rank_from(popular, len(name), low & (2**48 - 1))
    tags = _CUTOFF_TAGS[bisect_right(RANK_CUTOFFS, rank)]
    words, prefixes = _name_terms(tokens)
    name_words = f"{words} {extra.words}"
    return {
        "mixed": mixed,
        "low": low,
        "rank": rank,
        fields.name_prefix: "".join(tokens.tokens),
        # All that a word may stand for in names, in their prefixes, and in names and texts, is one term each, as
        # merging the postings of several costs several times as much.
        fields.name_words: name_words,
        fields.keywords: f"{prefixes} {extra.prefixes}{tags}",
        fields.text: " ".join([name_words, *[_text_terms(each) for each in text if each]]),
    }


def _text_terms(text: str) -> str:
    # The tokenizer of the index lowers case.
    return text if is_plain(text) else normalize(text)
