"""The console in a real browser: its main journeys, each page at two widths, and axe-core."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from support.chromium import DESKTOP, PHONE, chromium, keep_screenshot, serious_issues
from support.server import API_KEY, LatchworkProcess, wait_for

pytestmark = [pytest.mark.acceptance]


IN_DARK = ("overview", "timeline", "lock", "code-form")
"""Pages that hold every colour."""


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LatchworkProcess]:
    with LatchworkProcess(tmp_path_factory.mktemp("console"), "--demo") as process:
        wait_for("the locks", lambda: len(process.call("/devices/list")["devices"]) >= 8)
        yield process


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def signed_in(browser: Browser, demo: LatchworkProcess) -> Iterator[Page]:
    """One page for all: each test goes where it wants to be. What the browser complains of is
    gathered on it."""
    context = browser.new_context(base_url=demo.url, timezone_id="Europe/Berlin")
    context.set_default_timeout(10_000)
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console",
        lambda said: complaints.append(said.text) if said.type in {"error", "warning"} else None,
    )
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto("/console")
    page.get_by_label("API key").fill(API_KEY)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("link", name="Overview")).to_be_visible()
    yield page
    context.close()
    assert complaints == []


def lock_of(demo: LatchworkProcess, name: str) -> str:
    devices = demo.call("/devices/list")["devices"]
    return next(str(d["device_id"]) for d in devices if d["display_name"] == name)


def test_a_link_opens_the_console_once(browser: Browser, demo: LatchworkProcess) -> None:
    printed = re.search(r"Console +(http\S+)", demo.log.read_text())
    assert printed is not None
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(printed[1])
        page.get_by_role("button", name="Open the console").click()
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        assert page.url == f"{demo.url}/console"
        [cookie] = [c for c in context.cookies() if "console" in c["name"]]
        assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
        page.get_by_role("button", name="Sign out").click()
        page.goto(f"{demo.url}/console/keys")
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        page.goto(printed[1])
        page.get_by_role("button", name="Open the console").click()
        expect(page.get_by_role("alert")).to_contain_text("used already")


def test_a_code_is_made_by_the_locks_rules_and_seen_to_be_set(
    signed_in: Page, demo: LatchworkProcess
) -> None:
    page = signed_in
    page.goto(f"/console/locks/{lock_of(demo, 'Cabin')}")
    page.get_by_role("link", name="New code").click()
    page.get_by_label("Whose code is it?").fill("Ada Lovelace")
    page.get_by_label("PIN", exact=True).press_sequentially("47")
    expect(page.locator("#rules .s-failed")).to_have_count(2)
    page.get_by_label("PIN", exact=True).fill("361542")
    expect(page.locator("#rules .s-failed")).to_have_count(0)
    expect(page.locator("#rules .s-set")).to_have_count(2)
    page.get_by_label("Always").check()
    page.get_by_role("button", name="Create the code").click()
    expect(page.get_by_role("status")).to_contain_text("on its way to the lock")
    # Told by the server; the page is not loaded anew.
    expect(page.locator("#live .lead .state")).to_have_text("Set", timeout=15_000)
    expect(page.locator("main")).to_contain_text("read this PIN back")
    expect(page.locator("main")).not_to_contain_text("361542")
    page.get_by_role("button", name="Show the PIN").click()
    expect(page.locator("output.pin")).to_have_text("361542")
    page.goto("/console/audit")
    expect(page.locator("tbody tr").first).to_contain_text("Looked at a PIN")


def test_a_lock_is_broken_and_that_is_told(signed_in: Page, demo: LatchworkProcess) -> None:
    page = signed_in
    page.goto(f"/console/locks/{lock_of(demo, 'Studio')}")
    expect(page.locator("#live .lead .state")).to_have_text("All well")
    page.get_by_role("button", name="Out of reach").click()
    expect(page.locator("#live .lead .state")).to_have_text("Out of reach")
    page.goto("/console")
    expect(page.get_by_role("heading", level=1)).to_have_text("Something needs you")
    expect(page.locator("section", has_text="Look at these first").first).to_contain_text("Studio")


def test_a_code_of_another_hand_is_taken_over(signed_in: Page, demo: LatchworkProcess) -> None:
    page = signed_in
    page.goto(f"/console/locks/{lock_of(demo, 'Back Door')}")
    page.get_by_label("Somebody programs this PIN at the keypad").fill("739182")
    page.get_by_role("button", name="Program by hand").click()
    row = page.locator("tbody tr", has_text="another hand put it there")
    expect(row).to_have_count(1, timeout=15_000)
    row.get_by_role("button", name="Convert").click()
    expect(page.get_by_role("status")).to_contain_text("being taken over")
    expect(row).to_have_count(0, timeout=15_000)
    expect(page.locator("tbody tr")).to_contain_text("This PIN")


def test_the_keyboard_alone_is_enough(signed_in: Page, demo: LatchworkProcess) -> None:
    page = signed_in
    now = datetime.now(UTC)
    demo.call(
        "/access_codes/create",
        device_id=lock_of(demo, "Lobby"),
        name="Grace Hopper",
        starts_at=(now + timedelta(hours=9)).isoformat(),
        ends_at=(now + timedelta(days=2)).isoformat(),
    )
    page.goto("/console/timeline")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    bar = page.locator("a[data-tip*='Grace Hopper']")
    bar.focus()
    expect(page.get_by_role("tooltip")).to_contain_text("Grace Hopper")
    page.keyboard.press("Escape")
    expect(page.locator("#tip")).to_be_hidden()
    bar.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Grace Hopper")


def test_every_page_fits_is_legible_and_has_no_serious_issue(
    signed_in: Page, demo: LatchworkProcess
) -> None:
    page, found = signed_in, {}
    webhook = demo.call("/webhooks/create", url=f"{demo.url}/nowhere")["webhook"]
    lock = lock_of(demo, "Cabin")
    [code] = demo.call("/access_codes/list", device_id=lock)["access_codes"]
    demo.call("/access_codes/update", access_code_id=code["access_code_id"], name="Ada")
    hook = f"/console/webhooks/{webhook['webhook_id']}"
    event = demo.events(event_type="access_code.set_on_device")[-1]
    for name, path in {
        "overview": "/console",
        "timeline": "/console/timeline",
        "locks": "/console/locks",
        "lock": f"/console/locks/{lock}",
        "codes": "/console/codes",
        "code": f"/console/codes/{code['access_code_id']}",
        "code-form": f"/console/codes/new?device={lock}",
        "events": "/console/events",
        "event": f"/console/events/{event['event_id']}",
        "webhooks": "/console/webhooks",
        "webhook": hook,
        "accounts": "/console/accounts",
        "keys": "/console/keys",
        "audit": "/console/audit",
    }.items():
        for scheme, size in (("light", PHONE), ("dark", DESKTOP)):
            page.emulate_media(color_scheme=scheme)
            page.set_viewport_size(size)
            page.goto(path)
            expect(page.get_by_role("heading", level=1)).to_be_visible()
            issues: list[str] = []
            if scheme == "light" or name in IN_DARK:
                issues = serious_issues(page, colors_alone=scheme == "dark")
            wide = page.evaluate("document.documentElement.scrollWidth")
            if wide > size["width"]:
                issues.append(f"{wide - size['width']} px too wide")
            if issues:
                found[f"{name} {scheme} {size['width']}"] = issues
            keep_screenshot(page, f"{name}-{size['width']}-{scheme}")
    page.emulate_media(color_scheme="light")
    assert found == {}
