"""An account of every change of state beside the engine's own: kept by the database itself, and
compared with the events that were told of it."""

import sqlite3
from collections import Counter
from collections.abc import Set

_ACCOUNT = """
CREATE TEMP TABLE moved (access_code_id TEXT, became TEXT);
CREATE TEMP TRIGGER note_set AFTER UPDATE OF status ON main.access_code
  WHEN NEW.status = 'set' AND OLD.status <> 'set'
  BEGIN INSERT INTO moved VALUES (NEW.access_code_id, 'set'); END;
CREATE TEMP TRIGGER note_scheduled AFTER UPDATE OF scheduled_on_device ON main.access_code
  WHEN NEW.scheduled_on_device AND NOT OLD.scheduled_on_device
  BEGIN INSERT INTO moved VALUES (NEW.access_code_id, 'scheduled'); END;
CREATE TEMP TRIGGER note_gone AFTER UPDATE OF deleted_at ON main.access_code
  WHEN NEW.deleted_at IS NOT NULL AND OLD.deleted_at IS NULL
  BEGIN INSERT INTO moved VALUES (NEW.access_code_id, 'gone'); END;
CREATE TEMP TRIGGER note_taken_over AFTER INSERT ON main.access_code WHEN NEW.status = 'set'
  BEGIN INSERT INTO moved VALUES (NEW.access_code_id, 'set'); END;
CREATE TEMP TRIGGER note_new AFTER INSERT ON main.access_code
  BEGIN INSERT INTO moved VALUES (NEW.access_code_id, 'new'); END;
"""
_MOVED = "SELECT rowid, access_code_id, became FROM temp.moved WHERE rowid > ? ORDER BY rowid"
_TOLD = (
    "SELECT sequence, access_code_id, event_type FROM event WHERE sequence > ? "
    "AND event_type LIKE 'access_code.%' AND event_type NOT LIKE '%unmanaged%' ORDER BY sequence"
)
_TELLS = {
    "access_code.created": "new",
    "access_code.set_on_device": "set",
    "access_code.scheduled_on_device": "scheduled",
}
_BY_ANOTHER_HAND = (
    "access_code.modified_external_to_seam",
    "access_code.deleted_external_to_seam",
)
_ENDS = ("access_code.removed_from_device", "access_code.deleted")


class Audit:
    """Reads both accounts on, and compares."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._connection.executescript(_ACCOUNT)
        self._moved: Counter[tuple[str, str]] = Counter()
        self._told: Counter[tuple[str, str]] = Counter()
        self._gone: set[str] = set()
        self._last_move = self._last_event = 0

    def check(self, meddled: Set[str]) -> None:
        """`meddled`: the codes that another hand has touched."""
        touched = self._read_moves() | self._read_events()
        for code_id in touched:
            for became in ("new", "set", "scheduled"):
                moved, told = self._moved[code_id, became], self._told[code_id, became]
                # A code that is taken over is not new to its lock, and told as converted.
                if became != "new" or told:
                    assert moved == told, f"{code_id} became {became} {moved} times, told {told}"
            ends = [self._told[code_id, end] for end in _ENDS]
            assert max(ends) <= 1, f"{code_id}: its end was told twice"
            if code_id not in meddled:
                by_others = [self._told[code_id, kind] for kind in _BY_ANOTHER_HAND]
                assert not any(by_others), f"{code_id}: nobody else's hand was there, and is told"
            if code_id in self._gone:
                assert sum(ends) >= 1, f"{code_id}: its end was not told"

    def _read_moves(self) -> set[str]:
        touched = set()
        for row, code_id, became in self._connection.execute(_MOVED, (self._last_move,)):
            self._last_move = row
            self._moved[code_id, became] += 1
            touched.add(code_id)
            if became == "gone":
                self._gone.add(code_id)
        return touched

    def _read_events(self) -> set[str]:
        touched = set()
        for sequence, code_id, event_type in self._connection.execute(_TOLD, (self._last_event,)):
            self._last_event = sequence
            self._told[code_id, _TELLS.get(event_type, event_type)] += 1
            touched.add(code_id)
        return touched
