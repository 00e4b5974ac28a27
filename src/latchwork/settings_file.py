"""Settings from a TOML file: the same names as the environment's, in lower case, unprefixed.

What the environment says goes before the file. Lists stand for what the environment divides by
commas, true and false for on and off.
"""

import difflib
import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Final

from latchwork.domain.errors import Rejected

VARIABLE: Final = "LATCHWORK_CONFIG"


def read(path: Path, known: Collection[str], prefix: str) -> dict[str, str]:
    """The file's settings as variables of the environment. Raises Rejected naming the key that is
    not known, or what else is wrong with the file."""
    try:
        with path.open("rb") as file:
            values = tomllib.load(file)
    except OSError as error:
        raise Rejected(VARIABLE, f"{path} cannot be read ({error.strerror}).") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        # A TOML error tells the place, and no value.
        raise Rejected(VARIABLE, f"{path} is not TOML: {error}.") from None
    found = {}
    for key, value in values.items():
        name = prefix + key.upper()
        if name not in known or key != key.lower():
            raise Rejected(key, f"{path}: {key} is no setting.{_meant(key, known, prefix)}")
        found[name] = _text(path, key, value)
    return found


def _meant(key: str, known: Collection[str], prefix: str) -> str:
    names = [name.removeprefix(prefix).lower() for name in known]
    near = difflib.get_close_matches(key.lower(), names, 1)
    return f" Did you mean {near[0]}?" if near else ""


def _text(path: Path, key: str, value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, str | int | float):
        return str(value)
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return ",".join(value)
    raise Rejected(key, f"{path}: {key} must be a text, a number, true, false or a list of texts.")


def named_as_in_file(error: Rejected, path: Path, prefix: str) -> Rejected:
    """An error about a variable, told of the key that stands in the file."""
    key = error.rule.removeprefix(prefix).lower()
    return Rejected(key, f"{path}: {str(error).replace(error.rule, key, 1)}")


def environment_with_file(
    environment: Mapping[str, str], known: Collection[str], prefix: str
) -> tuple[dict[str, str], Path | None]:
    """The environment completed by the file that it names, and that file."""
    named = environment.get(VARIABLE, "").strip()
    if not named:
        return dict(environment), None
    path = Path(named).expanduser()
    said = {name: text for name, text in environment.items() if text.strip()}
    return {**environment, **read(path, known, prefix), **said}, path
