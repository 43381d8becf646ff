"""A clock that sleeping moves on at once, so that waiting costs no time."""

import asyncio
import time

import pytest
from typing_extensions import Self


class Clock:
    """While it is entered, sleeps of either kind only put `time` forward.

    Attributes:
        slept: Seconds of each sleep, in order.
        passed: Seconds that went by otherwise.
    """

    def __init__(self) -> None:
        self.slept: list[float] = []
        self.passed = 0.0
        self._patch = pytest.MonkeyPatch()

    @property
    def skipped(self) -> float:
        return sum(self.slept) + self.passed

    def __enter__(self) -> Self:
        monotonic, now, pause = time.monotonic, time.time, asyncio.sleep

        async def asleep(seconds: float) -> None:
            self.slept.append(seconds)
            await pause(0)

        self._patch.setattr(time, "monotonic", lambda: monotonic() + self.skipped)
        self._patch.setattr(time, "time", lambda: now() + self.skipped)
        self._patch.setattr(time, "sleep", self.slept.append)
        self._patch.setattr(asyncio, "sleep", asleep)
        return self

    def __exit__(self, *args: object) -> None:
        self._patch.undo()
