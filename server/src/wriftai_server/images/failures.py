"""Failures of files and stores become problems, which say to the caller what to do."""

import contextlib
from collections.abc import Iterator

import structlog

from wriftai_server.http.problems import Problem, unavailable
from wriftai_server.images.blobs import BlobMissing, StoreUnavailable
from wriftai_server.images.spools import SpoolBusy

_log = structlog.get_logger()


@contextlib.contextmanager
def storing() -> Iterator[None]:
    """Turn what can go wrong in storing into problems.

    Raises:
        Problem: 503, there is no room, or the store cannot be reached; 416, another request has the spool.
    """
    try:
        yield
    except SpoolBusy:
        raise Problem(
            416,
            "Another request is adding to this upload: ask with GET how far it is, and go on from there.",
            code="BLOB_UPLOAD_INVALID",
        ) from None
    except (OSError, StoreUnavailable) as error:
        raise unavailable(error) from error


@contextlib.contextmanager
def reading(missing: Problem) -> Iterator[None]:
    """Turn what can go wrong in reading into problems.

    Args:
        missing: The answer where there are no bytes. Mostly what had them was removed since the look at its row;
            where they are lost, whoever has them may push them again.

    Raises:
        Problem: The one given; 503, the store cannot be reached.
    """
    try:
        yield
    except BlobMissing as error:
        _log.warning("blob missing", digest=str(error))
        raise missing from error
    except StoreUnavailable as error:
        raise unavailable(error, what="read this") from error
