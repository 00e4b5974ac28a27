"""What came of a behaviour on a lock, as a record that outlives the run."""

from pathlib import Path

import msgspec


class NotConforming(AssertionError):
    """The driver or its stack does not behave as the suite demands; says how."""


def expect(condition: object, message: str) -> None:
    """Raises NotConforming unless the condition holds."""
    if not condition:
        raise NotConforming(message)


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """`shown` False: the stack cannot show the behaviour, for the reason in `note`; else `note`
    says what the stack really did. `radio`: operations that it cost, None where they cannot be
    counted or count for nothing. `seconds`: on the bench's clock."""

    behaviour: str
    lock: str
    shown: bool
    note: str = ""
    radio: int | None = None
    seconds: float = 0.0


def save(outcome: Outcome, folder: Path) -> None:
    """One file each, replaced by a later run."""
    folder.mkdir(parents=True, exist_ok=True)
    slug = "".join(c if c.isalnum() else "-" for c in f"{outcome.lock}--{outcome.behaviour}")
    (folder / f"{slug}.json").write_bytes(msgspec.json.format(msgspec.json.encode(outcome)))


def load(folder: Path) -> list[Outcome]:
    """All that were saved, in no order that means anything."""
    decoder = msgspec.json.Decoder(Outcome)
    return [decoder.decode(path.read_bytes()) for path in sorted(folder.glob("*.json"))]
