"""Action attempts: polled by callers, carried out by the engine, settled by visits."""

import msgspec
import pytest

from latchwork.domain.action_attempt import ActionAttempt, ActionType, AttemptStatus
from latchwork.domain.pin import Pin
from latchwork.storage.interface import StaleTokenError
from support.stored import HOUR, NOW, SECOND, Stored, all_pages


async def status_of(stored: Stored, attempt: ActionAttempt) -> AttemptStatus:
    found = await stored.storage.attempt("ws", attempt.action_attempt_id)
    assert found is not None
    return found.status


async def test_an_attempt_comes_back_as_it_was_stored(stored: Stored) -> None:
    attempt = ActionAttempt(
        action_attempt_id=stored.new_id(),
        workspace_id="ws",
        action_type=ActionType.SIMULATE_KEYPAD_CODE_ENTRY,
        created_at=NOW,
        status=AttemptStatus.ERROR,
        device_id="dev",
        error_type="no_effect",
        error_message="Nothing happened.",
        values={"a": [1, {"b": None}]},
        code=Pin("4711"),
    )
    await stored.storage.add_attempt(attempt)
    assert await stored.storage.attempt("ws", attempt.action_attempt_id) == attempt
    assert await stored.storage.attempt("other", attempt.action_attempt_id) is None


async def test_a_command_makes_its_lock_due_and_is_handed_to_the_visit(stored: Stored) -> None:
    code = await stored.create(due_at=NOW + HOUR)
    stored.clock.go(SECOND)
    first = stored.command(ActionType.LOCK_DOOR)
    await stored.storage.add_attempt(first)
    stored.clock.go(SECOND)
    second = stored.command(ActionType.SIMULATE)
    await stored.storage.add_attempt(second)
    await stored.update(code, name="New", due_at=NOW + HOUR)
    view = await stored.storage.load_visit(await stored.claim_one())
    assert view.actions == (first, second)


async def test_a_visit_sees_the_commands_that_came_since_as_long_as_it_holds_the_lock(
    stored: Stored,
) -> None:
    first = stored.command()
    await stored.storage.add_attempt(first)
    lease = await stored.claim_one()
    ended = msgspec.structs.replace(first, status=AttemptStatus.SUCCESS)
    lease = await stored.write(lease, attempts=(ended,))
    assert await stored.storage.pending_actions(lease) == ()
    second = stored.command()
    await stored.storage.add_attempt(second)
    assert await stored.storage.pending_actions(lease) == (second,)
    await stored.release(lease)
    with pytest.raises(StaleTokenError):
        await stored.storage.pending_actions(lease)


async def test_an_ended_command_is_not_handed_out_again(stored: Stored) -> None:
    command = stored.command()
    await stored.storage.add_attempt(command)
    lease = await stored.claim_one()
    ended = msgspec.structs.replace(
        command, status=AttemptStatus.ERROR, error_type="timed_out", error_message="Too late."
    )
    lease = await stored.write(lease, attempts=(ended,))
    assert (await stored.storage.load_visit(lease)).actions == ()
    assert await stored.storage.attempt("ws", command.action_attempt_id) == ended


async def test_converged_codes_settle_their_attempts_up_to_the_generation(
    stored: Stored,
) -> None:
    code = await stored.create()
    commands = []
    for generation in (2, 3, 4):
        changed = msgspec.structs.replace(code, generation=generation, name=f"n{generation}")
        attempt = stored.attempt(
            changed,
            action_type=ActionType.UPDATE_ACCESS_CODE,
            status=AttemptStatus.PENDING,
        )
        await stored.storage.update_code(changed, attempt, [], NOW)
        commands.append(attempt)
    other = await stored.create()
    pending = stored.attempt(other, status=AttemptStatus.PENDING)
    await stored.update(other, name="New")
    await stored.storage.add_attempt(pending)
    await stored.visit(converged=((code.access_code_id, 3),))
    assert [await status_of(stored, command) for command in commands] == [
        AttemptStatus.SUCCESS,
        AttemptStatus.SUCCESS,
        AttemptStatus.PENDING,
    ]
    assert await status_of(stored, pending) is AttemptStatus.PENDING


async def test_attempts_are_listed_newest_first_and_filtered(stored: Stored) -> None:
    await stored.lock("dev2")
    listed = []
    for number in range(5):
        stored.clock.go(SECOND)
        command = stored.command(device_id="dev2" if number % 2 else "dev")
        await stored.storage.add_attempt(command)
        listed.append(command)
    hidden = stored.command(ActionType.SIMULATE)
    await stored.storage.add_attempt(hidden)
    storage = stored.storage
    assert (
        await all_pages(
            lambda cursor: storage.attempts("ws", ids=None, device_id=None, limit=2, cursor=cursor)
        )
        == listed[::-1]
    )
    page = await storage.attempts("ws", ids=None, device_id="dev2", limit=9, cursor=None)
    assert page.items == (listed[3], listed[1])
    ids = [listed[0].action_attempt_id, listed[3].action_attempt_id, "none"]
    page = await storage.attempts("ws", ids=ids, device_id=None, limit=9, cursor=None)
    assert page.items == (listed[3], listed[0])
    page = await storage.attempts("other", ids=ids, device_id=None, limit=9, cursor=None)
    assert page.items == ()
