"""Tell what type a file is by what is in it, whatever it is called."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from magika import Magika

from wriftai_runtime import Input


@dataclass
class FileType:
    """What a file is.

    Attributes:
        label: Short name of the type, like `rust` or `pdf`.
        mime_type: For a `Content-Type`.
        group: What it is a kind of, like `code` or `document`.
        score: How sure this is, from 0 to 1.
    """

    label: str
    mime_type: str
    group: str
    score: float


class Predictor:
    """Google's Magika, whose network is in its package and takes milliseconds."""

    def setup(self) -> None:
        """Load the network once, for all predictions."""
        self._magika = Magika()

    def predict(self, file: Annotated[Path, Input(description="Any file; a few KB are enough.")]) -> FileType:
        """Look at the beginning, the middle and the end of a file."""
        found = self._magika.identify_path(file)
        return FileType(
            found.output.label, found.output.mime_type, found.output.group, score=round(found.score, 4)
        )
