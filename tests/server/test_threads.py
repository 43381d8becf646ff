"""Work that threads share."""

import threading
from concurrent.futures import ThreadPoolExecutor

from wriftai_server.threads import once

ASKING = 8


def test_what_many_ask_for_at_the_same_time_is_made_once() -> None:
    made: list[object] = []
    asked = threading.Semaphore(0)

    @once
    def thing() -> object:
        made.append(object())
        for _ in range(ASKING):  # So that all ask while it is made.
            asked.acquire(timeout=1)
        return made[0]

    def ask() -> object:
        asked.release()
        return thing()

    with ThreadPoolExecutor(ASKING) as threads:
        given = list(threads.map(lambda _: ask(), range(ASKING)))
    assert len(made) == 1
    assert given == made * ASKING
