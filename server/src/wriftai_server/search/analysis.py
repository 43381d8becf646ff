"""Text analysis: names, texts and queries are normalized and tokenized alike, when indexed and when searched.

A name has tokens, its runs of letters and digits (`resnet50`); subwords, between letters and digits (`resnet`,
`50`) and at capitals; and compounds, two neighbours in one (`vitbase` of `vit_base`). So one may write more or
fewer separators than the owner did. A query is words with subwords, which count last; a text is words alone.
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
_SEPARATORS = re.compile(r"[\s/]+")
_SUBWORD = re.compile(r"[^\W\d_]+|\d+")
_VERSION = re.compile(r"([^\W\d_]{2,})?(v\d+)([^\W\d_])?")
_CAMEL_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
# Scripts without spaces: each sign is a word.
_UNSPACED = re.compile(
    "([\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff])"
)
# Accents, and signs of vowels above, below or beside a letter: the index would split words there.
_COMBINING = re.compile(
    f"[{''.join(sign for sign in map(chr, range(0x300, 0x10000)) if category(sign)[0] == 'M')}]+"
)
_BASE_LETTERS = {"ø": "o", "đ": "d", "ð": "d", "ł": "l", "æ": "ae", "œ": "oe", "þ": "th"}
_SPECIAL_LETTER = re.compile("[øđðłæœþ]")
# Beyond ASCII, and beyond the dashes and quotation marks that many texts have.
_NOT_PLAIN = re.compile("[^\x00-\x7f\u2010-\u2027]")
_SUFFIXES = "s e es ed ing er ers or ors y ies al ion ions ation ations"
# Words that every text has: they need not match.
_STOP_WORDS = "a an and as at by for from in into is it of on or that the their this to using with"
STOP_WORDS = frozenset(_STOP_WORDS.split())


class Word(NamedTuple):
    """A word of a query.

    Attributes:
        text: The normalized word.
        subwords: What it is made of between letters and digits; itself where it is of one kind.
        forms: Words of the same stem, the word itself first.
    """

    text: str
    subwords: tuple[str, ...]
    forms: tuple[str, ...]


class NameTokens(NamedTuple):
    """What a name is made of.

    Attributes:
        tokens: Its runs of letters and digits, normalized.
        camel_parts: What it splits into at capitals, in lower case; empty where it has none.
    """

    tokens: list[str]
    camel_parts: list[str]


def normalize(text: str) -> str:
    """Fold case, strip accents, and put spaces round the signs of scripts that do without them."""
    if is_plain(text):
        return text.lower()
    bare = _COMBINING.sub("", unicodedata.normalize("NFKD", text))
    plain = unicodedata.normalize("NFC", bare.casefold())
    return _UNSPACED.sub(r" \1 ", _SPECIAL_LETTER.sub(lambda letter: _BASE_LETTERS[letter[0]], plain))


def is_plain(text: str) -> bool:
    """Tell whether normalizing a text only lowers its case."""
    return text.isascii() or not _NOT_PLAIN.search(text)


@lru_cache(_MOST_REMEMBERED)
def subwords_of(token: str) -> tuple[str, ...]:
    """Split a token between letters and digits; a version number stays in one, as `v8` of `yolov8n` does."""
    if version := _VERSION.fullmatch(token):
        return tuple(filter(None, version.groups()))
    return tuple(_SUBWORD.findall(token)) or (token,)


def tokenize_name(name: str) -> NameTokens:
    """Split a name into tokens, and at capitals."""
    normalized = normalize(name)
    tokens = _TOKEN.findall(normalized)
    if len(name) > LONGEST_WORD:
        tokens = [token[:LONGEST_WORD] for token in tokens]
    if normalized == name:
        return NameTokens(tokens, [])
    return NameTokens(tokens, [part.lower()[:LONGEST_WORD] for part in _CAMEL_PART.findall(name)])


def compounds_of(tokens: Sequence[str]) -> Iterable[str]:
    """Join each two neighbours to one word."""
    return map(add, tokens, tokens[1:])


def alphanumerics(text: str) -> str:
    """Give the letters and digits of a text, normalized and in one."""
    return "".join(_TOKEN.findall(normalize(text)))


def query_words(q: str) -> list[Word]:
    """Split a query into words, each once, up to the eighth; stop words do not count towards that."""
    words: list[Word] = []
    left = MOST_WORDS
    for token in dict.fromkeys(token[:LONGEST_WORD] for token in tokenize(normalize(q))):
        left -= token not in STOP_WORDS
        if left < 0:
            break
        words.append(Word(token, subwords_of(token), forms_of(token)))
    return words


def query_compounds(q: str, words: Iterable[Word]) -> list[str]:
    """Join each two words that have a sign between them and no space, such as `qwen2.5`, which gives `qwen25`."""
    counted = {word.text for word in words}
    tied = ([token[:LONGEST_WORD] for token in tokenize(chunk)] for chunk in _SEPARATORS.split(normalize(q)))
    pairs = (pair for tokens in tied for pair in pairwise(tokens) if counted.issuperset(pair))
    return ["".join(pair) for pair in pairs][: MOST_WORDS - 1]


def tokenize(normalized: str) -> list[str]:
    """Split a normalized text as the index does, which takes other signs for letters than Python does."""
    return _TOKEN.findall(normalized) if normalized.isascii() else _tokenizer().analyze(normalized)


@lru_cache(_MOST_REMEMBERED)
def forms_of(word: str) -> tuple[str, ...]:
    """Give the words of the same stem, such as singular and plural, by English suffixes; itself first."""
    if re.fullmatch(r"v\d+", word):
        return (word, word[1:])
    if len(word) < 3 or not (word.isascii() and word.isalpha()):
        return (word,)
    (stem,) = _stemmer().analyze(word)
    roots = [stem, stem + stem[-1]]
    if len(stem) > 1 and stem.endswith("i"):
        roots.append(stem[:-1])
    candidates = [root + ending for root in roots for ending in ("", *_SUFFIXES.split())]
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
def _tokenizer() -> tantivy.TextAnalyzer:
    return tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple()).filter(tantivy.Filter.lowercase()).build()
