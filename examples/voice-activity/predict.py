"""Find where someone speaks in a recording."""

import math
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, TypedDict

import numpy as np
from numpy.typing import NDArray

from network import RATE, WINDOW, Network
from wriftai_runtime import Input

_HYSTERESIS = 0.15
"""How far below the threshold the probability falls before speech may have ended."""
_MARGIN = 0.03
"""Seconds that speech is given on both sides, because words start and end softly."""


class Segment(TypedDict):
    """Someone speaks from here to there, in seconds."""

    start: float
    end: float


class Predictor:
    """Silero's network, and rules that make segments of what it says."""

    def setup(self) -> None:
        """Load the network once, for all predictions."""
        self._network = Network()

    def predict(
        self,
        audio: Annotated[Path, Input(description="A WAV file: 16 kHz, one channel, 16 bits a sample.")],
        threshold: Annotated[float, Input(description="Speech is likelier than this.", ge=0.2, le=0.99)] = 0.5,
        min_speech: Annotated[float, Input(description="Leave out what is shorter, in seconds.", ge=0)] = 0.25,
        min_silence: Annotated[
            float, Input(description="A shorter pause ends nothing, in seconds.", ge=0.1)
        ] = 0.1,
    ) -> list[Segment]:
        """Give the segments in order.

        Raises:
            ValueError: The file is something else than such a recording; says how to make one.
        """
        samples = _read(audio)
        length = len(samples) / RATE
        pause = math.ceil(min_silence * RATE / WINDOW)
        return [
            {"start": round(max(0, start - _MARGIN), 2), "end": round(min(length, end + _MARGIN), 2)}
            for start, end in _spans(self._network.listen(samples), threshold, pause)
            if end - start >= min_speech
        ]


def _read(file: Path) -> NDArray[np.float32]:
    """Give the samples of a recording, from -1 to 1."""
    try:
        with wave.open(str(file)) as recording:
            found = recording.getframerate(), recording.getnchannels(), recording.getsampwidth()
            frames = recording.readframes(recording.getnframes())
    except (wave.Error, EOFError) as error:
        raise ValueError(f"The file is no WAV file that can be read ({error}). {_ADVICE}") from None
    if found != (RATE, 1, 2):
        raise ValueError("The file has {} Hz, {} channels and {} bytes a sample. {}".format(*found, _ADVICE))
    return np.frombuffer(frames, "<i2").astype(np.float32) / 32768


_ADVICE = "Convert it first: ffmpeg -i FILE -ar 16000 -ac 1 -c:a pcm_s16le speech.wav"


def _spans(probabilities: list[float], threshold: float, pause: int) -> Iterator[tuple[float, float]]:
    """Give start and end of what is speech, in seconds.

    Speech starts with a window above the threshold. It ends where the probability fell well below, if no window
    is above again until, that many windows later or after, one is well below still.
    """
    start = end = None
    for place, probability in enumerate(probabilities):
        if probability >= threshold:
            start, end = place if start is None else start, None
        elif start is not None and probability < threshold - _HYSTERESIS:
            end = place if end is None else end
            if place - end >= pause:
                yield start * WINDOW / RATE, end * WINDOW / RATE
                start = end = None
    if start is not None:
        yield start * WINDOW / RATE, (len(probabilities) if end is None else end) * WINDOW / RATE
