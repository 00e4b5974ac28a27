"""Whose a PIN is, and what is done to it: on locks that do what the specification leaves open."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from latchwork.domain.errors import Conflict, NeedsAttention, Rejected, RetryLater
from latchwork.domain.observation import Empty, Occupied
from latchwork.domain.pin import Pin
from latchwork.domain.window import Window
from latchwork.drivers.matter.codes import NEVER, stored_name
from support.driver_context import KeptStore
from support.matter_script import NOW, THEIRS, ScriptedLock, codes_of

PIN, OTHER = Pin("4711"), Pin("2580")
WINDOW = Window(NOW, NOW + timedelta(days=1))


@pytest.fixture
def script() -> ScriptedLock:
    return ScriptedLock()


async def test_what_we_stored_is_told_as_stored_with_its_name(script: ScriptedLock) -> None:
    await codes_of(script).write(2, PIN, "Ana", None)
    assert script.pins[2]["pin"] == "4711"
    assert await codes_of(script).read(2) == Occupied(window=None, name="Ana")
    assert await codes_of(script).read(1) == Empty()


@pytest.mark.parametrize(
    ("creator", "modifier"),
    [(THEIRS, THEIRS), (1, THEIRS), (1, None), (THEIRS, 1), (None, THEIRS)],
)
async def test_what_another_fabric_or_the_keypad_wrote_is_another_hands(
    script: ScriptedLock, creator: int | None, modifier: int | None
) -> None:
    script.add(2, "4711")
    script.pins[2].update(creator=creator, modifier=modifier)
    assert await codes_of(script).read(2) == Occupied(by_other=True, name="Ana")


async def test_a_lock_that_keeps_no_track_of_fabrics_is_believed_by_its_user(
    script: ScriptedLock,
) -> None:
    script.tells_fabrics = False
    script.add(2, "4711")
    assert await codes_of(script).read(2) == Occupied(window=None, name="Ana")
    script.users[2]["userUniqueID"] = None
    assert await codes_of(script).read(2) == Occupied(by_other=True, name="Ana")


async def test_a_pin_of_another_user_and_a_user_of_another_hand_are_occupied(
    script: ScriptedLock,
) -> None:
    script.add(2, "4711", fabric=THEIRS, user=4)
    codes = codes_of(script)
    assert await codes.read(2) == Occupied(by_other=True, name=None)
    assert await codes.read(4) == Occupied(by_other=True, name="Ana")


async def test_a_user_of_ours_with_another_credential_alone_has_lost_its_pin(
    script: ScriptedLock,
) -> None:
    script.users[2] = ScriptedLock.user(others=[{"credentialType": 3, "credentialIndex": 1}])
    assert await codes_of(script).read(2) == Occupied(by_other=True, name="Ana")


async def test_a_user_left_without_a_pin_counts_as_free_and_is_used(script: ScriptedLock) -> None:
    script.users[2] = ScriptedLock.user(userName="Old")
    codes = codes_of(script)
    assert await codes.read(2) == Empty()
    await codes.write(2, PIN, "New", None)
    assert script.users[2]["userName"] == "New"


@pytest.mark.parametrize("change", [{"userStatus": 3}, {"userType": 4}, {"userType": 1}])
async def test_a_pin_that_opens_at_no_time_is_told_so(
    script: ScriptedLock, change: dict[str, Any]
) -> None:
    script.add(2, "4711", **change)
    assert await codes_of(script).read(2) == Occupied(window=NEVER, name="Ana")


async def test_a_scan_tells_every_position(script: ScriptedLock) -> None:
    script.add(2, "4711", fabric=THEIRS, user=4)
    script.add(3, "2580")
    script.users[1] = ScriptedLock.user(THEIRS, userName=None)
    script.users[5] = ScriptedLock.user()
    assert await codes_of(script).scan() == {
        1: Occupied(),
        2: Occupied(name="Ana"),
        3: Occupied(name="Ana"),
        4: Occupied(name="Ana"),
        5: Empty(),
    }


@pytest.mark.parametrize("position", [2, 4])
async def test_what_is_another_users_is_never_written_over_or_cleared(
    script: ScriptedLock, position: int
) -> None:
    script.add(2, "9999", fabric=THEIRS, user=4)
    codes = codes_of(script)
    with pytest.raises(Conflict) as caught:
        await codes.write(position, PIN, None, None)
    assert caught.value.position == position
    await (codes.clear(position) if position == 4 else _refused(codes.clear(position)))
    assert script.pins[2]["pin"] == "9999"
    assert set(script.users) == {4}


async def _refused(call: Any) -> None:
    with pytest.raises(Conflict):
        await call


@pytest.mark.parametrize("duplicate", [1, 2])
async def test_a_duplicate_is_told_and_leaves_no_user_behind(
    script: ScriptedLock, duplicate: int
) -> None:
    script.duplicate = duplicate
    script.add(4, "4711", fabric=THEIRS)
    with pytest.raises(Conflict) as caught:
        await codes_of(script).write(2, PIN, "Ana", WINDOW)
    assert caught.value.position is None
    assert set(script.users) == {4}
    assert not script.schedules


async def test_a_failure_on_a_lock_without_another_pin_is_no_duplicate(
    script: ScriptedLock,
) -> None:
    script.fails["SetCredential"] = RetryLater("The lock could not carry out SetCredential.")
    with pytest.raises(RetryLater):
        await codes_of(script).write(2, PIN, "Ana", None)
    assert not script.users
    script.fails.clear()
    script._SetCredential = lambda **_: {"status": 1}  # type: ignore[method-assign]
    with pytest.raises(RetryLater):
        await codes_of(script).write(2, PIN, "Ana", None)
    assert not script.users


@pytest.mark.parametrize("occupied", [1, 3])
async def test_a_position_that_was_taken_meanwhile_is_told(
    script: ScriptedLock, occupied: int
) -> None:
    def taken_first(**_: Any) -> dict[str, int]:
        script.add(2, "9999", fabric=THEIRS, user=5)
        return {"status": occupied}

    script._SetCredential = taken_first  # type: ignore[method-assign]
    with pytest.raises(Conflict) as caught:
        await codes_of(script).write(2, PIN, "Ana", None)
    assert caught.value.position == 2
    assert set(script.users) == {5}


@pytest.mark.parametrize(
    ("pin", "rule"), [("123", "supported_code_lengths"), ("123456789", "supported_code_lengths")]
)
async def test_a_pin_of_a_wrong_length_is_rejected(
    script: ScriptedLock, pin: str, rule: str
) -> None:
    with pytest.raises(Rejected) as caught:
        await codes_of(script).write(2, Pin(pin), "Ana", None)
    assert caught.value.rule == rule
    assert pin not in str(caught.value)
    assert not script.users


async def test_a_lock_that_minds_its_own_pin_takes_it_again(script: ScriptedLock) -> None:
    script.minds_its_own = True
    codes = codes_of(script)
    await codes.write(2, PIN, "Ana", None)
    await codes.write(2, PIN, "Bo", None)
    assert script.sent.count("ClearCredential") == 0
    await codes_of(script).write(2, PIN, "Bo", None)
    assert script.pins[2]["pin"] == "4711"


async def test_a_known_pin_is_not_lost_to_a_duplicate_that_shall_replace_it(
    script: ScriptedLock,
) -> None:
    script.add(4, "2580", fabric=THEIRS)
    codes = codes_of(script)
    await codes.write(2, PIN, "Ana", None)
    with pytest.raises(Conflict):
        await codes.write(2, OTHER, "Ana", None)
    assert script.pins[2]["pin"] == "4711"


@pytest.mark.parametrize("drops_users", [False, True])
async def test_clearing_takes_the_user_and_its_schedule_along(
    script: ScriptedLock, *, drops_users: bool
) -> None:
    script.drops_users = drops_users
    codes = codes_of(script)
    await codes.write(2, PIN, "Ana", WINDOW)
    await codes.clear(2)
    await codes.clear(2)
    assert not script.pins
    assert not script.users
    assert not script.schedules


async def test_clearing_leaves_a_user_its_other_credentials(script: ScriptedLock) -> None:
    script.add(2, "4711", others=[{"credentialType": 3, "credentialIndex": 1}])
    await codes_of(script).clear(2)
    assert not script.pins
    assert set(script.users) == {2}


async def test_a_schedule_stands_before_the_pin_does(script: ScriptedLock) -> None:
    await codes_of(script).write(2, PIN, "Ana", WINDOW)
    order = [name for name in script.sent if name.startswith("Set")]
    assert order == ["SetUser", "SetYearDaySchedule", "SetCredential"]
    assert script.users[2]["userType"] == 1
    assert await codes_of(script).read(2) == Occupied(window=WINDOW, name="Ana")


async def test_a_schedule_put_on_a_standing_code_binds_it_before_its_pin_changes(
    script: ScriptedLock,
) -> None:
    codes = codes_of(script)
    await codes.write(2, PIN, "Ana", None)
    script.sent.clear()
    await codes.write(2, OTHER, "Ana", WINDOW)
    order = [name for name in script.sent if name.startswith("Set")]
    assert order == ["SetYearDaySchedule", "SetUser", "SetCredential"]
    assert await codes.read(2) == Occupied(window=WINDOW, name="Ana")


async def test_a_schedule_that_is_lifted_goes_once_the_pin_stands(script: ScriptedLock) -> None:
    codes = codes_of(script)
    await codes.write(2, PIN, "Ana", WINDOW)
    script.sent.clear()
    await codes.write(2, OTHER, "Ana", None)
    assert script.sent.index("SetCredential") < script.sent.index("SetUser")
    assert not script.schedules
    assert await codes.read(2) == Occupied(window=None, name="Ana")


async def test_a_window_in_the_hour_that_comes_twice_is_known_again_after_a_restart(
    script: ScriptedLock,
) -> None:
    store = KeptStore()
    first_pass = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    window = Window(first_pass, first_pass + timedelta(days=1))
    codes = codes_of(script, store=store)
    await codes.write(2, PIN, "Ana", window)
    assert await codes.read(2) == Occupied(window=window, name="Ana")
    again = codes_of(script, store=store)
    await again._schedules.load()
    assert await again.read(2) == Occupied(window=window, name="Ana")


async def test_an_odd_window_does_not_outlive_the_next_one(script: ScriptedLock) -> None:
    first_pass = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    end = first_pass + timedelta(days=1)
    codes = codes_of(script)
    await codes.write(2, PIN, "Ana", Window(first_pass, end))
    exact = Window(datetime(2026, 10, 25, 0, 0, tzinfo=UTC), end)
    await codes.write(2, PIN, "Ana", exact)
    assert await codes.read(2) == Occupied(window=exact, name="Ana")


LOCAL = "0/56/7"
LOCAL_NOW = (datetime(2026, 6, 1, 14, tzinfo=UTC) - datetime(2000, 1, 1, tzinfo=UTC)) // timedelta(
    microseconds=1
)
"""What clocks on walls of the zone show at NOW, in microseconds since 2000."""


async def test_a_lock_that_keeps_the_time_of_its_zone_is_scheduled(script: ScriptedLock) -> None:
    script.attributes[LOCAL] = LOCAL_NOW + 60_000_000
    codes = codes_of(script, tells_time=True)
    await codes.write(2, PIN, "Ana", WINDOW)
    await codes.write(3, OTHER, "Bo", WINDOW)
    assert script.sent.count("read_attribute") == 1


@pytest.mark.parametrize("told", [None, LOCAL_NOW - 2 * 3600 * 1_000_000])
async def test_a_lock_that_keeps_another_time_is_not_trusted_with_schedules(
    script: ScriptedLock, told: int | None
) -> None:
    script.attributes[LOCAL] = told
    with pytest.raises(NeedsAttention):
        await codes_of(script, tells_time=True).write(2, PIN, "Ana", WINDOW)
    assert not script.pins
    assert not script.users


@pytest.mark.parametrize(
    ("name", "stored"),
    [
        (None, None),
        ("", None),
        ("Anastasia Long", "Anastasia"),
        ("Zoë Müller", "Zoë Müll"),
        ("你好世界", "你好世"),
    ],
)
def test_a_name_is_cut_to_what_fits(name: str | None, stored: str | None) -> None:
    assert stored_name(name, 10) == stored
    assert stored_name(name, None) is None
