"""Make up sentences in the manner of a book, word by word."""

import random
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from cog import BasePredictor, ConcatenateIterator, Input

_BOOK = Path(__file__).with_name("wonderland.txt")
_ENDS = (".", "!", "?")


class Predictor(BasePredictor):
    """A Markov chain: the next word is one that follows the last two somewhere in the book."""

    def setup(self) -> None:
        """Read the book, and note which words follow which two."""
        words = _BOOK.read_text(encoding="utf-8").split()
        self._following = defaultdict(list)
        for first, second, third in zip(words, words[1:], words[2:], strict=False):
            self._following[first, second].append(third)
        print(f"Read {len(words):,} words; {len(self._following):,} pairs of them are followed by another.")

    def predict(
        self,
        start: str = Input(description="A word of the book, to begin with.", default="Alice"),
        words: int = Input(
            description="Stop at the end of the sentence that has this one.", default=40, ge=1, le=500
        ),
        seed: int = Input(description="Another number makes up another story.", default=1),
        pause: float = Input(description="Seconds to wait before each word.", default=0.0, ge=0.0, le=2.0),
    ) -> ConcatenateIterator[str]:
        """Give the words one by one, as they are made up."""
        chance = random.Random(seed)
        for number, word in enumerate(self._story(start, chance), 1):
            time.sleep(pause)
            yield word if number == 1 else f" {word}"
            if number >= words and word.endswith(_ENDS):
                return

    def _story(self, start: str, chance: random.Random) -> Iterator[str]:
        """Go on and on, from a word of the book."""
        pairs = [pair for pair in self._following if pair[0] == start]
        if not pairs:
            raise ValueError(
                f"The book does not have the word {start!r}. Begin with another, like Alice or Down."
            )
        first, second = chance.choice(pairs)
        yield first
        while following := self._following.get((first, second)):
            yield second
            first, second = second, chance.choice(following)
        yield second
