"""Commands that a visit carries out besides codes: the bolt, and the sandbox's own."""

import asyncio
from datetime import datetime

import msgspec
import structlog

from latchwork.domain.action_attempt import ActionAttempt, ActionType, AttemptStatus
from latchwork.domain.errors import LatchworkError, Rejected, RetryLater, Unsupported
from latchwork.domain.events import NewEvent
from latchwork.domain.lock_state import LockState
from latchwork.domain.policy import Policy
from latchwork.drivers.protocol import ConfiguresAutoLock, Driver

log = structlog.get_logger(__name__)

ACTION_TIMEOUT = 30.0

SIMULATED = {
    ActionType.SIMULATE_KEYPAD_CODE_ENTRY: "keypad_code_entry",
    ActionType.SIMULATE_MANUAL_LOCK_VIA_KEYPAD: "manual_lock_via_keypad",
}


WITHOUT_EVENT = frozenset((ActionType.SIMULATE, ActionType.CONFIGURE_AUTO_LOCK))
"""Seam has no event type that tells of their end."""


async def carry_out(
    state: LockState, driver: Driver | None, attempt: ActionAttempt, now: datetime, policy: Policy
) -> None:
    """Does it once, and ends the attempt with success or a named error. One that waited too long
    is not done any more: a door must not open an hour after it was asked to."""
    error: tuple[str, str] | None
    if now - attempt.created_at > policy.action_expiry:
        error = ("timed_out", "The lock could not be reached in time; nothing was done.")
    elif driver is None:
        error = ("account_disconnected", "The connection to the lock's hub or account is down.")
    else:
        error = await _try(driver, state.device.provider_key, attempt)
    ended = msgspec.structs.replace(
        attempt,
        status=AttemptStatus.ERROR if error else AttemptStatus.SUCCESS,
        error_type=error[0] if error else None,
        error_message=error[1] if error else None,
    )
    state.finish(ended)
    if attempt.action_type not in WITHOUT_EVENT:
        state.tell_device(_event(state, ended, now))


async def _try(driver: Driver, key: str, attempt: ActionAttempt) -> tuple[str, str] | None:
    try:
        async with asyncio.timeout(ACTION_TIMEOUT):
            return await _do(driver, key, attempt)
    except (RetryLater, TimeoutError) as error:
        return "device_disconnected", str(error) or "The lock did not answer in time."
    except Unsupported as error:
        return "unsupported", str(error)
    except Rejected as error:
        return error.rule, str(error)
    except LatchworkError as error:
        return "provider_issue", str(error)
    except Exception:
        log.exception("driver.failed", call=attempt.action_type.value)
        return "uncategorized_error", "The driver failed."


async def _do(driver: Driver, key: str, attempt: ActionAttempt) -> tuple[str, str] | None:
    if attempt.action_type is ActionType.LOCK_DOOR:
        await driver.lock(key)
    elif attempt.action_type is ActionType.UNLOCK_DOOR:
        await driver.unlock(key)
    elif attempt.action_type is ActionType.CONFIGURE_AUTO_LOCK:
        if not isinstance(driver, ConfiguresAutoLock):
            raise Unsupported("The lock's auto-lock cannot be configured.")
        values = attempt.values
        await driver.configure_auto_lock(key, enabled=values["enabled"], delay=values["delay"])
    else:
        return await _simulate(driver, key, attempt)
    return None


async def _simulate(driver: Driver, key: str, attempt: ActionAttempt) -> tuple[str, str] | None:
    values = dict(attempt.values)
    action = SIMULATED.get(attempt.action_type) or str(values.pop("action", ""))
    if attempt.code is not None:
        values["code"] = attempt.code
    if await driver.simulate(key, action, values):
        return None
    return "no_effect", "The lock did not react as asked: the code does not open it now."


def _event(state: LockState, attempt: ActionAttempt, now: datetime) -> NewEvent:
    ending = "succeeded" if attempt.status is AttemptStatus.SUCCESS else "failed"
    return NewEvent(
        event_type=f"action_attempt.{attempt.action_type.value.lower()}.{ending}",
        occurred_at=now,
        device_id=state.device.device_id,
        connected_account_id=state.account.connected_account_id,
        action_attempt_id=attempt.action_attempt_id,
        payload={"action_type": attempt.action_type.value, "status": attempt.status.value},
    )
