"""Predictions as callers send them."""

from typing import Annotated, Any

from msgspec import Meta

from wriftai_server.http.bodies import UNSET, URL, Body, UnsetType
from wriftai_server.http.patterns import MODEL_NAME, USERNAME, anchor

ModelReference = Annotated[
    str,
    Meta(
        pattern=anchor(rf"{USERNAME}/{MODEL_NAME}(?::[1-9][0-9]{{0,8}})?"),
        description="`owner/name`, for the latest version, or `owner/name:number`.",
    ),
]


class CreatePrediction(Body):
    """What to run, and who is told."""

    input: Any
    webhook_url: URL | UnsetType = UNSET


class CreatePredictionOf(CreatePrediction, kw_only=True):
    """What to run of which model, and who is told."""

    model: ModelReference
