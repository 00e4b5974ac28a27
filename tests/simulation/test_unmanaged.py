"""Codes of other hands that a caller wishes to take over or to remove; the keypad is the judge."""

from typing import Any

from latchwork.domain.action_attempt import ActionAttempt, ActionType
from latchwork.domain.pin import Pin
from latchwork.domain.slots import ForeignCode
from latchwork.domain.window import Window
from latchwork.drivers.simulator.lock import Stored
from support.delivery import on_virtual_time
from support.world import DAY, HOUR, MINUTE, SECOND, World, one_lock

CONVERT, DELETE = ActionType.CONVERT_TO_MANAGED, ActionType.DELETE_UNMANAGED


class Street(World):
    """A world with another hand at the keypad of its lock."""

    async def by_hand(self, position: int, pin: str, window: Window | None = None) -> ForeignCode:
        """Another hand's code, once the engine has found it."""
        self.program_by_hand(position, pin)
        self.lock().put(position, Stored(Pin(pin), "Cleaner", window), self.clock.now())
        await self.driver.house.save(self.lock())
        await self.rescan()
        return await self.found(pin)

    async def rescan(self) -> None:
        device = await self.device()
        await self.storage.rescan_device(device.device_id, self.clock.now(), positions=True)
        await self.wait(5 * SECOND, SECOND)

    async def found(self, pin: str) -> ForeignCode:
        [code] = [v.code for v in await self.others() if v.code.pin == Pin(pin)]
        return code

    async def wish(self, kind: ActionType, code: ForeignCode, **values: Any) -> str:
        """The id of the attempt."""
        attempt = ActionAttempt(
            action_attempt_id=self.new_id(),
            workspace_id=self.workspace_id,
            action_type=kind,
            created_at=self.clock.now(),
            device_id=code.device_id,
            values={"unmanaged_access_code_id": code.unmanaged_access_code_id, **values},
        )
        await self.storage.add_attempt(attempt)
        return attempt.action_attempt_id

    async def outcome(self, attempt_id: str) -> str:
        found = await self.storage.attempt(self.workspace_id, attempt_id)
        assert found is not None
        return found.error_type or found.status.value

    def let_go(self, position: int) -> None:
        """The code there need not stand any more."""
        del self.foreign[self.first_key, position]


@on_virtual_time
async def test_a_code_is_taken_over_as_it_stands_without_a_write() -> None:
    async with Street() as world:
        other = await world.by_hand(4, "2468")
        attempt = await world.wish(CONVERT, other)
        await world.wait(5 * SECOND, SECOND)
        assert await world.outcome(attempt) == "success"
        view = await world.view(other.unmanaged_access_code_id)
        assert (view.code.status.value, view.code.name) == ("set", "Cleaner")
        assert view.code.evidence is not None
        assert (view.code.evidence.kind.value, view.code.evidence.position) == ("read_back", 4)
        assert view.code.type.value == "ongoing"
        assert await world.others() == []
        assert world.lock().radio.write == 0
        assert await world.told(other.unmanaged_access_code_id) == [
            "unmanaged.created",
            "unmanaged.converted_to_managed",
            "set_on_device",
        ]
        await world.wait(2 * DAY, HOUR)
        assert world.lock().radio.write == world.lock().radio.clear == 0


@on_virtual_time
async def test_a_code_that_was_taken_over_is_managed_like_any_other() -> None:
    async with Street() as world:
        other = await world.by_hand(4, "2468")
        await world.wish(CONVERT, other)
        await world.wait(5 * SECOND, SECOND)
        world.let_go(4)
        code_id = other.unmanaged_access_code_id
        await world.update(code_id, pin="1357")
        await world.wait_for(code_id, "set", 10 * SECOND)
        assert world.keypad("1357")
        assert not world.keypad("2468")
        world.lock().put(4, None, world.clock.now())
        await world.wait(7 * HOUR)
        assert world.keypad("1357"), "removed by hand, and not set again"
        await world.delete(code_id)
        await world.wait_for(code_id, "gone", 10 * SECOND)
        assert not world.keypad("1357")


@on_virtual_time
async def test_a_window_on_the_lock_makes_a_time_bound_code_that_ends_in_time() -> None:
    async with Street(one_lock(native_scheduling=True)) as world:
        now = world.clock.now().replace(second=0, microsecond=0)
        other = await world.by_hand(4, "2468", Window(now - HOUR, now + 3 * HOUR))
        await world.wish(CONVERT, other)
        await world.wait(5 * SECOND, SECOND)
        view = await world.view(other.unmanaged_access_code_id)
        assert view.code.type.value == "time_bound"
        assert view.code.ends_at == now + 3 * HOUR
        assert view.code.status.value == "set"
        assert world.lock().radio.write == 0
        world.let_go(4)
        await world.wait(3 * HOUR)
        assert await world.status(other.unmanaged_access_code_id) == "gone"
        assert world.lock().codes == {}


@on_virtual_time
async def test_a_code_that_was_changed_meanwhile_is_not_taken_over() -> None:
    async with Street() as world:
        other = await world.by_hand(4, "2468")
        world.program_by_hand(4, "9753")
        attempt = await world.wish(CONVERT, other)
        await world.wait(10 * SECOND, SECOND)
        assert await world.outcome(attempt) == "access_code_not_found"
        assert await world.find(other.unmanaged_access_code_id) is None
        told = await world.told(other.unmanaged_access_code_id)
        assert told == [
            "unmanaged.created",
            "unmanaged.removed",
            "unmanaged.failed_to_convert_to_managed",
        ]
        assert (await world.found("9753")).unmanaged_access_code_id != (
            other.unmanaged_access_code_id
        )
        assert world.keypad("9753")


@on_virtual_time
async def test_a_take_over_waits_for_the_lock_and_is_given_up_in_time() -> None:
    async with Street() as world:
        other = await world.by_hand(4, "2468")
        world.lock().faults.offline = True
        late = await world.wish(CONVERT, other)
        await world.wait(10 * MINUTE)
        assert await world.outcome(late) == "pending"
        await world.wait(6 * MINUTE)
        assert await world.outcome(late) == "timed_out"
        world.lock().faults.offline = False
        await world.wait(10 * MINUTE)
        assert await world.find(other.unmanaged_access_code_id) is None
        world.lock().faults.offline = True
        in_time = await world.wish(CONVERT, other)
        await world.wait(5 * MINUTE)
        world.lock().faults.offline = False
        await world.wait(6 * MINUTE)
        assert await world.outcome(in_time) == "success"
        assert await world.status(other.unmanaged_access_code_id) == "set"


@on_virtual_time
async def test_a_crash_in_a_take_over_costs_a_read_and_nothing_else() -> None:
    async with Street(one_lock({"delay": 0.5})) as world:
        other = await world.by_hand(4, "2468")
        attempt = await world.wish(CONVERT, other)
        for moment in (0.1, 0.3, 0.6):
            await world.clock.sleep(SECOND * moment)
            await world.restart()
        await world.wait(MINUTE, SECOND)
        assert await world.outcome(attempt) == "success"
        assert await world.status(other.unmanaged_access_code_id) == "set"
        assert world.lock().radio.write == 0
        told = await world.told(other.unmanaged_access_code_id)
        assert told.count("unmanaged.converted_to_managed") == 1


@on_virtual_time
async def test_a_named_code_is_removed_and_nothing_else() -> None:
    async with Street() as world:
        await world.by_hand(3, "1111")
        other = await world.by_hand(4, "2468")
        world.let_go(4)
        attempt = await world.wish(DELETE, other)
        await world.wait(5 * SECOND, SECOND)
        assert await world.outcome(attempt) == "success"
        assert not world.keypad("2468")
        assert world.keypad("1111")
        assert world.lock().radio.clear == 1
        assert await world.told(other.unmanaged_access_code_id) == [
            "unmanaged.created",
            "unmanaged.removed",
        ]


@on_virtual_time
async def test_a_code_that_took_the_place_of_the_named_one_is_not_removed() -> None:
    async with Street() as world:
        other = await world.by_hand(4, "2468")
        world.program_by_hand(4, "9753")
        attempt = await world.wish(DELETE, other)
        await world.wait(MINUTE, SECOND)
        assert await world.outcome(attempt) == "success", "the named code is gone"
        assert world.lock().radio.clear == 0
        assert world.keypad("9753")


@on_virtual_time
async def test_a_crash_between_read_and_clear_reads_again_before_it_clears() -> None:
    """The other code comes while the engine is down, after it had read the one that was named."""
    async with Street() as world:
        other = await world.by_hand(4, "2468")
        reads = world.lock().radio.read
        attempt = await world.wish(DELETE, other)
        while world.lock().radio.read == reads:
            await world.clock.sleep(SECOND / 100)
        await world.kill()
        assert world.connections.driver(world.account.connected_account_id) is None
        await world.storage.clear_leases()
        world.start()
        await world.clock.sleep(SECOND / 100)
        world.program_by_hand(4, "9753")
        await world.wait(MINUTE, SECOND)
        assert await world.outcome(attempt) == "success"
        assert world.keypad("9753")
        assert world.lock().radio.clear == 0


@on_virtual_time
async def test_a_crash_after_the_clear_ends_the_wish_all_the_same() -> None:
    async with Street() as world:
        other = await world.by_hand(4, "2468")
        world.let_go(4)
        attempt = await world.wish(DELETE, other)
        while world.keypad("2468"):
            await world.clock.sleep(SECOND / 100)
        await world.restart()
        await world.wait(MINUTE, SECOND)
        assert await world.outcome(attempt) == "success"
        assert (await world.told(other.unmanaged_access_code_id))[-1] == "unmanaged.removed"


@on_virtual_time
async def test_a_lost_answer_to_the_clear_is_read_and_not_cleared_twice() -> None:
    async with Street() as world:
        other = await world.by_hand(4, "2468")
        world.let_go(4)
        world.lock().faults.drop_answer = 1
        attempt = await world.wish(DELETE, other)
        await world.wait(MINUTE, SECOND)
        assert await world.outcome(attempt) == "success"
        assert world.lock().radio.clear == 1


@on_virtual_time
async def test_a_lock_that_ignores_the_clear_is_asked_with_growing_waits_and_told() -> None:
    async with Street() as world:
        other = await world.by_hand(4, "2468")
        world.lock().faults.ignore_clears = -1
        attempt = await world.wish(DELETE, other)
        await world.wait(20 * MINUTE)
        assert await world.outcome(attempt) == "timed_out"
        assert 2 < world.lock().radio.clear < 15
        spent = world.lock().radio.total
        world.lock().faults.ignore_clears = 0
        await world.wait(HOUR)
        assert world.lock().radio.total == spent, "given up, and still at it"
        assert world.keypad("2468")


@on_virtual_time
async def test_a_pin_that_the_lock_hides_is_never_cleared() -> None:
    async with Street() as world:
        other = await world.by_hand(4, "2468")
        world.lock().faults.mask_pins = True
        attempt = await world.wish(DELETE, other)
        await world.wait(20 * MINUTE)
        assert await world.outcome(attempt) == "timed_out"
        assert world.lock().radio.clear == 0


@on_virtual_time
async def test_a_duplicate_of_a_managed_code_is_not_taken_over() -> None:
    async with Street() as world:
        code = await world.create("2468")
        await world.wait_for(code, "set", 5 * SECOND)
        other = await world.by_hand(9, "9753")
        world.lock().put(9, Stored(Pin("2468")), world.clock.now())
        world.foreign[world.first_key, 9] = Pin("2468")
        await world.rescan()
        other = await world.found("2468")
        attempt = await world.wish(CONVERT, other)
        await world.wait(10 * SECOND, SECOND)
        assert await world.outcome(attempt) == "duplicate_access_code"
        assert len(await world.others()) == 1


@on_virtual_time
async def test_a_removal_of_what_was_taken_over_meanwhile_is_refused() -> None:
    async with Street() as world:
        other = await world.by_hand(4, "2468")
        first = await world.wish(CONVERT, other)
        second = await world.wish(DELETE, other)
        await world.wait(10 * SECOND, SECOND)
        assert await world.outcome(first) == "success"
        assert await world.outcome(second) == "access_code_is_managed"
        assert world.keypad("2468")
