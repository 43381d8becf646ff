"""Predictions as they are shown."""

from typing import Any

import msgspec

from wriftai.predictions import Prediction, PredictionWithIO
from wriftai_server.database.driver import Row
from wriftai_server.database.schema import predictions

COLUMNS = (
    predictions.c.id,
    predictions.c.version_id,
    predictions.c.created_at,
    predictions.c.status,
    predictions.c.webhook_url,
    predictions.c.updated_at,
    predictions.c.setup_time,
    predictions.c.execution_time,
    predictions.c.hardware_id,
    predictions.c.error,
)
WHOLE = (*COLUMNS, predictions.c.input, predictions.c.output)


def shown(row: Row, hub_url: str) -> Prediction:
    """Show a row as a prediction.

    Args:
        row: In the order of `COLUMNS`; what follows them does not matter.
        hub_url: Address of the hub.
    """
    return {
        "url": url(row[0], hub_url),
        "id": row[0],
        "version_id": row[1],
        "created_at": row[2],
        "status": row[3],
        "webhook_url": row[4],
        "updated_at": row[5],
        "setup_time": row[6],
        "execution_time": row[7],
        "hardware_id": row[8],
        "error": _stored(row[9]),
    }


def shown_whole(
    row: Row, hub_url: str, *, logs: list[str] | None, setup_logs: list[str] | None
) -> PredictionWithIO:
    """Show a row as a prediction with what went in and came out.

    Args:
        row: In the order of `WHOLE`; what follows them does not matter.
        hub_url: Address of the hub.
        logs: Lines that the run printed.
        setup_logs: Lines that loading the version printed.
    """
    return {
        **shown(row, hub_url),
        "input": _stored(row[10]),
        "output": _stored(row[11]),
        "logs": logs,
        "setup_logs": setup_logs,
    }


def url(prediction_id: str, hub_url: str) -> str:
    """Give the absolute address of a prediction."""
    return f"{hub_url}/v1/predictions/{prediction_id}"


def duration(seconds: float) -> str:
    """Write a time span as ISO 8601 does, to the microsecond."""
    return f"PT{f'{seconds:.6f}'.rstrip('0').rstrip('.')}S"


def _stored(text: str | None) -> Any:
    # JSON goes out as it was stored, without being taken apart.
    return None if text is None else msgspec.Raw(text.encode())
