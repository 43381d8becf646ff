"""Put the hub together."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import structlog
from litestar import Litestar, Router
from litestar.datastructures import State
from litestar.exceptions import MethodNotAllowedException, NotFoundException
from litestar.types import ASGIApp

from wriftai_server.database.driver import Database
from wriftai_server.database.opening import open_database
from wriftai_server.hardware import catalogue
from wriftai_server.hardware import service as hardware
from wriftai_server.hardware.routes import list_hardware
from wriftai_server.http import registry
from wriftai_server.http.answers import JSONAnswer
from wriftai_server.http.bodies import BodyRequest
from wriftai_server.http.caller import Unrouted, check_rules
from wriftai_server.http.limits import Limits
from wriftai_server.http.observe import Heads, Observed, WholeParts
from wriftai_server.http.problems import render
from wriftai_server.images import listing_routes as image_lists
from wriftai_server.images import routes as images
from wriftai_server.images import upload_routes as image_uploads
from wriftai_server.images.blobs import Blobs
from wriftai_server.logs import RequestLog
from wriftai_server.models import routes as models
from wriftai_server.search import routes as search
from wriftai_server.settings import Settings
from wriftai_server.users import routes as users
from wriftai_server.versions import routes as versions
from wriftai_server.web import openapi
from wriftai_server.web import routes as web

V1 = (
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


def build(settings: Settings) -> ASGIApp:
    """Make a hub that is ready to be served.

    Raises:
        UnusableFolder: The data folder cannot be made or written to.
        SchemaTooNew: A newer release has used the folder.
        BadCatalogue: The catalogue of hardware is malformed.
        UnusableStore: The address of the object store cannot be used.
    """
    offered = catalogue.detect() if settings.hardware is None else catalogue.read(settings.hardware)
    database = open_database(settings.data_dir)
    requests = RequestLog(settings.log_level)

    @asynccontextmanager
    async def life(_: Litestar) -> AsyncIterator[None]:
        async with database.writing() as transaction:
            await hardware.offer(transaction, offered)
        yield
        await database.close()
        requests.flush()
        _log.info("stopped")

    return Observed(Heads(WholeParts(compose(settings, database, life))), requests)


def compose(settings: Settings, database: Database, *lifespan: Lifespan) -> Litestar:
    """Put routes, rules and errors together over a database."""
    litestar = Litestar(
        route_handlers=[
            Router("/v1", route_handlers=V1),
            Router("/v2", route_handlers=V2, response_headers=registry.VERSION_HEADER),
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
        request_max_body_size=settings.max_body_bytes,
        logging_config=None,
        state=State(
            {
                "database": database,
                "blobs": Blobs(settings.data_dir, settings.object_store),
                "max_blob_bytes": settings.max_blob_bytes,
                "public_url": settings.public_url and settings.public_url.rstrip("/"),
                "openapi": openapi.document(V1, "/v1"),
                "limits": Limits(settings.rate_limit) if settings.rate_limit else None,
            }
        ),
    )
    check_rules(litestar.routes)
    return litestar
