"""Lists of what a model has, over HTTP: its tags, and its manifests that are about another one (referrers)."""

from itertools import accumulate
from typing import Annotated, Any
from urllib.parse import urlencode

import msgspec
from litestar import Request, Response, get
from litestar.params import FromPath, FromQuery, QueryParameter

from wriftai_server.database.driver import Row
from wriftai_server.http.problems import Problem
from wriftai_server.http.rules import anyone
from wriftai_server.images import failures, manifests, references, service

AnyRequest = Request[Any, Any, Any]

_MOST_TAGS = 1000
_MOST_REFERRERS = 100
# Of manifests, whose annotations are shown: one alone may have as many.
_MOST_BYTES = manifests.MAX_BYTES


@get("/{owner:str}/{name:str}/tags/list", before_request=anyone)
async def list_tags(
    request: AnyRequest,
    owner: FromPath[str],
    name: FromPath[str],
    n: FromQuery[str | None] = None,
    last: FromQuery[str] = "",
) -> Response[bytes]:
    """Give tags of a model, in the order of their bytes."""
    limit = _limit(n)
    async with request.app.state["database"].reading() as view:
        model_id = await service.find_pullable(view, request.user, owner=owner, name=name)
        found = await service.list_tags(view, model_id=model_id, after=last, limit=limit + 1)
    tags = found[:limit]
    following = {"n": str(limit), "last": tags[-1]} if 0 < limit < len(found) else None
    return _answer(request, {"name": f"{owner}/{name}", "tags": tags}, following)


@get("/{owner:str}/{name:str}/referrers/{digest:str}", before_request=anyone)
async def list_referrers(
    request: AnyRequest,
    owner: FromPath[str],
    name: FromPath[str],
    digest: FromPath[str],
    artifact_type: Annotated[str | None, QueryParameter(name="artifactType")] = None,
    last: FromQuery[str] = "",
) -> Response[bytes]:
    """Give the manifests of a model that are about another one, as an index, in the order of their digests.

    A page ends after a hundred, or before the one with which they would be larger than the largest manifest.
    """
    subject = references.digest(digest)
    async with request.app.state["database"].reading() as view:
        model_id = await service.find_pullable(view, request.user, owner=owner, name=name)
        found = await service.list_referrers(
            view, model_id=model_id, subject=subject, after=last, limit=_MOST_REFERRERS + 1
        )
    rows = _page(found)
    shown = [await _descriptor(request, *row) for row in rows]
    following = {"last": rows[-1][0]} if len(rows) < len(found) else None
    applied = {}
    if artifact_type is not None:
        shown = [each for each in shown if each.get("artifactType") == artifact_type]
        following = following and {"artifactType": artifact_type, **following}
        applied = {"OCI-Filters-Applied": "artifactType"}
    index = {"schemaVersion": 2, "mediaType": manifests.INDEX_TYPE, "manifests": shown}
    return _answer(request, index, following, media_type=manifests.INDEX_TYPE, headers=applied)


def _page(found: list[Row]) -> list[Row]:
    """Give the first of some referrers, at least one, that are not too many or too large together."""
    sizes = accumulate(size for _, _, size in found)
    fitting = sum(1 for size in sizes if size <= _MOST_BYTES)
    return found[: min(max(fitting, 1), _MOST_REFERRERS)]


async def _descriptor(request: AnyRequest, digest: str, media_type: str, size: int) -> dict[str, Any]:
    with failures.reading(service.no_manifest(digest)):
        content = await request.app.state["blobs"].content(digest)
    return {"digest": digest, "size": size, **manifests.read(content, media_type).shown}


def _limit(n: str | None) -> int:
    if n is None:
        return _MOST_TAGS
    if not (n.isascii() and n.isdigit() and len(n) < 10):
        raise Problem(400, "The number of tags, n, is a whole number from 0 on.", code="UNSUPPORTED")
    return min(int(n), _MOST_TAGS)


def _answer(
    request: AnyRequest,
    content: dict[str, Any],
    following: dict[str, str] | None,
    *,
    media_type: str = "application/json",
    headers: dict[str, str] | None = None,
) -> Response[bytes]:
    """Answer with JSON, and with the address of what follows it, if anything does."""
    link = {"Link": f'<{request.scope["path"]}?{urlencode(following)}>; rel="next"'} if following else {}
    return Response(msgspec.json.encode(content), media_type=media_type, headers={**(headers or {}), **link})
