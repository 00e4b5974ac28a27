"""Asking a lock's provider for the codes that the lock computes by itself."""

import asyncio
from datetime import datetime
from random import Random

import structlog

from latchwork.domain.access_code import AccessCode
from latchwork.domain.errors import LatchworkError, NeedsAttention, Rejected, Unsupported
from latchwork.domain.lock_state import LockState
from latchwork.domain.offline import awaiting, issued
from latchwork.domain.pin import Pin
from latchwork.domain.policy import Policy, backoff
from latchwork.domain.problem import Problem, added
from latchwork.domain.refusal import block_rejected
from latchwork.drivers.protocol import Driver, OfflineIssuer
from latchwork.engine.clock import Clock

log = structlog.get_logger(__name__)

ISSUE_TIMEOUT = 30.0


async def issue_codes(
    state: LockState, driver: Driver, clock: Clock, policy: Policy, rng: Random
) -> None:
    """Once for each code that waits for its PIN. The lock itself is not needed for it."""
    for code in awaiting(state, clock.now()):
        try:
            async with asyncio.timeout(ISSUE_TIMEOUT):
                pin = await _ask(driver, state.device.provider_key, code)
        except (LatchworkError, TimeoutError) as error:
            _note_failure(state, code, error, clock.now(), policy, rng.random())
        except Exception as error:
            log.exception("driver.failed", device_id=state.device.device_id, call="issue")
            _note_failure(state, code, error, clock.now(), policy, rng.random())
        else:
            issued(state, code, pin, clock.now())


async def _ask(driver: Driver, provider_key: str, code: AccessCode) -> Pin:
    if code.offline is None or not isinstance(driver, OfflineIssuer):
        raise Unsupported("The lock's driver issues no offline codes.")
    return await driver.issue(provider_key, code.offline, code.window, code.access_code_id)


def _note_failure(
    state: LockState,
    code: AccessCode,
    error: Exception,
    now: datetime,
    policy: Policy,
    jitter: float,
) -> None:
    if isinstance(error, Rejected | Unsupported):
        block_rejected(state, code, now, "provider_issue", str(error))
        return
    failures = code.failures + 1
    wait = backoff(policy.code_backoff, policy.longest_backoff, failures, jitter)
    errors = code.errors
    if isinstance(error, NeedsAttention):
        wait = policy.attention_backoff
        errors = added(errors, Problem("provider_issue", str(error), now))
    state.set_code(code, failures=failures, retry_at=now + wait, errors=errors)
