"""Webhooks: making sure that what came in is from the hub, and recent.

The hub signs the bytes of each message together with the time, in the header `wriftai-webhook-signature`:
`t=<Unix seconds>,v1=<hexadecimal HMAC-SHA256 of "<t>.<body>">`, with one `v1` for each secret in use.
"""

import hmac
import json
import re
import time

from wriftai.predictions import PredictionWithIO

__all__ = ["WebhookVerificationError", "verify_webhook"]


class WebhookVerificationError(ValueError):
    """The message is not to be trusted: it was not signed with the secret, was changed on its way, or is old."""


def verify_webhook(
    payload: bytes | str, signature: str | None, secret: str, tolerance: float = 300
) -> PredictionWithIO:
    """Check that a webhook's message is from the hub and recent, and decode it.

    Args:
        payload: Body of the request, as it came: JSON that was decoded and written anew has other bytes.
        signature: Value of its header `wriftai-webhook-signature`; None, as for a header that is not there, is
            never valid.
        secret: The one that the hub signs with.
        tolerance: Seconds by which the time of the signature may differ from now, in either direction.

    Returns:
        The prediction as it was when the message was written.

    Raises:
        WebhookVerificationError: The message is not to be trusted; answer it with a 400.
        ValueError: The secret is empty.
    """
    if not secret:
        raise ValueError("The secret is empty: give the one that the hub signs with.")
    moment, given = _parsed(signature or "")
    body = payload.encode("utf-8", "surrogatepass") if isinstance(payload, str) else payload
    expected = hmac.new(secret.encode(), moment.encode() + b"." + body, "sha256").hexdigest()
    # All are compared, each in constant time: how long it takes tells nothing about the right one.
    if not any([hmac.compare_digest(each.encode("utf-8", "replace"), expected.encode()) for each in given]):  # noqa: C419
        raise WebhookVerificationError("No signature matches: the secret is another, or the body was changed.")
    if not abs(time.time() - int(moment)) <= tolerance:
        raise WebhookVerificationError(f"The signature is more than {tolerance} seconds away from now.")
    return _decoded(body)


def _parsed(signature: str) -> tuple[str, list[str]]:
    """Take a signature apart into its time and its `v1` values; other schemes than `v1` are left out."""
    pairs = [part.strip().partition("=") for part in signature.split(",")]
    moments = [value for key, _, value in pairs if key == "t"]
    if len(moments) != 1 or not re.fullmatch("[0-9]{1,12}", moments[0]):
        raise WebhookVerificationError("The header wriftai-webhook-signature is missing or malformed.")
    return moments[0], [value for key, _, value in pairs if key == "v1"]


def _decoded(body: bytes) -> PredictionWithIO:
    try:
        prediction: PredictionWithIO = json.loads(body)
    except ValueError as error:
        raise WebhookVerificationError(f"The message is signed, but it is not JSON: {error}") from None
    return prediction
