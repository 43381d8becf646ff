"""Words: what names, texts and queries are taken apart into, the same way on both sides.

A name is its runs of letters and digits (`resnet50`), what those fall into between letters and digits (`resnet`,
`50`) and at capitals, and two that stand side by side in one (`vitbase` of `vit_base`). So one may write more or
fewer separators than the owner did. A query is words, and what those fall into counts last; a text is words as
they stand.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import pairwise
from operator import add
from typing import NamedTuple
from unicodedata import category

import tantivy

MOST_WORDS = 8
LONGEST_WORD = 64
_MOST_REMEMBERED = 50_000

_TOKEN = re.compile(r"[^\W_]+")
_APART = re.compile(r"[\s/]+")
_ATOM = re.compile(r"[^\W\d_]+|\d+")
_VERSION = re.compile(r"([^\W\d_]{2,})?(v\d+)([^\W\d_])?")
_HUMP = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
# Scripts without spaces: each sign is a word.
_SIGN = re.compile("([\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff])")
# Accents, and signs of vowels that are written above, below or beside a letter: the index would part words there.
_MARKS = re.compile(f"[{''.join(sign for sign in map(chr, range(0x300, 0x10000)) if category(sign)[0] == 'M')}]+")
_LETTERS = {"ø": "o", "đ": "d", "ð": "d", "ł": "l", "æ": "ae", "œ": "oe", "þ": "th"}
_LETTER = re.compile("[øđðłæœþ]")
# Beyond ASCII, and beyond the dashes and quotation marks that many texts have.
_FOREIGN = re.compile("[^\x00-\x7f\u2010-\u2027]")
_ENDINGS = "s e es ed ing er ers or ors y ies al ion ions ation ations"
# Words that every text has: they need not be in one that is found.
_COMMON = "a an and as at by for from in into is it of on or that the their this to using with"
COMMON = frozenset(_COMMON.split())


class Word(NamedTuple):
    """A word of a query.

    Attributes:
        text: As it was written, folded.
        atoms: What it falls into between letters and digits.
        forms: Other words of the same stem, and the word itself.
    """

    text: str
    atoms: tuple[str, ...]
    forms: tuple[str, ...]


class NameWords(NamedTuple):
    """What a name is taken apart into.

    Attributes:
        runs: Its runs of letters and digits.
        humps: What it falls into at capitals; nothing where it has none.
    """

    runs: list[str]
    humps: list[str]


def fold(text: str) -> str:
    """Fold case and accents, and part the signs of scripts that do without spaces."""
    if is_plain(text):
        return text.lower()
    bare = _MARKS.sub("", unicodedata.normalize("NFKD", text))
    plain = unicodedata.normalize("NFC", bare.casefold())
    return _SIGN.sub(r" \1 ", _LETTER.sub(lambda letter: _LETTERS[letter[0]], plain))


def is_plain(text: str) -> bool:
    """Tell whether to fold a text is to fold its case."""
    return text.isascii() or not _FOREIGN.search(text)


@lru_cache(_MOST_REMEMBERED)
def atoms_of(token: str) -> tuple[str, ...]:
    """Take a run of letters and digits apart between letters and digits; `v8` of `yolov8n` stays together."""
    if version := _VERSION.fullmatch(token):
        return tuple(filter(None, version.groups()))
    return tuple(_ATOM.findall(token)) or (token,)


def name_words(name: str) -> NameWords:
    """Take a name apart."""
    folded = fold(name)
    runs = _TOKEN.findall(folded)
    if len(name) > LONGEST_WORD:
        runs = [run[:LONGEST_WORD] for run in runs]
    if folded == name:
        return NameWords(runs, [])
    return NameWords(runs, [hump.lower()[:LONGEST_WORD] for hump in _HUMP.findall(name)])


def joins_of(parts: Sequence[str]) -> Iterable[str]:
    """Give two that stand side by side, in one, for each two."""
    return map(add, parts, parts[1:])


def whole(text: str) -> str:
    """Give all letters and digits of a text."""
    return "".join(_TOKEN.findall(fold(text)))


def query_words(q: str) -> list[Word]:
    """Take a query apart; what follows its eighth word does not count, nor does a word that is there twice.

    Words that every text has are not among the eight.
    """
    words: list[Word] = []
    left = MOST_WORDS
    for token in dict.fromkeys(token[:LONGEST_WORD] for token in tokens_of(fold(q))):
        left -= token not in COMMON
        if left < 0:
            break
        words.append(Word(token, atoms_of(token), forms_of(token)))
    return words


def query_joins(q: str, words: Iterable[Word]) -> list[str]:
    """Give words that the query ties together, by a sign and no space, two in one: `qwen25` of `qwen2.5`."""
    counted = {word.text for word in words}
    tied = ([token[:LONGEST_WORD] for token in tokens_of(part)] for part in _APART.split(fold(q)))
    pairs = (pair for tokens in tied for pair in pairwise(tokens) if counted.issuperset(pair))
    return ["".join(pair) for pair in pairs][: MOST_WORDS - 1]


def tokens_of(folded: str) -> list[str]:
    """Part a text as the index parts texts, which takes other signs for letters than Python does."""
    return _TOKEN.findall(folded) if folded.isascii() else _parter().analyze(folded)


@lru_cache(_MOST_REMEMBERED)
def forms_of(word: str) -> tuple[str, ...]:
    """Give the words of the same stem, such as singular and plural, as English endings go; itself first."""
    if re.fullmatch(r"v\d+", word):
        return (word, word[1:])
    if len(word) < 3 or not (word.isascii() and word.isalpha()):
        return (word,)
    (stem,) = _stemmer().analyze(word)
    roots = [stem, stem + stem[-1]]
    if len(stem) > 1 and stem.endswith("i"):
        roots.append(stem[:-1])
    candidates = [root + ending for root in roots for ending in ("", *_ENDINGS.split())]
    stems = _stemmer().analyze(" ".join(candidates))
    same = [form for form, its in zip(candidates, stems, strict=True) if its == stem]
    return tuple(dict.fromkeys((word, *same)))


@lru_cache(1)
def _stemmer() -> tantivy.TextAnalyzer:
    return (
        tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace())
        .filter(tantivy.Filter.stemmer("english"))
        .build()
    )


@lru_cache(1)
def _parter() -> tantivy.TextAnalyzer:
    return tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple()).filter(tantivy.Filter.lowercase()).build()
