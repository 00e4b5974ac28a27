"""Codes in the console: made and changed by the API's rules, PINs shown when asked for."""

from datetime import timedelta

import pytest

from latchwork.domain.device import CodeConstraint
from support.browser import Browser, found

PIN = "739173"
START = {"starts_at": "2026-11-25T15:00", "ends_at": "2026-11-27T11:00", "kind": "window"}


async def made(browser: Browser, lock: str, **typed: str) -> str:
    response = await browser.post(f"/codes/new?device={lock}", **typed)
    assert response.status_code == 303, response.text
    return found(r"/console/codes/([^?]+)", response.headers["location"])


async def code_of(browser: Browser, code_id: str) -> dict[str, object]:
    answer = await browser.house.ok("/access_codes/get", access_code_id=code_id)
    shown: dict[str, object] = answer["access_code"]
    return shown


async def actions(browser: Browser) -> list[str]:
    house = browser.house
    entries = await house.storage.audit_entries(house.workspace_id, limit=100, before=None)
    return [f"{entry.via} {entry.action}" for entry in entries]


async def test_a_code_is_wished_for_in_the_locks_own_time(inside: Browser) -> None:
    lock = await inside.house.add_lock(time_zone="America/New_York")
    assert "Front Door" in await inside.get("/codes/new")
    form = await inside.get(f"/codes/new?device={lock}")
    assert "America/New York" in form
    code_id = await made(inside, lock, name="Ada <3", code=PIN, **START)
    code = await code_of(inside, code_id)
    assert code["starts_at"] == "2026-11-25T20:00:00.000Z"
    assert code["ends_at"] == "2026-11-27T16:00:00.000Z"
    assert (code["name"], code["code"]) == ("Ada <3", PIN)
    page = await inside.get(f"/codes/{code_id}?told=created")
    assert "Ada &lt;3" in page
    assert "on its way to the lock" in page
    assert PIN not in page
    assert "console /access_codes/create" in await actions(inside)


async def test_one_without_an_end_and_without_a_pin(inside: Browser) -> None:
    lock = await inside.house.add_lock()
    code = await code_of(inside, await made(inside, lock, kind="always"))
    assert (code["type"], code["ends_at"]) == ("ongoing", None)
    assert len(str(code["code"])) == 4


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"code": "12"}, "length that the lock takes"),
        ({"code": "abcd"}, "may only hold these characters"),
        ({"code": PIN, "ends_at": ""}, "Say when the code shall end"),
        ({"code": PIN, "ends_at": "soon"}, "Give a date and a time"),
        ({"code": PIN, "ends_at": "2026-11-25T14:00"}, "must"),
        ({"code": PIN, "name": "x" * 200}, "name"),
    ],
)
async def test_what_the_api_refuses_is_told_in_its_words(
    inside: Browser, typed: dict[str, str], said: str
) -> None:
    lock = await inside.house.add_lock()
    before = await inside.house.contents()
    response = await inside.post(
        f"/codes/new?device={lock}", **{"name": "Ada", **START, "code": "", **typed}
    )
    assert response.status_code == 400
    assert said in found(r'role="alert"[^>]*>(.*?)</div>', response.text.replace("\n", " "))
    assert PIN not in response.text
    assert await inside.house.contents() == before


async def test_a_pin_twice_on_a_lock(inside: Browser) -> None:
    lock = await inside.house.add_lock()
    await made(inside, lock, code=PIN, **START)
    response = await inside.post(f"/codes/new?device={lock}", code=PIN, **START)
    assert response.status_code == 409
    assert "already has an access code with this PIN" in response.text


async def test_the_clocks_change(inside: Browser) -> None:
    lock = await inside.house.add_lock(time_zone="Europe/Berlin")
    typed = {"kind": "window", "starts_at": "2027-03-28T02:30", "ends_at": "2027-03-29T10:00"}
    response = await inside.post(f"/codes/new?device={lock}", **typed)
    assert "pass over this time" in response.text


async def test_rules_are_checked_as_one_types(inside: Browser) -> None:
    lock = await inside.house.add_lock(CodeConstraint("no_zeros"))
    await made(inside, lock, code=PIN, kind="always")

    async def checked(code: str, **more: str) -> str:
        return (await inside.post(f"/locks/{lock}/check", code=code, **more)).text

    assert "s-failed" not in await checked("")
    bad = await checked("4710")
    assert bad.count("s-failed") == 1
    assert "must not hold a 0" in bad
    assert (await checked("10")).count("s-failed") == 2
    good = await checked("4711")
    assert "s-failed" not in good
    assert good.count("Kept.") == 3
    assert "Another code on this lock has this PIN" in await checked(PIN)
    suggested = (await inside.post(f"/locks/{lock}/suggest")).text
    assert "s-failed" not in await checked(found(r'value="(\d+)"', suggested))


async def test_a_pin_is_shown_when_asked_for_and_that_is_on_record(inside: Browser) -> None:
    lock = await inside.house.add_lock()
    code_id = await made(inside, lock, code=PIN, kind="always")
    for path in ("", "/timeline", "/codes", f"/codes/{code_id}", f"/locks/{lock}", "/events"):
        assert PIN not in await inside.get(path), path
    assert (await inside.client.get(f"/console/codes/{code_id}/pin")).status_code == 405
    assert "console reveal_pin" not in await actions(inside)
    assert PIN in (await inside.post(f"/codes/{code_id}/pin")).text
    headers = {"hx-request": "true", "sec-fetch-site": "same-origin"}
    token = {"x-form-token": await inside.token()}
    url = f"/console/codes/{code_id}/pin"
    part = await inside.client.post(url, headers={**headers, **token})
    assert part.text.strip() == f'<output class="pin">{PIN}</output>'
    assert (await actions(inside)).count("console reveal_pin") == 2
    assert PIN not in await inside.get("/audit")
    assert "Looked at a PIN" in await inside.get("/audit")


async def test_a_code_is_changed_and_what_is_left_alone_stays(inside: Browser) -> None:
    house = inside.house
    lock = await house.add_lock()
    starts = house.now + timedelta(days=1, seconds=17)
    answer = await house.ok(
        "/access_codes/create",
        device_id=lock,
        name="Ada",
        code=PIN,
        starts_at=starts.isoformat(),
        ends_at=(starts + timedelta(days=2)).isoformat(),
    )
    code_id = answer["access_code"]["access_code_id"]
    form = await inside.get(f"/codes/{code_id}/edit")
    assert PIN not in form
    assert 'value="2026-11-25T15:00"' in form
    await inside.done(
        f"/codes/{code_id}/edit",
        name="Grace",
        kind="window",
        starts_at="2026-11-25T15:00",
        ends_at="2026-11-28T10:30",
    )
    code = await code_of(inside, code_id)
    assert (code["name"], code["code"]) == ("Grace", PIN)
    assert code["starts_at"] == "2026-11-25T15:00:17.000Z"
    assert code["ends_at"] == "2026-11-28T10:30:00.000Z"
    await inside.done(f"/codes/{code_id}/edit", name="", kind="always", code="4711")
    code = await code_of(inside, code_id)
    assert (code["name"], code["type"], code["ends_at"]) == (None, "ongoing", None)
    assert code["code"] == "4711"


async def test_a_code_is_deleted(inside: Browser) -> None:
    lock = await inside.house.add_lock()
    code_id = await made(inside, lock, kind="always")
    page = await inside.done(f"/codes/{code_id}/delete")
    assert "being taken off the lock" in page


async def test_codes_are_found_by_name(inside: Browser) -> None:
    lock = await inside.house.add_lock()
    await made(inside, lock, name="Ada", kind="always")
    await made(inside, lock, name="Grace", kind="always")
    page = await inside.get("/codes?q=ada")
    assert ">Ada<" in page
    assert ">Grace<" not in page


async def test_what_belongs_to_others_is_not_there(inside: Browser) -> None:
    house = inside.house
    lock = await house.add_lock()
    code_id = await made(inside, lock, kind="always", code=PIN)
    await house.furnish_other()
    await inside.sign_in(house.client.headers["authorization"].partition(" ")[2])
    for path in (f"/codes/{code_id}", f"/codes/{code_id}/edit", f"/locks/{lock}"):
        await inside.get(path, status=404)
    for path in (
        f"/codes/{code_id}/pin",
        f"/codes/{code_id}/delete",
        f"/locks/{lock}/bolt/unlock",
        f"/codes/new?device={lock}",
    ):
        response = await inside.post(path, kind="always")
        assert response.status_code == 404, path
        assert PIN not in response.text
