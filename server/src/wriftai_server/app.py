"""Put the hub together."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import structlog
from litestar import Litestar, Router
from litestar.datastructures import State
from litestar.exceptions import MethodNotAllowedException, NotFoundException
from litestar.types import ASGIApp, Receive, Scope, Send

from wriftai_server.database import feed
from wriftai_server.database.changes import Changes
from wriftai_server.database.driver import Database
from wriftai_server.database.opening import open_database
from wriftai_server.database.peers import Peers
from wriftai_server.hardware import catalogue
from wriftai_server.hardware import service as hardware
from wriftai_server.hardware.routes import list_hardware
from wriftai_server.http import oci
from wriftai_server.http.answers import JSONAnswer
from wriftai_server.http.counts import Counts, OwnCounts
from wriftai_server.http.errors import render
from wriftai_server.http.limits import Limits
from wriftai_server.http.middleware import Heads, Observed, WholeParts
from wriftai_server.http.request import BodyRequest
from wriftai_server.http.rules import Unrouted, check_rules
from wriftai_server.images import listing_routes as image_lists
from wriftai_server.images import routes as images
from wriftai_server.images import upload_routes as image_uploads
from wriftai_server.images.blobs import Blobs
from wriftai_server.inspection.inspector import Inspector
from wriftai_server.logs import RequestLog
from wriftai_server.models import routes as models
from wriftai_server.models import tallies
from wriftai_server.predictions import routes as predictions
from wriftai_server.search import routes as search
from wriftai_server.search.indexer import Indexer
from wriftai_server.settings import Settings
from wriftai_server.threads import once
from wriftai_server.users import routes as users
from wriftai_server.versions import routes as versions
from wriftai_server.web import openapi
from wriftai_server.web import routes as web
from wriftai_server.worker.worker import Worker, death

MAX_BODY_BYTES = 1024 * 1024

# Those that take inputs, which may be longer than other bodies.
PREDICTIONS = (
    predictions.list_predictions,
    predictions.create_prediction,
    predictions.create_model_prediction,
    predictions.create_version_prediction,
    predictions.get_prediction,
    predictions.cancel_prediction,
    predictions.stream_prediction,
)
CATALOGUE = (
    models.list_models,
    models.create_model,
    models.list_models_of,
    models.get_model,
    models.update_model,
    models.delete_model,
    models.list_my_models,
    versions.list_versions,
    versions.create_version,
    versions.get_numbered_version,
    versions.delete_numbered_version,
    versions.get_version,
    versions.delete_version,
    list_hardware,
    users.list_users,
    users.get_user,
    users.get_me,
    users.update_me,
    search.search_models,
    search.search_users,
)
V1 = (*CATALOGUE, *PREDICTIONS)
V2 = (
    images.check,
    images.get_blob,
    images.delete_blob,
    images.get_manifest,
    images.put_manifest,
    images.delete_manifest,
    image_lists.list_tags,
    image_lists.list_referrers,
    image_uploads.begin_upload,
    image_uploads.get_upload,
    image_uploads.add_chunk,
    image_uploads.finish_upload,
    image_uploads.cancel_upload,
)
PAGES = (
    users.get_avatar,
    web.get_home,
    web.get_openapi,
    web.get_reference,
    web.get_style,
    web.get_health,
)

Lifespan = Callable[[Litestar], AbstractAsyncContextManager[None]]

_log = structlog.get_logger()


class Hub:
    """A hub that is ready to be served.

    Args:
        app: Answers requests.
        changes: What callers wait for.

    Attributes:
        died_of: What the worker has died of, so that the hub is to end; None while it works, or there is none.
    """

    died_of: str | None = None

    def __init__(self, app: ASGIApp, changes: Changes) -> None:
        self._app = app
        self._changes = changes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request (ASGI)."""
        await self._app(scope, receive, send)

    def end_waits(self) -> None:
        """Answer callers who wait for long now, so that all that is under way comes to an end."""
        self._changes.end()

    def note_end(self, working: "asyncio.Task[None]") -> None:
        """Note whether the worker, whose task has ended, was to end."""
        self.died_of = death(working)


def build(settings: Settings, *, peers: Peers | None = None, counts: Counts | None = None) -> Hub:
    """Make a hub that is ready to be served.

    Args:
        settings: Of the hub.
        peers: Other processes of the hub, if there are any.
        counts: Of requests, where other processes count with this one.

    Raises:
        UnusableFolder: The data folder cannot be made or written to.
        SchemaTooNew: A newer release has used the folder, or the database.
        UnusableServer: The address of the database leads to none that can be used.
        BadCatalogue: The catalogue of hardware is malformed.
        UnusableStore: The address of the object store cannot be used.
        Unconfined: Models cannot be locked in, and the settings require it.
    """
    offered = catalogue.detect() if settings.hardware is None else catalogue.read(settings.hardware)
    database = open_database(settings.data_dir, settings.database)
    requests = RequestLog(settings.log_level)

    @asynccontextmanager
    async def life(_: Litestar) -> AsyncIterator[None]:
        async with database.writing() as transaction:
            await hardware.offer(transaction, offered)
        works = (tallies.keep_settling(database), feed.keep_trimming(database), litestar.state["indexer"].run())
        tasks = [asyncio.create_task(work) for work in works]
        if worker is not None:
            tasks.append(asyncio.create_task(worker.run()))
            tasks[-1].add_done_callback(hub.note_end)
        yield
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        await litestar.state["inspector"].close()
        await database.close()
        requests.flush()
        _log.info("stopped")

    litestar = compose(settings, database, life, peers=peers, counts=counts)
    worker = None
    if settings.worker is not None:
        state = litestar.state
        worker = Worker(database, state["blobs"], state["changes"], settings, offered)
        worker.open()
    hub = Hub(Observed(Heads(WholeParts(litestar)), requests), litestar.state["changes"])
    return hub


def compose(
    settings: Settings,
    database: Database,
    *lifespan: Lifespan,
    peers: Peers | None = None,
    counts: Counts | None = None,
) -> Litestar:
    """Put routes, rules and errors together over a database."""
    limits = Limits(settings.rate_limit, counts or OwnCounts()) if settings.rate_limit else None
    litestar = Litestar(
        route_handlers=[
            Router("/v1", route_handlers=CATALOGUE),
            Router("/v1", route_handlers=PREDICTIONS, request_max_body_size=settings.max_input_bytes),
            Router("/v2", route_handlers=V2, response_headers=oci.VERSION_HEADER),
            *PAGES,
        ],
        lifespan=list(lifespan),
        request_class=BodyRequest,
        response_class=JSONAnswer,
        openapi_config=None,
        exception_handlers={
            Exception: render,
            NotFoundException: Unrouted,
            MethodNotAllowedException: Unrouted,
        },
        request_max_body_size=MAX_BODY_BYTES,
        logging_config=None,
        state=State(
            {
                "database": database,
                "changes": Changes(database, peers),
                "inspector": Inspector(),
                "indexer": Indexer(database, settings),
                "blobs": Blobs(settings.data_dir, settings.object_store),
                "max_blob_bytes": settings.max_blob_bytes,
                "public_url": settings.public_url and settings.public_url.rstrip("/"),
                "openapi": _described,
                "webhook_allow": settings.webhook_allow,
                "limits": limits,
            }
        ),
    )
    check_rules(litestar.routes)
    return litestar


@once
def _described() -> dict[str, Any]:
    """Describe the API, when someone first asks: it takes about as long as putting a hub together."""
    return openapi.document(V1, "/v1")
