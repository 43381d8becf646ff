"""Tables of settings in files that people write, whose values are checked as they are read."""

from pathlib import Path
from typing import Any

from wriftai.cli.refusals import Refusal

_MOST = 1000


class Table:
    """A table in a file, and where it is, so that what is wrong can be named.

    Args:
        file: Path of the file.
        place: Where the table is in it, as `[tool.wriftai]`; empty for the file as a whole.
        values: What is there.

    Raises:
        Refusal: It is not a table.
    """

    def __init__(self, file: Path, place: str, values: Any) -> None:
        self._place = f"{file}: {place}" if place else f"{file}:"
        if not isinstance(values, dict):
            raise Refusal(f"{self._place} must be a table of settings.")
        self._values = values

    def wrong(self, key: str, fault: str) -> Refusal:
        """Make the error that says what is wrong with a setting.

        Args:
            key: Names the setting.
            fault: The rest of the sentence, as "must be text".
        """
        return Refusal(f"{self._place} {key} {fault}.")

    def only(self, known: tuple[str, ...]) -> None:
        """Refuse settings that are not known.

        Raises:
            Refusal: There is one.
        """
        for key in self._values:
            if key not in known:
                raise self.wrong(key, f"is not known; there are {', '.join(known)}")

    def get(self, key: str) -> Any:
        """Give a setting as it is, unchecked; None where it is not there."""
        return self._values.get(key)

    def text(self, key: str, default: str) -> str:
        """Give a setting that is text, without space around it.

        Raises:
            Refusal: It is there, and not text, or empty.
        """
        value = self._values.get(key, default)
        if not isinstance(value, str) or (key in self._values and not value.strip()):
            raise self.wrong(key, "must be text")
        return value.strip()

    def texts(self, key: str) -> tuple[str, ...]:
        """Give a setting that is a list of texts; empty where it is not there.

        Raises:
            Refusal: It is something else.
        """
        value = self._values.get(key) or []
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.wrong(key, "must be a list of texts")
        return tuple(value)

    def count(self, key: str, default: int) -> int:
        """Give a setting that is a whole number from 1 to 1,000.

        Raises:
            Refusal: It is something else.
        """
        value = self._values.get(key, default)
        if type(value) is not int or not 1 <= value <= _MOST:
            raise self.wrong(key, f"must be a whole number from 1 to {_MOST:,}")
        return value
