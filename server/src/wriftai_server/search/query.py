"""Queries: what someone has typed, parsed once for all that look for it."""

import re
from typing import NamedTuple

from wriftai_server.database.values import fold
from wriftai_server.search.analysis import Word, alphanumerics, query_compounds, query_words
from wriftai_server.search.documents import LONGEST_NAME_PREFIX

# The address of a page somewhere else, whose path says what is searched for.
_URL = re.compile(r"https?://[^/\s]+/(\S+?)/?")


class ParsedQuery(NamedTuple):
    """A query, taken apart.

    Attributes:
        owner: Username in front of a slash, in lower case; None where there is no slash.
        name: What follows the slash, or all of it, in lower case.
        prefix: Letters and digits of that in one, with which names may begin.
        words: Words of the whole query; the last of them may be the prefix of one.
        compounds: Two of them in one, where a sign ties them together.
    """

    owner: str | None
    name: str
    prefix: str
    words: tuple[Word, ...]
    compounds: tuple[str, ...]

    @property
    def is_empty(self) -> bool:
        """Whether nothing was typed, so that everything matches."""
        return not self.name and self.owner is None

    @property
    def is_long(self) -> bool:
        """Whether the prefix is longer than those that the index holds."""
        return len(self.prefix) > LONGEST_NAME_PREFIX


def parse(q: str) -> ParsedQuery:
    """Parse a query: a name, `owner/name`, the address of a page whose path is one of those, or words."""
    text = q.replace("\0", " ").strip()
    if url := _URL.fullmatch(text):
        text = url[1]
    owner, slash, name = text.partition("/")
    if not slash:
        name = text
    words = tuple(query_words(text))
    compounds = tuple(query_compounds(text, words))
    name = name.rstrip("/")
    return ParsedQuery(fold(owner) if slash else None, fold(name), alphanumerics(name), words, compounds)
