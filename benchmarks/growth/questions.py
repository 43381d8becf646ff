"""What people type into a search, made from a catalogue: of each kind, many."""

import random
import re
import string
from collections.abc import Sequence
from typing import NamedTuple

from benchmarks.folder import Folder

_WORD = re.compile(r"[a-z0-9]+")
_COMMON = ("model", "the", "images", "weights", "pixels", "it takes rgb images", "architecture")
_LONG = 6
_MANY = 100


class Question(NamedTuple):
    """A kind of question.

    Attributes:
        kind: In words.
        texts: Many of the kind.
        token: Of who asks; empty for anyone.
        is_about_users: Whether it looks for users rather than models.
    """

    kind: str
    texts: Sequence[str]
    token: str = ""
    is_about_users: bool = False


ONE_WORD, TWO_WORDS, THREE_WORDS = "one word", "two words", "three words"
TYPO = "a typo"
COMMON = "a very common word"
LETTERS = "the first three letters"
NOTHING = "nothing that is there"
NAME = "a name, whole"


def questions(folder: Folder, *, count: int = _MANY) -> list[Question]:
    """Make questions that have answers, save those that are to have none.

    Args:
        folder: Has the models.
        count: How many of each kind.
    """
    chance = random.Random(folder.models)
    names = folder.public(40 * count)
    words = [_WORD.findall(name.lower()) for _, name in names]
    one, two, three = (_some_of(words, number, count, chance) for number in (1, 2, 3))
    typed = [name.lower() for _, name in names[:count]]
    mine = _some_of([_WORD.findall(name.lower()) for name in folder.own()], 2, count, chance)
    return [
        Question(ONE_WORD, one),
        Question(TWO_WORDS, two),
        Question(THREE_WORDS, three),
        Question("the first letter", sorted({name[0] for name in typed})),
        Question(LETTERS, [name[:3] for name in typed]),
        Question("two words, the last half typed", [text[: -max(1, len(text.split()[-1]) // 2)] for text in two]),
        Question(TYPO, _mistyped(words, count, chance)),
        Question(COMMON, _COMMON),
        Question(NOTHING, ["".join(chance.choices("bcdfghjkqvwxz", k=9)) for _ in range(count)]),
        Question("nothing typed", [""]),
        Question(NAME, [name for _, name in names[:count]]),
        Question("owner/name, whole", [f"{owner}/{name}" for owner, name in names[:count]]),
        Question("two words, signed in", mine, folder.token),
        Question("a very common word, signed in", _COMMON, folder.token),
        Question("the first letters of a user", [owner[:3] for owner, _ in names[:count]], is_about_users=True),
    ]


def _some_of(names: Sequence[list[str]], number: int, count: int, chance: random.Random) -> list[str]:
    """Take so many words of each of some names that have as many, in their order."""
    fit = [[word for word in words if len(word) > 1] for words in names]
    fit = [words for words in fit if len(words) >= number][:count]
    return [" ".join(words[place] for place in sorted(chance.sample(range(len(words)), number))) for words in fit]


def _mistyped(names: Sequence[list[str]], count: int, chance: random.Random) -> list[str]:
    """Replace one letter, but not the first, in long words of some names."""
    long = [word for words in names for word in words if len(word) >= _LONG][:count]
    places = [chance.randrange(1, len(word)) for word in long]
    return [
        f"{word[:place]}{chance.choice(string.ascii_lowercase)}{word[place + 1 :]}"
        for word, place in zip(long, places, strict=True)
    ]
