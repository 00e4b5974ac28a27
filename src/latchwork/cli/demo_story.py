"""What the demo tells: each step is done through the API and checked on the lock's keypad."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from rich.console import Console

from latchwork.cli.client import Refusal, ask, call, every
from latchwork.cli.demo import Receiver
from latchwork.cli.say import fail

LOOK_EVERY = 0.1
PATIENCE = 40.0
FRONT, SPARE = "Front Door", "Garage"


class Story:
    """Speaks, waits and tries keypads."""

    def __init__(self, receiver: Receiver, pause: float) -> None:
        self.receiver = receiver
        self.say = Console(highlight=False, soft_wrap=True)
        self.locks: dict[str, dict[str, Any]] = {}
        self.codes: dict[str, dict[str, Any]] = {}
        self._pause = pause
        self._step = 0

    def step(self, title: str) -> None:
        time.sleep(self._pause)
        self._step += 1
        self.say.print(f"\n[bold]{self._step}. {title}[/bold]")

    def tell(self, text: str) -> None:
        self.say.print(f"   {text}")

    def done(self, text: str) -> None:
        self.say.print(f"   [green]\u2713[/green] {text}")

    def command(self, text: str) -> None:
        self.say.print(f"   [dim]$ latchwork {text}[/dim]")

    def lock_id(self, name: str) -> str:
        return str(self.locks[name]["device_id"])

    def until(self, what: str, condition: Callable[[], Any]) -> Any:
        """The first answer that is one; a demo that does not get it has failed."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if answer := condition():
                return answer
            time.sleep(LOOK_EVERY)
        return fail(f"The demo waited in vain: {what}.")

    def code(self, access_code_id: str) -> dict[str, Any] | None:
        """None once it is gone."""
        try:
            found: dict[str, Any] = ask("/access_codes/get", access_code_id=access_code_id)
        except Refusal as refusal:
            if refusal.status != 404:
                fail(str(refusal))
            return None
        return dict(found["access_code"])

    def until_set(self, access_code_id: str) -> dict[str, Any]:
        seen: list[str] = []

        def is_set() -> dict[str, Any] | None:
            found = self.code(access_code_id) or {}
            status = found.get("status", "")
            if status not in seen:
                seen.append(status)
            return found if status == "set" and not found["pending_mutations"] else None

        found: dict[str, Any] = self.until("the code to be set", is_set)
        evidence = found["latchwork_evidence"]
        how = "read the PIN back" if evidence["kind"] == "read_back" else "was read: it is stored"
        self.done(f"{' > '.join(seen)}: the lock {how}, position {evidence['position']}")
        return found

    def opens(self, name: str, pin: str) -> bool:
        path = "/locks/simulate/keypad_code_entry"
        attempt = call(path, device_id=self.lock_id(name), code=pin)["action_attempt"]
        attempt_id = attempt["action_attempt_id"]

        def ended() -> dict[str, Any] | None:
            found: dict[str, Any] = call("/action_attempts/get", action_attempt_id=attempt_id)
            now: dict[str, Any] = found["action_attempt"]
            return None if now["status"] == "pending" else now

        return bool(self.until("the keypad", ended)["status"] == "success")

    def check_keypad(self, name: str, pin: str, *, opens: bool) -> None:
        if self.opens(name, pin) is not opens:
            fail(f"The demo failed: {pin} {'does not open' if opens else 'opens'} {name}.")
        self.done(f"typed at the door: {pin} {'opens it' if opens else 'does not open it'}")


def tell(receiver: Receiver, pause: float) -> None:
    """Everything, in order."""
    story = Story(receiver, pause)
    began = time.monotonic()
    for part in (_locks, _webhook, _ongoing, _changed, _stay, _duplicate, _offline, _other, _gone):
        part(story)
    story.say.print(
        f"\n[bold green]All of it worked, in {time.monotonic() - began:.0f} seconds.[/bold green] "
        f"{len(receiver.events)} signed events came, {receiver.forged} forged.\n"
        "Try it yourself: latchwork serve --demo; or your own locks: latchwork connect --help\n"
    )


def _locks(story: Story) -> None:
    story.step("A sandbox of simulated locks, which differ as real ones do")
    story.command("serve --demo")
    story.command("devices list")
    found = story.until(
        "the locks",
        lambda: (
            (every_lock := list(every("/devices/list", "devices")))
            and len(every_lock) > 8
            and every_lock
        ),
    )
    story.locks = {lock["display_name"]: lock for lock in found}
    story.tell(", ".join(sorted(story.locks)))


def _webhook(story: Story) -> None:
    story.step("Events will be sent to a receiver of ours, each signed")
    story.command(f"webhooks create {story.receiver.url}")
    made = call("/webhooks/create", url=story.receiver.url)["webhook"]
    story.receiver.secret = made["secret"]
    story.done("its secret verifies what comes")


def _ongoing(story: Story) -> None:
    story.step(f"Ada lives here: a code on {FRONT}, from now on")
    story.command(f'codes create --device "{FRONT}" --name Ada --wait')
    made = call("/access_codes/create", device_id=story.lock_id(FRONT), name="Ada")["access_code"]
    code_id = made["access_code_id"]
    story.tell(f"PIN {made['code']}, made to fit the lock; answered before any radio was used")
    story.codes["Ada"] = story.until_set(code_id)
    story.check_keypad(FRONT, made["code"], opens=True)
    if story.receiver.wait("access_code.set_on_device", code_id, PATIENCE):
        story.done("the webhook access_code.set_on_device came, and its signature is right")


def _changed(story: Story) -> None:
    story.step("Ada wants another PIN")
    ada = story.codes["Ada"]
    code_id, old = ada["access_code_id"], ada["code"]
    new = call("/access_codes/generate_code", device_id=story.lock_id(FRONT))
    pin = str(new["generated_code"]["code"])
    story.command(f"codes update {code_id[:8]}... --code {pin} --wait")
    call("/access_codes/update", access_code_id=code_id, code=pin)
    story.codes["Ada"] = story.until_set(code_id)
    story.check_keypad(FRONT, pin, opens=True)
    story.check_keypad(FRONT, old, opens=False)


def _stay(story: Story) -> None:
    story.step("A guest comes tomorrow: the lock gets the code ahead, and stays shut")
    start = datetime.now(UTC) + timedelta(days=1)
    end = start + timedelta(days=2)
    story.command(f'codes create --device "{FRONT}" --name Guest --starts-at ... --ends-at ...')
    made = call(
        "/access_codes/create",
        device_id=story.lock_id(FRONT),
        name="Guest",
        starts_at=start.isoformat(),
        ends_at=end.isoformat(),
    )["access_code"]
    code_id = made["access_code_id"]
    story.until(
        "the code to be preloaded", lambda: (story.code(code_id) or {})["is_scheduled_on_device"]
    )
    story.done("preloaded a day ahead, proven by a read")
    story.check_keypad(FRONT, made["code"], opens=False)
    story.codes["Guest"] = made


def _duplicate(story: Story) -> None:
    story.step("The same PIN a second time is refused, by name")
    pin = story.codes["Ada"]["code"]
    story.command(f'codes create --device "{FRONT}" --code {pin}')
    try:
        ask("/access_codes/create", device_id=story.lock_id(FRONT), code=pin)
    except Refusal as refusal:
        story.done(f"{refusal.status}: {refusal}")
    else:
        fail("The demo failed: a duplicate was taken.")


def _offline(story: Story) -> None:
    story.step(f"{SPARE} is out of reach when a code is due")
    device_id = story.lock_id(SPARE)
    story.command(f'sandbox disconnect "{SPARE}"')
    call("/devices/simulate/disconnect", device_id=device_id)
    made = call("/access_codes/create", device_id=device_id, name="Cleaner")["access_code"]
    code_id = made["access_code_id"]

    def warned() -> str | None:
        warnings = (story.code(code_id) or {"warnings": []})["warnings"]
        return next((w["message"] for w in warnings if "delay" in w["warning_code"]), None)

    story.done(f"told, not hidden: {story.until('the delay to be told', warned)}")
    story.command(f'sandbox connect "{SPARE}"')
    call("/devices/simulate/connect", device_id=device_id)
    story.until_set(code_id)
    story.check_keypad(SPARE, made["code"], opens=True)


def _other(story: Story) -> None:
    story.step("Somebody programs a code at the keypad: listed, never touched, taken over")
    device_id, pin = story.lock_id(FRONT), "592658"
    lengths = story.locks[FRONT]["properties"]["supported_code_lengths"]
    pin = pin[: max(n for n in lengths if n <= len(pin))]
    story.command(f'sandbox program-by-hand "{FRONT}" {pin}')
    path = "/latchwork/devices/simulate"
    call(path, device_id=device_id, action="program_by_hand", values={"code": pin})

    def listed() -> Any:
        found = every("/access_codes/unmanaged/list", "access_codes", device_id=device_id)
        return next((c for c in found if c["code"] == pin), None)

    other = story.until("the unmanaged code", listed)
    story.done("listed among unmanaged codes")
    story.command(f"unmanaged convert {other['access_code_id'][:8]}...")
    other_id = other["access_code_id"]
    call("/access_codes/unmanaged/convert_to_managed", access_code_id=other_id)
    found = story.until("it to be ours", lambda: story.code(other_id))
    story.done(f"ours now, as it stood: {found['status']}")
    story.check_keypad(FRONT, pin, opens=True)


def _gone(story: Story) -> None:
    story.step("Ada moves out")
    ada = story.codes["Ada"]
    code_id = ada["access_code_id"]
    story.command(f"codes delete {code_id[:8]}... --wait")
    call("/access_codes/delete", access_code_id=code_id)
    story.until("the code to be gone", lambda: story.code(code_id) is None)
    story.done("removing > gone: the lock was read, and the PIN is not there any more")
    story.check_keypad(FRONT, ada["code"], opens=False)
