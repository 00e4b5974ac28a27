"""What a cloud under the contract refuses, and what the caller must do about it."""

from typing import Final

import msgspec
import pytest

from latchwork.domain.errors import (
    Conflict,
    LatchworkError,
    NeedsAttention,
    Rejected,
    RetryLater,
    Unsupported,
)
from latchwork.drivers.clouds.http import Answer
from latchwork.drivers.clouds.model import AnswerLost, OutOfReach
from latchwork.drivers.lock_cloud.wire import ERROR_CODES, error_of, is_gone

MEANINGS: Final[dict[str, type[LatchworkError]]] = {
    "DEVICE_OFFLINE": OutOfReach,
    "BRIDGE_OFFLINE": OutOfReach,
    "DEVICE_BUSY": RetryLater,
    "DEVICE_OUT_OF_SYNC": RetryLater,
    "TIMEOUT": RetryLater,
    "LOCK_JAMMED": RetryLater,
    "PIN_CONFLICT": Conflict,
    "INVALID_PIN_FORMAT": Rejected,
    "PIN_NOT_ALLOWED": Rejected,
    "INVALID_NAME": Rejected,
    "INVALID_SCHEDULE": Rejected,
    "DEVICE_FULL": NeedsAttention,
    "LOCK_NOT_FOUND": NeedsAttention,
    "NOT_SUPPORTED": Unsupported,
}


def refused(status: int, code: str | None = None) -> Answer:
    body = {"message": "PIN 4711 of Ada"} if code is None else {"error_code": code}
    return Answer(status, {}, msgspec.json.encode(body))


def test_every_code_of_the_contract_has_its_meaning() -> None:
    assert ERROR_CODES.keys() == MEANINGS.keys()


@pytest.mark.parametrize("status", [400, 409, 422, 500, 503])
@pytest.mark.parametrize(("code", "kind"), MEANINGS.items())
def test_the_code_says_more_than_the_status(
    code: str, kind: type[LatchworkError], status: int
) -> None:
    assert type(error_of(refused(status, code), "a new code")) is kind


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (302, NeedsAttention),
        (400, Rejected),
        (401, NeedsAttention),
        (403, NeedsAttention),
        (404, NeedsAttention),
        (405, Unsupported),
        (409, Conflict),
        (410, NeedsAttention),
        (418, RetryLater),
        (422, Rejected),
        (500, AnswerLost),
        (501, Unsupported),
        (503, AnswerLost),
    ],
)
def test_without_a_known_code_the_status_counts(status: int, kind: type[LatchworkError]) -> None:
    for code in (None, "OF_ITS_OWN"):
        error = error_of(refused(status, code), "a new code")
        assert type(error) is kind
        assert "4711" not in str(error)


@pytest.mark.parametrize(
    ("answer", "gone"),
    [
        (refused(404), True),
        (refused(410), True),
        (refused(400, "ACCESS_CODE_NOT_FOUND"), True),
        (refused(404, "LOCK_NOT_FOUND"), False),
        (refused(500), False),
    ],
)
def test_a_code_that_does_not_exist_is_told_from_a_lock_that_does_not(
    answer: Answer, gone: bool
) -> None:
    assert is_gone(answer) is gone
