"""Logs: one JSON object a line on standard error, each with the id of the request that it belongs to.

A line for a request is the commonest by far, and telling the kernel of each would cost about a tenth of the
request. So request lines are gathered and written a few times a second; all others are written at once. A
line that cannot be written, because the disk under the log is full or nobody reads it any more, is lost:
requests do not fail of it.
"""

import asyncio
import contextlib
import io
import logging
import sys
from collections.abc import Iterator
from contextvars import ContextVar
from datetime import UTC, datetime
from select import PIPE_BUF
from typing import Any

import msgspec
import structlog
from structlog.types import EventDict

from wriftai_server.settings import LogLevel

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)

_FLUSH_SECONDS = 0.2

_encoder = msgspec.json.Encoder(enc_hook=str)
_log = structlog.get_logger()


def configure(level: LogLevel) -> None:
    """Send everything that is logged, by us and by libraries, to standard error.

    Args:
        level: Less important lines are left out.
    """
    threshold = getattr(logging, level.upper())
    structlog.configure(
        processors=[
            _add_request_id,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.BytesLoggerFactory(io.BufferedWriter(_StandardError())),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=max(threshold, logging.WARNING), handlers=[_ToStructlog()], force=True)


class RequestLine(msgspec.Struct):
    """What is logged of an answered request."""

    method: str
    path: str
    status: int
    ms: float
    request_id: str
    timestamp: datetime
    event: str = "request"
    level: str = "info"


class RequestLog:
    """Gathers the lines of answered requests.

    Args:
        level: At `info` and below there are such lines.
    """

    def __init__(self, level: LogLevel) -> None:
        self._wanted = level in ("debug", "info")
        self._lines: list[RequestLine] = []

    def add(self, method: str, path: str, status: int, seconds: float, request_id: str) -> None:
        """Note how a request was answered, and how long that took."""
        if not self._wanted:
            return
        ms = round(seconds * 1000, 3)
        self._lines.append(RequestLine(method, path, status, ms, request_id, datetime.now(UTC)))
        if len(self._lines) == 1:
            asyncio.get_running_loop().call_later(_FLUSH_SECONDS, self.flush)

    def flush(self) -> None:
        """Write what was gathered."""
        lines, self._lines = self._lines, []
        if lines:
            for piece in _pieces(_encoder.encode_lines(lines)):
                _write(piece)


class Outage:
    """Logs once that work has to wait for what is away, and once that it goes on, however often it is tried.

    Args:
        waits: Event that is logged, as a warning, when the outage begins.
        goes_on: Event that is logged when it is over.
        concerned: Fields that both lines have.

    Attributes:
        is_on: Whether the work waits now.
    """

    def __init__(self, waits: str, goes_on: str, **concerned: str) -> None:
        self._waits = waits
        self._goes_on = goes_on
        self._concerned = concerned
        self.is_on = False

    def begin(self, reason: Exception) -> None:
        """Note that a try has failed; the first in a row is logged, with the reason."""
        if not self.is_on:
            _log.warning(self._waits, reason=str(reason), **self._concerned)
        self.is_on = True

    def end(self) -> None:
        """Note that a try has succeeded; the first after one that failed is logged."""
        if self.is_on:
            _log.info(self._goes_on, **self._concerned)
        self.is_on = False


class _StandardError(io.RawIOBase):
    """Standard error as it is at the time, in the shape that structlog writes to."""

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        _write(data)
        return len(data)


def _pieces(lines: bytes) -> Iterator[bytes]:
    """Cut lines into what a pipe takes in one piece: of more, other processes write something in between."""
    begin = 0
    while begin < len(lines):
        end = lines.rfind(b"\n", begin, begin + PIPE_BUF) + 1 or lines.index(b"\n", begin) + 1
        yield lines[begin:end]
        begin = end


def _write(data: Any) -> None:
    with contextlib.suppress(OSError):
        sys.stderr.buffer.write(data)
        sys.stderr.buffer.flush()


def _add_request_id(_logger: object, _method: str, event: EventDict) -> EventDict:
    if (current := request_id.get()) is not None:
        event["request_id"] = current
    return event


def _render(_logger: object, _method: str, event: EventDict) -> bytes:
    return _encoder.encode(dict(event))


class _ToStructlog(logging.Handler):
    """Passes on what libraries log."""

    def emit(self, record: logging.LogRecord) -> None:
        log = structlog.get_logger()
        log.log(record.levelno, record.getMessage(), logger=record.name, exc_info=record.exc_info)
