"""Questions: what someone who searches has typed, taken apart once for all who look for it."""

import re
from typing import NamedTuple

from wriftai_server.database.values import fold
from wriftai_server.search.documents import LONGEST_HEAD
from wriftai_server.search.words import Word, query_joins, query_words, whole

# Of a page somewhere else, whose path says what is looked for.
_ADDRESS = re.compile(r"https?://[^/\s]+/(\S+?)/?")


class Question(NamedTuple):
    """What is asked.

    Attributes:
        owner: Username in front of a slash, folded; None when there is no slash.
        name: Behind the slash, or all of it, folded.
        beginning: What names begin with: the letters and digits of the name.
        words: Of all of it, each once and not too many; the last of those may be a beginning.
        joins: Two of them in one, where they are tied together.
    """

    owner: str | None
    name: str
    beginning: str
    words: tuple[Word, ...]
    joins: tuple[str, ...]

    @property
    def is_empty(self) -> bool:
        """Whether nothing is asked, so that everything answers."""
        return not self.name and self.owner is None

    @property
    def is_long(self) -> bool:
        """Whether the index has only a part of what names begin with."""
        return len(self.beginning) > LONGEST_HEAD


def question(q: str) -> Question:
    """Take a query apart."""
    text = q.replace("\0", " ").strip()
    if address := _ADDRESS.fullmatch(text):
        text = address[1]
    owner, slash, name = text.partition("/")
    if not slash:
        name = text
    words = tuple(query_words(text))
    joins = tuple(query_joins(text, words))
    name = name.rstrip("/")
    return Question(fold(owner) if slash else None, fold(name), whole(name), words, joins)
