"""The overview: how things stand, worst first."""

from datetime import timedelta

import pytest

from support.browser import Browser


async def test_a_house_without_locks_is_shown_the_way(inside: Browser) -> None:
    assert "No locks yet" in await inside.get()


async def test_what_stands_and_what_today_brings(inside: Browser) -> None:
    house = inside.house
    lock = await house.add_lock(display_name="Cellar <door>")
    soon = (house.now + timedelta(hours=2)).isoformat()
    later = (house.now + timedelta(days=3)).isoformat()
    await house.ok(
        "/access_codes/create",
        device_id=lock,
        name="Ada",
        code="739173",
        starts_at=soon,
        ends_at=later,
    )
    page = await inside.get()
    assert "All is well" in page
    assert "Cellar &lt;door&gt;" in page
    assert "17:00" in page
    assert "starts" in page
    assert "739173" not in page


async def test_times_are_those_of_the_browser(inside: Browser) -> None:
    house = inside.house
    lock = await house.add_lock()
    soon = (house.now + timedelta(hours=2)).isoformat()
    await house.ok(
        "/access_codes/create", device_id=lock, starts_at=soon, ends_at="2027-01-01T00:00Z"
    )
    inside.client.cookies.set("latchwork_zone", "Europe/Berlin")
    assert "18:00" in await inside.get()
    inside.client.cookies.set("latchwork_zone", "../../etc/passwd")
    assert "Times are in UTC" in await inside.get()


async def test_a_lock_out_of_reach_comes_first(inside: Browser) -> None:
    house = inside.house
    await house.add_lock(display_name="Attic")
    await house.add_lock(display_name="Zoo", online=False)
    page = await inside.get()
    assert "Something needs you" in page
    assert "1 lock is out of reach" in page
    assert page.index('class="name">Zoo') < page.index('class="name">Attic')


async def test_with_very_many_codes_a_part_of_them_is_counted(
    inside: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("latchwork.storage.sql.glances.COUNTED", 2)
    lock = await inside.house.add_lock()
    for _ in range(3):
        await inside.house.ok("/access_codes/create", device_id=lock)
    page = await inside.get()
    assert "There are more than" in page
    assert "too many codes to look for those of today" in page


async def test_a_workspace_sees_its_own_alone(inside: Browser) -> None:
    house = inside.house
    await house.add_lock(display_name="Attic")
    await house.furnish_other()
    response = await inside.sign_in(house.client.headers["authorization"].partition(" ")[2])
    assert response.status_code == 303
    page = await inside.get()
    assert "Attic" not in page
    assert "Other" in page
