"""Silero's network: how likely it is that someone speaks, window by window.

It is a file in the package `silero-vad`, run by ONNX Runtime. The package itself is never imported, because that
would import PyTorch.
"""

from importlib.metadata import distribution

import numpy as np
import onnxruntime
from numpy.typing import NDArray

RATE = 16_000
"""Samples a second that the network listens to."""
WINDOW = 512
"""Samples that one answer is about, 32 ms."""

_CONTEXT = 64
"""Samples before a window that the network hears again with it."""
_FILE = "silero_vad/data/silero_vad.onnx"


class Network:
    """The network, loaded; it keeps nothing from one recording to the next."""

    def __init__(self) -> None:
        options = onnxruntime.SessionOptions()
        # A window is so little work that sharing it out between threads takes longer than doing it.
        options.inter_op_num_threads = options.intra_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            str(distribution("silero-vad").locate_file(_FILE)), options, providers=["CPUExecutionProvider"]
        )

    def listen(self, samples: NDArray[np.float32]) -> list[float]:
        """Give a probability for each window of a recording.

        Args:
            samples: From -1 to 1, at `RATE`; the last window is filled up with silence.
        """
        padded = np.pad(samples, (_CONTEXT, -len(samples) % WINDOW))
        state = np.zeros((2, 1, 128), np.float32)
        rate = np.array(RATE, np.int64)
        heard = []
        for start in range(0, len(padded) - _CONTEXT, WINDOW):
            window = padded[np.newaxis, start : start + _CONTEXT + WINDOW]
            speech, state = self._session.run(None, {"input": window, "state": state, "sr": rate})
            heard.append(float(speech[0, 0]))
        return heard
