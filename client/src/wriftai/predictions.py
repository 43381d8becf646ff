"""Predictions: running a model, and following what becomes of it."""

import json
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Literal

from wriftai._operations import Step, drive, each, operation, sleep, stream_operation, stream_twin, twin
from wriftai._policy import path, retry_delay
from wriftai._resource import Resource
from wriftai.common_types import JsonValue, NotRequired, StrEnum, TypedDict
from wriftai.pagination import PaginatedResponse, PaginationOptions

__all__ = [
    "DEFAULT_ASYNC_WAIT_OPTIONS",
    "DEFAULT_WAIT_OPTIONS",
    "AsyncWaitOptions",
    "CreatePredictionParams",
    "ErrorSource",
    "Prediction",
    "PredictionEvent",
    "PredictionWithIO",
    "Predictions",
    "Status",
    "TaskError",
    "WaitOptions",
]


class ErrorSource(StrEnum):
    """Whose fault a failed prediction is: the hub's (internal) or the model's (external)."""

    internal = "internal"
    external = "external"


class Status(StrEnum):
    """Where a prediction stands; the last three are final."""

    pending = "pending"
    started = "started"
    failed = "failed"
    succeeded = "succeeded"
    cancelled = "cancelled"


class TaskError(TypedDict):
    """Why a prediction failed.

    Attributes:
        source: Whose fault it is.
        message: For people to read.
        detail: For programs; its shape depends on the error.
    """

    source: ErrorSource
    message: str
    detail: JsonValue


class Prediction(TypedDict):
    """One run of a version, without what went in and came out.

    Attributes:
        url: Absolute address of the prediction.
        id: UUID.
        version_id: UUID of the version that runs.
        created_at: RFC 3339, UTC.
        status: Where it stands.
        webhook_url: Told of each change of status; None means nobody is.
        updated_at: RFC 3339, UTC; of the last change, or of the creation.
        setup_time: ISO 8601 duration of loading the version; None when it was loaded already or is not yet.
        execution_time: ISO 8601 duration of the run itself; None until it ended.
        hardware_id: UUID of what it runs on.
        error: None unless it failed.
    """

    url: str
    id: str
    version_id: str
    created_at: str
    status: Status
    webhook_url: str | None
    updated_at: str
    setup_time: str | None
    execution_time: str | None
    hardware_id: str
    error: TaskError | None


class PredictionWithIO(Prediction):
    """One run of a version, whole.

    Attributes:
        input: As the version's schema has it.
        output: As the version's schema has it; None until there is some.
        logs: Lines that the run printed.
        setup_logs: Lines that loading the version printed.
    """

    input: JsonValue
    output: JsonValue
    logs: list[str] | None
    setup_logs: list[str] | None


class CreatePredictionParams(TypedDict):
    """What to run, and who is told.

    Attributes:
        input: As the version's schema has it.
        webhook_url: Absolute http(s) URL that each change of status is posted to.
        validate_input: Whether the hub checks the input before it accepts the prediction.
    """

    input: JsonValue
    webhook_url: NotRequired[str]
    validate_input: NotRequired[bool]


class PredictionEvent(TypedDict):
    """Something that happened in a prediction.

    Attributes:
        id: Resumes a stream behind this event.
        event: Its kind; `done` is the last of a stream.
        data: Its content, decoded.
    """

    id: str
    event: Literal["init", "output", "log", "error", "done"]
    data: JsonValue


@dataclass(frozen=True)
class WaitOptions:
    """How to wait for a prediction to end.

    Attributes:
        poll_interval: Seconds between two looks. A hub that can holds a look for that long, in whole seconds, and
            shows the end as soon as it comes.
        on_poll: Called with each state seen, the final one included.
    """

    poll_interval: float = 1.0
    on_poll: Callable[[PredictionWithIO], None] | None = None


@dataclass(frozen=True)
class AsyncWaitOptions:
    """How to wait for a prediction to end, in async code.

    Attributes:
        poll_interval: Seconds between two looks. A hub that can holds a look for that long, in whole seconds, and
            shows the end as soon as it comes.
        on_poll: Called with each state seen, the final one included, and awaited.
    """

    poll_interval: float = 1.0
    on_poll: Callable[[PredictionWithIO], Awaitable[None]] | None = None


DEFAULT_WAIT_OPTIONS = WaitOptions()
DEFAULT_ASYNC_WAIT_OPTIONS = AsyncWaitOptions()

_UNFINISHED = frozenset({Status.pending, Status.started})
_STREAM_RETRIES = 5
_LONGEST_HOLD = 60
_NEARLY = 0.9  # Of the time that was asked for: a hub that took that long did not answer at once.

AnyWaitOptions = WaitOptions | AsyncWaitOptions


class Predictions(Resource):
    """Operations on predictions."""

    # Whether the hub held the last request that asked for it: until one was held, pauses are ours to make.
    _hub_holds = False

    @operation
    async def get(self, prediction_id: str) -> PredictionWithIO:
        """Fetch a prediction.

        Args:
            prediction_id: UUID.

        Raises:
            NotFoundError: The caller has no such prediction.
        """
        prediction: PredictionWithIO = await self._send("GET", path("predictions", prediction_id))
        return prediction

    async_get = twin(get)

    @operation
    async def list(self, pagination_options: PaginationOptions | None = None) -> PaginatedResponse[Prediction]:
        """Fetch a page of the caller's own predictions, newest first.

        Args:
            pagination_options: Where to start, how many.

        Raises:
            AuthenticationError: The client has no valid token.
        """
        return await self._page(path("predictions"), pagination_options)

    async_list = twin(list)

    @operation
    async def create(
        self,
        params: CreatePredictionParams,
        model: str | None = None,
        version_id: str | None = None,
        wait: bool = False,
        wait_options: WaitOptions = DEFAULT_WAIT_OPTIONS,
    ) -> PredictionWithIO:
        """Run the latest version of a model, or one version.

        Args:
            params: What to run, and who is told.
            model: `owner/name`, to run its latest version.
            version_id: UUID, to run that version.
            wait: Whether to return only when the prediction has ended.
            wait_options: How to wait.

        Raises:
            TypeError: Not exactly one of `model` and `version_id` is given, or `wait_options` are a dict.
            ValueError: `model` is not of the form `owner/name`.
            NotFoundError: There is no such model or version that the caller may run.
            ConflictError: The model has no version yet, or the hub does not hold the image of the version.
            AuthenticationError: There is no token, or it is not one of the hub.
            UnprocessableEntityError: The input is malformed.
        """
        _check_options(wait_options, WaitOptions)
        return await self._create(params, _target(model, version_id), wait_options if wait else None)

    async def async_create(
        self,
        params: CreatePredictionParams,
        model: str | None = None,
        version_id: str | None = None,
        wait: bool = False,
        wait_options: AsyncWaitOptions = DEFAULT_ASYNC_WAIT_OPTIONS,
    ) -> PredictionWithIO:
        """Run the latest version of a model, or one version.

        Args:
            params: What to run, and who is told.
            model: `owner/name`, to run its latest version.
            version_id: UUID, to run that version.
            wait: Whether to return only when the prediction has ended.
            wait_options: How to wait.

        Raises:
            TypeError: Not exactly one of `model` and `version_id` is given, or `wait_options` are a dict.
            ValueError: `model` is not of the form `owner/name`.
            NotFoundError: There is no such model or version that the caller may run.
            ConflictError: The model has no version yet, or the hub does not hold the image of the version.
            AuthenticationError: There is no token, or it is not one of the hub.
            UnprocessableEntityError: The input is malformed.
        """
        _check_options(wait_options, AsyncWaitOptions)
        return await drive(self._create(params, _target(model, version_id), wait_options if wait else None))

    @operation
    async def wait(
        self,
        predictionID: str,  # noqa: N803  as published
        options: WaitOptions = DEFAULT_WAIT_OPTIONS,
    ) -> PredictionWithIO:
        """Look at a prediction until it has ended.

        Args:
            predictionID: UUID.
            options: How often to look, and who is told.

        Raises:
            TypeError: `options` are a dict.
            NotFoundError: The caller has no such prediction.
        """
        _check_options(options, WaitOptions)
        return await self._wait(predictionID, options)

    async def async_wait(
        self,
        predictionID: str,  # noqa: N803  as published
        options: AsyncWaitOptions = DEFAULT_ASYNC_WAIT_OPTIONS,
    ) -> PredictionWithIO:
        """Look at a prediction until it has ended.

        Args:
            predictionID: UUID.
            options: How often to look, and who is told.

        Raises:
            TypeError: `options` are a dict.
            NotFoundError: The caller has no such prediction.
        """
        _check_options(options, AsyncWaitOptions)
        return await drive(self._wait(predictionID, options))

    @operation
    async def cancel(self, prediction_id: str) -> None:
        """Ask for a prediction to be stopped; it ends as `cancelled` a little later, unless it ended before.

        Args:
            prediction_id: UUID.

        Raises:
            NotFoundError: The caller has no such prediction.
            ConflictError: It has ended already.
        """
        await self._send("POST", path("predictions", prediction_id, "cancel"))

    async_cancel = twin(cancel)

    @stream_operation
    async def stream(
        self, prediction_id: str, after_id: str | None = None
    ) -> AsyncGenerator[PredictionEvent, None]:
        """Iterate over what happens in a prediction, while it happens, up to its `done` event.

        A connection that breaks is opened again behind the last event.

        Args:
            prediction_id: UUID.
            after_id: Id of the last event already seen; None starts at the beginning.

        Raises:
            NotFoundError: The caller has no such prediction.
            httpx.TransportError: The connection broke several times without an event in between.
            RuntimeError: The hub ended the stream several times without an event in between.
        """
        from wriftai import errors

        last, failures = after_id, 0
        while True:
            headers: Mapping[str, str] = {}
            try:
                async with aclosing(self._events(prediction_id, last)) as events:
                    async for event in events:
                        last, failures = event["id"] or last, 0
                        yield event
                        if event["event"] == "done":
                            return
            except errors.PASSING as error:
                if failures == _STREAM_RETRIES:
                    raise
                headers = errors.reply_headers(error)
            if failures == _STREAM_RETRIES:
                raise RuntimeError("The hub keeps ending the stream before the prediction is done.")
            await sleep(retry_delay(failures, headers))
            failures += 1

    async_stream = stream_twin(stream)

    async def _create(
        self, params: CreatePredictionParams, where: str, options: AnyWaitOptions | None
    ) -> PredictionWithIO:
        body: dict[str, Any] = {**params}
        checked = body.pop("validate_input", None)
        headers = {} if checked is None else {"Validate-Input": "true" if checked else "false"}
        hold = 0 if options is None else self._hold(options)
        prediction = await self._look("POST", where, hold, headers, body=body)
        if options is None:
            return prediction
        if prediction["status"] in _UNFINISHED:
            return await self._wait(prediction["id"], options)
        await _notify(options, prediction)
        return prediction

    async def _wait(self, prediction_id: str, options: AnyWaitOptions) -> PredictionWithIO:
        where, hold = path("predictions", prediction_id), 0
        while True:
            prediction = await self._look("GET", where, hold)
            await _notify(options, prediction)
            # Any status that is not known to go on is an end, those that a later hub adds included.
            if prediction["status"] not in _UNFINISHED:
                return prediction
            hold = self._hold(options)
            if not (hold and self._hub_holds):
                await sleep(options.poll_interval)

    def _hold(self, options: AnyWaitOptions) -> int:
        """Give the whole seconds for which the hub is asked to hold a look; 0 where it is not to be asked."""
        # Any object that makes requests will do as an `api`; for one that does not say how patient it is, poll.
        patience = getattr(self._api, "longest_hold", 0)
        if not isinstance(patience, (int, float)):
            return 0
        return max(0, int(min(options.poll_interval, patience, _LONGEST_HOLD)))

    async def _look(
        self, method: str, where: str, hold: int, headers: Mapping[str, str] | None = None, **options: Any
    ) -> PredictionWithIO:
        """Fetch a prediction; the hub may hold the request for `hold` seconds, until the prediction has ended."""
        sent = {**(headers or {}), **({"Prefer": f"wait={hold}"} if hold else {})}
        started = time.monotonic()
        prediction: PredictionWithIO = await self._send(
            method, where, **options, **({"headers": sent} if sent else {})
        )
        # The end may come at any moment, so only an answer without it tells whether the hub honours the wish.
        if hold and prediction["status"] in _UNFINISHED:
            self._hub_holds = time.monotonic() - started >= hold * _NEARLY
        return prediction

    async def _events(self, prediction_id: str, after_id: str | None) -> AsyncGenerator[PredictionEvent, None]:
        where = path("predictions", prediction_id, "stream")
        params = None if after_id is None else {"after_id": after_id}
        received = each(lambda: self._api.stream(where, params), lambda: self._api.async_stream(where, params))
        async with aclosing(received) as events:
            async for event in events:
                kind: Any = event.event
                yield PredictionEvent(id=event.id, event=kind, data=json.loads(event.data))


def _check_options(options: object, kind: type[AnyWaitOptions]) -> None:
    # Other options of this package are dicts, so that these are easily taken for some.
    if isinstance(options, Mapping):
        raise TypeError(f"Wait options are no dict: give {kind.__name__}(poll_interval=1.0, on_poll=None).")


def _target(model: str | None, version_id: str | None) -> str:
    if (model is None) == (version_id is None):
        raise TypeError("Either a version_id or model must be provided.")
    if version_id is not None:
        return path("versions", version_id, "predictions")
    owner, slash, name = str(model).partition("/")
    if not slash or "/" in name or not owner or not name or any(map(str.isspace, owner + name)):
        raise ValueError("Model must be in owner/name format.")
    if ":" in name:  # As in the command, and in the body of POST /predictions; no name has one.
        raise ValueError("Model must be in owner/name format. Give the version_id to run one version.")
    return path("models", owner, name, "predictions")


async def _notify(options: AnyWaitOptions, prediction: PredictionWithIO) -> None:
    on_poll: Callable[[PredictionWithIO], Any] | None = options.on_poll
    if on_poll is not None:
        await Step(lambda: on_poll(prediction), lambda: on_poll(prediction))
