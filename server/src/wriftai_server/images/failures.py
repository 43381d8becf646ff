"""Failures of files and stores become problems, which say to the caller what to do."""

import contextlib
from collections.abc import Iterator

from wriftai_server.http.problems import Problem, unavailable
from wriftai_server.images.blobs import StoreUnavailable
from wriftai_server.images.spools import SpoolBusy


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
def reading() -> Iterator[None]:
    """Turn what can go wrong in reading into problems.

    Raises:
        Problem: 503, the store cannot be reached.
    """
    try:
        yield
    except StoreUnavailable as error:
        raise unavailable(error, what="read this") from error
