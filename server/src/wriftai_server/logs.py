"""Logs: one JSON object a line on standard error."""

import logging
import sys

import msgspec
import structlog
from structlog.types import EventDict

from wriftai_server.settings import LogLevel


def configure(level: LogLevel) -> None:
    """Send everything that is logged, by us and by libraries, to standard error.

    Args:
        level: Less important lines are left out.
    """
    threshold = getattr(logging, level.upper())
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.BytesLoggerFactory(sys.stderr.buffer),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=max(threshold, logging.WARNING), handlers=[_ToStructlog()], force=True)


def _render(_logger: object, _method: str, event: EventDict) -> bytes:
    return msgspec.json.encode(dict(event), enc_hook=str)


class _ToStructlog(logging.Handler):
    """Passes on what libraries log."""

    def emit(self, record: logging.LogRecord) -> None:
        log = structlog.get_logger()
        log.log(record.levelno, record.getMessage(), logger=record.name, exc_info=record.exc_info)
