"""The schema's versions, forward only: `NNNN_name.sql`, read by SQLite as it stands and by
PostgreSQL in its own types. `NNNN_name.postgres.sql` holds what that version has there besides.

A version that starts with a line `-- oldest: N` can still be used by a release that knows no newer
one than N (it only expands); one without such a line is for its own release and later ones
(it contracts), and waits until no older process runs.
"""

from collections.abc import Sequence
from importlib import resources
from typing import Final

import msgspec

_OLDEST: Final = "-- oldest: "


class Migration(msgspec.Struct, frozen=True):
    """One version. `oldest`: the version of the oldest release that can work with it."""

    version: int
    script: str
    postgres: str
    oldest: int


def shipped() -> Sequence[Migration]:
    """The migrations of this release, oldest first, numbered from 1 without a gap."""
    scripts: dict[int, str] = {}
    beside: dict[int, str] = {}
    for file in resources.files(__package__).iterdir():
        number, _, rest = file.name.partition("_")
        if rest.endswith(".postgres.sql"):
            beside[int(number)] = file.read_text(encoding="utf-8")
        elif rest.endswith(".sql"):
            assert int(number) not in scripts, f"two migrations are numbered {number}"  # noqa: S101
            scripts[int(number)] = file.read_text(encoding="utf-8")
    return [migration(n, scripts[n], beside.get(n, "")) for n in sorted(scripts)]


def migration(version: int, script: str, postgres: str = "") -> Migration:
    first, _, _ = script.partition("\n")
    oldest = int(first.removeprefix(_OLDEST)) if first.startswith(_OLDEST) else version
    return Migration(version, script, postgres, oldest)
