"""Telling the hub's own messages from others."""

import hashlib
import hmac
import time
from typing import Any

import pytest

from tests.client.processes import in_fresh_python
from wriftai import WebhookVerificationError, verify_webhook

SECRET = "whsec-ü"
BODY = '{"id": "p1", "status": "succeeded", "output": "grün"}'.encode()
PREDICTION: Any = {"id": "p1", "status": "succeeded", "output": "grün"}
NOW = 1_800_000_000


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: NOW + 0.5)


def v1(body: bytes = BODY, moment: object = NOW, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), str(moment).encode() + b"." + body, hashlib.sha256).hexdigest()


def signed(body: bytes = BODY, moment: object = NOW, secret: str = SECRET) -> str:
    return f"t={moment},v1={v1(body, moment, secret)}"


@pytest.mark.parametrize("payload", [BODY, BODY.decode()], ids=["bytes", "text"])
def test_a_message_of_the_hub_is_decoded(payload: bytes | str) -> None:
    assert verify_webhook(payload, signed(), SECRET) == PREDICTION


@pytest.mark.parametrize(
    "header",
    [
        f"t={NOW},v1={'0' * 64},v1={v1()}",
        f"t={NOW},v1={v1()},v1={'0' * 64}",
        f"t={NOW},v1=grün,v1={v1()}",
        f"v1={v1()}, t={NOW}",
        f"t={NOW},v0=abc,v1={v1()},v2=def,other",
    ],
)
def test_any_matching_signature_will_do(header: str) -> None:
    assert verify_webhook(BODY, header, SECRET) == PREDICTION


@pytest.mark.parametrize(
    "header",
    [
        signed(BODY + b" "),
        signed(secret="other"),
        f"t={NOW + 1},v1={v1()}",
        f"t={NOW},v1={v1()[:-1]}",
        f"t={NOW},v1={v1().upper()}",
        f"t={NOW},v0={v1()}",
        f"t={NOW},v1=",
        f"t={NOW},v1=\ud800",
        f"t={NOW}",
    ],
    ids=ascii,
)
def test_a_message_that_no_signature_matches_is_refused(header: str) -> None:
    with pytest.raises(WebhookVerificationError, match="No signature matches"):
        verify_webhook(BODY, header, SECRET)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "nonsense",
        v1(),
        f"v1={v1()}",
        f"t=,v1={v1(moment='')}",
        f"t={NOW},t={NOW},v1={v1()}",
        *(signed(moment=moment) for moment in ("soon", "-1", "1.5", "1e9", "٣", " 1", "9" * 13, "9" * 5000)),
    ],
    ids=range(15),
)
def test_a_header_of_another_form_is_refused(header: Any) -> None:
    with pytest.raises(WebhookVerificationError, match="wriftai-webhook-signature is missing or malformed"):
        verify_webhook(BODY, header, SECRET)


@pytest.mark.parametrize(("away", "tolerance"), [(-300, 300), (300, 300), (-9, 9), (86_400, 86_400)])
def test_a_message_within_the_tolerance_is_accepted(away: int, tolerance: int) -> None:
    header = signed(moment=NOW + away + (away < 0))
    assert verify_webhook(BODY, header, SECRET, tolerance) == PREDICTION


@pytest.mark.parametrize(("away", "tolerance"), [(-300, 300), (301, 300), (-10, 9), (-1, 0), (-1, float("nan"))])
def test_an_old_message_is_refused_and_so_is_one_of_the_future(away: int, tolerance: float) -> None:
    with pytest.raises(WebhookVerificationError, match=f"more than {tolerance} seconds"):
        verify_webhook(BODY, signed(moment=NOW + away), SECRET, tolerance=tolerance)


def test_a_message_is_old_after_five_minutes_by_default() -> None:
    assert verify_webhook(BODY, signed(moment=NOW - 299), SECRET) == PREDICTION
    with pytest.raises(WebhookVerificationError):
        verify_webhook(BODY, signed(moment=NOW - 300), SECRET)


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"status=succeeded"])
def test_a_signed_message_that_is_not_json_is_refused(body: bytes) -> None:
    with pytest.raises(WebhookVerificationError, match="it is not JSON"):
        verify_webhook(body, signed(body), SECRET)


def test_text_that_no_bytes_stand_for_is_refused() -> None:
    with pytest.raises(WebhookVerificationError, match="No signature matches"):
        verify_webhook("\ud800", signed(), SECRET)


def test_without_a_secret_nothing_is_accepted() -> None:
    with pytest.raises(ValueError, match="The secret is empty"):
        verify_webhook(BODY, signed(secret=""), "")


def test_the_error_can_be_caught_as_a_value_error() -> None:
    assert issubclass(WebhookVerificationError, ValueError)


def test_a_receiver_does_not_load_the_http_library() -> None:
    heavy = "{'httpx', 'httpcore', 'anyio', 'ssl', 'asyncio'}"
    code = f"import sys; from wriftai import verify_webhook; print(sorted({heavy} & set(sys.modules)))"
    assert in_fresh_python(code) == "[]"
