import pytest

from latchwork.domain.errors import NeedsAttention, Rejected, RetryLater, Unsupported
from latchwork.drivers.matter.failures import failure_of


@pytest.mark.parametrize(
    ("code", "details", "error"),
    [
        (3, "Node 1 is not (yet) available.", RetryLater),
        (4, "", RetryLater),
        (5, "Node 1 does not exist", NeedsAttention),
        (7, None, RetryLater),
        (8, "", RetryLater),
        (9, "Invalid command: x", NeedsAttention),
        (0, "InteractionModelError: Failure (0x1, clusterStatus: 3)", RetryLater),
        (0, "InteractionModelError: UnsupportedAccess (0x7e)", NeedsAttention),
        (0, "InteractionModelError: UnsupportedEndpoint (0x7f)", NeedsAttention),
        (0, "InteractionModelError: UnsupportedCommand (0x81)", Unsupported),
        (0, "InteractionModelError: InvalidCommand (0x85)", Rejected),
        (0, "InteractionModelError: ConstraintError (0x87)", Rejected),
        (0, "InteractionModelError: Busy (0x9c)", RetryLater),
        (0, "src/app/CommandSender.cpp:354: CHIP Error 0x00000032: Timeout", RetryLater),
        (0, None, RetryLater),
    ],
)
def test_a_refusal_is_named_by_what_the_caller_must_do(
    code: int, details: str | None, error: type[Exception]
) -> None:
    assert type(failure_of("SetUser", code, details)) is error
