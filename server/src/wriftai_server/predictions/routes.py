"""Predictions over HTTP."""

from typing import Annotated, Any, NamedTuple

import msgspec
from litestar import Request, get, post
from litestar.params import FromPath, HeaderParameter, JSONBody, QueryParameter
from litestar.response import Stream

from wriftai.predictions import Prediction, PredictionWithIO, Status
from wriftai_server.http.answers import JSONAnswer
from wriftai_server.http.idempotency import IdempotencyKey, once
from wriftai_server.http.paging import Page, page, read_cursor
from wriftai_server.http.parameters import Cursor, PageSize
from wriftai_server.http.preferences import Prefer, patience
from wriftai_server.http.rules import signed_in
from wriftai_server.inspection.inspector import NeedsInspection
from wriftai_server.predictions import queue, service, stream, waiting
from wriftai_server.predictions.bodies import CreatePrediction, CreatePredictionOf
from wriftai_server.predictions.service import Reference
from wriftai_server.webhooks.addresses import check_url
from wriftai_server.wire.predictions import shown

Answer = JSONAnswer[PredictionWithIO]
ValidateInput = Annotated[
    bool,
    HeaderParameter(name="Validate-Input", description="Whether the input is held against the version's schema."),
]


class Wishes(NamedTuple):
    """How a caller wants a prediction to be created.

    Attributes:
        is_checked: Whether the input is held against the version's schema.
        seconds: How long the caller would rather wait for its end; None means not at all.
        key: Names the request; one that is sent again gets the same prediction.
    """

    is_checked: bool
    seconds: int | None
    key: str | None


@get("/predictions", before_request=signed_in, tags=["predictions"], summary="List the caller's predictions")
async def list_predictions(
    request: Request[Any, Any, Any],
    cursor: Cursor = None,
    page_size: PageSize = 25,
    statuses: Annotated[
        list[Status] | None, QueryParameter(description="Only predictions of these; may be repeated.")
    ] = None,
) -> Page[Prediction]:
    """Give a page of the caller's own predictions, newest first."""
    chosen = sorted(set(statuses or ()))
    order = f"predictions:{','.join(chosen)}"
    place = read_cursor(cursor, order, service.KEY_TYPES)
    async with request.app.state["database"].reading() as view:
        found = await service.page(view, request.user, place, statuses=chosen, size=page_size)
    return page([shown(row, request.user.hub_url) for row in found.rows], found, order, request)


@post(
    "/predictions",
    before_request=signed_in,
    tags=["predictions"],
    summary="Run a model",
    status_code=202,
)
async def create_prediction(
    request: Request[Any, Any, Any],
    data: JSONBody[CreatePredictionOf],
    validate_input: ValidateInput = True,
    prefer: Prefer = None,
    idempotency_key: IdempotencyKey = None,
) -> Answer:
    """Run the latest version of a model, or one by its number."""
    params = data.given()
    of = service.reference(params.pop("model"))
    wishes = Wishes(validate_input, patience(request, prefer), idempotency_key)
    return await _create(request, of, params, wishes)


@post(
    "/models/{owner:str}/{name:str}/predictions",
    before_request=signed_in,
    tags=["predictions"],
    summary="Run a model's latest version",
    status_code=202,
)
async def create_model_prediction(
    request: Request[Any, Any, Any],
    owner: FromPath[str],
    name: FromPath[str],
    data: JSONBody[CreatePrediction],
    validate_input: ValidateInput = True,
    prefer: Prefer = None,
    idempotency_key: IdempotencyKey = None,
) -> Answer:
    """Run the latest version of a model."""
    wishes = Wishes(validate_input, patience(request, prefer), idempotency_key)
    return await _create(request, Reference(owner, name), data.given(), wishes)


@post(
    "/versions/{version_id:str}/predictions",
    before_request=signed_in,
    tags=["predictions"],
    summary="Run a version",
    status_code=202,
)
async def create_version_prediction(
    request: Request[Any, Any, Any],
    version_id: FromPath[str],
    data: JSONBody[CreatePrediction],
    validate_input: ValidateInput = True,
    prefer: Prefer = None,
    idempotency_key: IdempotencyKey = None,
) -> Answer:
    """Run one version of a model."""
    wishes = Wishes(validate_input, patience(request, prefer), idempotency_key)
    return await _create(request, version_id, data.given(), wishes)


@get(
    "/predictions/{prediction_id:str}",
    before_request=signed_in,
    tags=["predictions"],
    summary="Get a prediction",
)
async def get_prediction(
    request: Request[Any, Any, Any], prediction_id: FromPath[str], prefer: Prefer = None
) -> Answer:
    """Give one prediction of the caller; at once, or when it has ended."""
    seconds = patience(request, prefer)
    prediction = await _find(request, prediction_id, seconds)
    return Answer(prediction, status_code=200, headers=_applied(seconds))


@post(
    "/predictions/{prediction_id:str}/cancel",
    before_request=signed_in,
    tags=["predictions"],
    summary="Cancel a prediction",
    status_code=200,
)
async def cancel_prediction(request: Request[Any, Any, Any], prediction_id: FromPath[str]) -> None:
    """Ask for a prediction to be stopped; it ends a little later, unless it has ended before."""
    state = request.app.state
    async with state["database"].writing() as transaction:
        await service.cancel(transaction, request.user, prediction_id=prediction_id)
    state["changes"].tell(prediction_id, queue.end_of(prediction_id), "cancels", "webhooks")


@get(
    "/predictions/{prediction_id:str}/stream",
    before_request=signed_in,
    tags=["predictions"],
    summary="Follow a prediction",
    media_type="text/event-stream",
)
async def stream_prediction(
    request: Request[Any, Any, Any],
    prediction_id: FromPath[str],
    after_id: Annotated[
        str | None,
        QueryParameter(description="Id of the last event already seen; leave it out for the beginning."),
    ] = None,
    last_event_id: Annotated[
        str | None,
        HeaderParameter(
            name="Last-Event-ID", description="The same, as browsers send it; counts before the other."
        ),
    ] = None,
) -> Stream:
    """Give what happens in a prediction of the caller while it happens, up to its end."""
    state, after = request.app.state, last_event_id or after_id
    async with state["database"].reading() as view:
        position = await stream.begin(view, request.user, prediction_id=prediction_id, after=after)
    events = stream.follow(
        state["database"], state["changes"], request.user, prediction_id=prediction_id, position=position
    )
    return Stream(events, headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})


async def _create(
    request: Request[Any, Any, Any], of: Reference | str, params: dict[str, Any], wishes: Wishes
) -> Answer:
    state = request.app.state
    if "webhook_url" in params:
        check_url(params["webhook_url"], state["webhook_allow"])
    prediction_id, created = await _check_and_store(request, of, params, wishes)
    if created is not None:
        async with state["database"].reading() as view:
            is_first = await service.is_first(view, created)
        if is_first:
            state["changes"].tell("queue")
    prediction = await _find(request, prediction_id, wishes.seconds)
    headers = {"Location": prediction["url"], **_applied(wishes.seconds)}
    status_code = 202 if prediction["status"] in service.UNFINISHED else 200
    return Answer(prediction, status_code=status_code, headers=headers)


async def _check_and_store(
    request: Request[Any, Any, Any], of: Reference | str, params: dict[str, Any], wishes: Wishes
) -> tuple[str, service.Created | None]:
    """Do what `_store` does, once the input has been held against the schemas that the version has by then."""
    inspected: str | None = None
    while True:
        try:
            return await _store(request, of, params, wishes, inspected)
        except NeedsInspection as needed:
            await needed.inspect(request.app.state["inspector"], request.user.id)
            inspected = needed.schemas


async def _store(
    request: Request[Any, Any, Any],
    of: Reference | str,
    params: dict[str, Any],
    wishes: Wishes,
    inspected: str | None,
) -> tuple[str, service.Created | None]:
    """Store a prediction, unless that was done before; give its id, and what was created now."""
    created: service.Created | None = None

    async def create() -> str:
        nonlocal created
        created = await service.create(
            transaction,
            request.user,
            of,
            params,
            is_checked=wishes.is_checked,
            inspected=inspected,
        )
        return created.prediction_id

    async with request.app.state["database"].writing() as transaction:
        answer = await once(transaction, request, wishes.key, create)
    return created.prediction_id if created else msgspec.json.decode(answer, type=str), created


async def _find(request: Request[Any, Any, Any], prediction_id: str, seconds: int | None) -> PredictionWithIO:
    """Find a prediction: at once, or when it has ended, but after so many seconds at most."""
    state = request.app.state
    if seconds is not None:
        return await waiting.until_ended(
            state["database"],
            state["changes"],
            request.user,
            prediction_id=prediction_id,
            seconds=seconds,
        )
    async with state["database"].reading() as view:
        return await service.get(view, request.user, prediction_id=prediction_id)


def _applied(seconds: int | None) -> dict[str, str]:
    return {} if seconds is None else {"Preference-Applied": "wait"}
