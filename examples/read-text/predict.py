"""Read the text in a picture."""

from pathlib import Path
from typing import Annotated, TypedDict

from rapidocr_onnxruntime import RapidOCR

from wriftai_runtime import Input


class Line(TypedDict):
    """A line of text, and where it is.

    Attributes:
        text: As it was read.
        score: How sure this is, from 0 to 1.
        box: Its four corners in pixels, as [x, y], clockwise from the top left.
    """

    text: str
    score: float
    box: list[list[int]]


class Predictor:
    """PaddleOCR's networks, which find lines, turn them upright and read them, run by RapidOCR."""

    def setup(self) -> None:
        """Load the three networks once, for all predictions."""
        self._read = RapidOCR()

    def predict(
        self,
        image: Annotated[Path, Input(description="A picture: PNG, JPEG, WebP, BMP or TIFF.")],
        min_score: Annotated[float, Input(description="Leave out lines less sure than this.", ge=0, le=1)] = 0.5,
    ) -> list[Line]:
        """Give the lines from top to bottom; none where there is no text."""
        lines, _ = self._read(image)
        return [
            {
                "text": text,
                "score": round(float(score), 3),
                "box": [[round(x), round(y)] for x, y in corners],
            }
            for corners, text, score in lines or ()
            if score >= min_score
        ]
