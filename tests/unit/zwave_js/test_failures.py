import pytest

from latchwork.domain.errors import (
    LatchworkError,
    NeedsAttention,
    Rejected,
    RetryLater,
    Unsupported,
)
from latchwork.drivers.zwave_js.failures import failure_of


@pytest.mark.parametrize(
    ("error_code", "zwave_code", "kind"),
    [
        ("zwave_error", 202, RetryLater),
        ("zwave_error", 204, RetryLater),
        ("zwave_error", 200, RetryLater),
        ("zwave_error", 100, RetryLater),
        ("zwave_error", 9999, RetryLater),
        ("zwave_error", None, RetryLater),
        ("zwave_error", 322, Rejected),
        ("zwave_error", 302, Unsupported),
        ("zwave_error", 211, NeedsAttention),
        ("node_not_found", None, NeedsAttention),
        ("unknown_command", None, NeedsAttention),
        ("unknown_error", None, RetryLater),
        (None, None, RetryLater),
    ],
)
def test_each_failure_says_what_to_do(
    error_code: str | None, zwave_code: int | None, kind: type[LatchworkError]
) -> None:
    assert type(failure_of("node.ping", error_code, zwave_code)) is kind
