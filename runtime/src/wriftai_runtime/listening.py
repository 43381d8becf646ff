"""Listening to the parent while a model runs."""

import json
import os
import re
import threading
import time
from collections.abc import Mapping
from typing import Any

from wriftai_runtime.faults import words
from wriftai_runtime.jobs import Job, Terms
from wriftai_runtime.pipes import Replies, lines
from wriftai_runtime.servers import Server

_PATIENCE = 5.0  # Seconds that predictions have to end in when the parent is gone.
_ID = re.compile(rb'"id":\s*"([^"\\]*)"')


class Listener:
    """Takes the parent's messages, in a thread of its own, from the process's first moment on.

    A parent that goes away takes this process with it: at once before the model is ready, else after a few
    seconds in which predictions can end.

    Args:
        requests: File descriptor to read the parent's messages from.
        replies: Takes messages to the parent.
    """

    def __init__(self, requests: int, replies: Replies) -> None:
        self._requests = requests
        self._replies = replies
        self._jobs: dict[str, Job] = {}
        self._ready = threading.Event()
        self._terms: Terms
        self._server: Server

    def start(self) -> None:
        """Begin to listen."""
        threading.Thread(target=self._listen, name="listener", daemon=True).start()

    @property
    def is_serving(self) -> bool:
        """Whether a server takes what comes in."""
        return self._ready.is_set()

    def serve(self, server: Server, terms: Terms) -> None:
        """Hand predictions to a server that is ready, those first that have come already.

        Args:
            server: Runs them.
            terms: What holds for all of them.
        """
        self._server, self._terms = server, terms
        self._ready.set()

    def _listen(self) -> None:
        for line in lines(self._requests):
            try:
                message = json.loads(line.decode())
            except (ValueError, RecursionError) as error:
                self._refuse(line, error)
                continue
            if message["type"] == "stop":
                self._stop()
            else:
                self._ready.wait()
                self._take(message)
        self._abandon()

    def _take(self, message: Mapping[str, Any]) -> None:
        if message["type"] == "predict":
            job = Job(message, self._terms)
            self._jobs[job.id] = job
            job.at_end.append(lambda: self._forget(job))
            self._server.start(job)
        elif message["type"] == "cancel" and (found := self._jobs.get(message["id"])):
            self._cancel(found)

    def _forget(self, job: Job) -> None:
        del self._jobs[job.id]

    def _cancel(self, job: Job) -> None:
        job.is_cancelled = True
        self._server.interrupt(job)

    def _refuse(self, line: bytes, error: Exception) -> None:
        """Fail the prediction whose input is beyond what Python reads: nested too deep, too long a number."""
        if found := _ID.search(line):
            message = f"The input cannot be read: {words(error)}."
            self._replies.send(
                type="failed", id=found[1].decode(), kind="input", message=message, traceback=None, seconds=0.0
            )

    def _stop(self) -> None:
        if not self.is_serving:
            os._exit(0)
        self._server.stop()

    def _abandon(self) -> None:
        if self.is_serving:
            for job in list(self._jobs.values()):
                self._cancel(job)
            self._server.stop()
            time.sleep(_PATIENCE)
        os._exit(1)
