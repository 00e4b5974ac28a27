"""Providers of locks, as a person who connects one meets them: a name, and what is asked for."""

import math
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgspec

from latchwork.domain.errors import Rejected
from latchwork.domain.pin import Secret

SIMULATOR = "simulator"
"""The provider of locks that are none."""
LONGEST_VALUE = 4096
"""Characters of one setting."""


class FieldKind(StrEnum):
    """How a setting is asked for and kept."""

    TEXT = "text"
    URL = "url"
    NUMBER = "number"
    SECRET = "secret"  # noqa: S105 - a kind of field
    """A token or password: given to the driver among its secrets, never shown again."""


class SettingField(msgspec.Struct, frozen=True, kw_only=True):
    """One setting that a person is asked for. `label` names it in a form, `help` says in one
    sentence where to find it or what it does, `default` is filled in already, `example` shows
    its form."""

    name: str
    label: str
    kind: FieldKind = FieldKind.TEXT
    required: bool = True
    help: str = ""
    default: str = ""
    example: str = ""
    tells_accounts_apart: bool = False
    """Of a secret: whether another value means another account (a token that is all there is)
    instead of new credentials of the same one. Other settings always do."""


class Provider(msgspec.Struct, frozen=True, kw_only=True):
    """An installed driver: its registered name, its name for people, what it needs."""

    name: str
    display_name: str
    fields: tuple[SettingField, ...] = ()


class CheckedSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What an account of `provider` is to be made with."""

    provider: Provider
    settings: dict[str, Any]
    secrets: dict[str, Secret] = {}

    @property
    def identity(self) -> dict[str, Any]:
        """Equal for the same account. Holds secrets in clear: for the vault's hash alone."""
        telling = [f.name for f in self.provider.fields if f.tells_accounts_apart]
        own = {name: self.secrets[name].reveal() for name in telling if name in self.secrets}
        return {**self.settings, **own}


def divided(
    fields: tuple[SettingField, ...], values: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Secret]]:
    """The values as settings and secrets. Raises Rejected naming a secret that is missing or no
    text; the rest is the driver's to check."""
    settings = dict(values)
    secrets: dict[str, Secret] = {}
    for field in fields:
        if field.kind is not FieldKind.SECRET:
            continue
        value = settings.pop(field.name, None)
        if value is None or value == "":
            if field.required:
                raise Rejected(field.name, f"{field.label} is missing.")
        elif not isinstance(value, str) or len(value) > LONGEST_VALUE:
            raise Rejected(
                field.name, f"{field.label} must be a text of at most {LONGEST_VALUE} characters."
            )
        else:
            secrets[field.name] = Secret(value)
    return settings, secrets


def from_form(fields: tuple[SettingField, ...], typed: Mapping[str, str]) -> dict[str, Any]:
    """The values of a filled-in form; what was left empty is left out. Raises Rejected naming
    the field that is missing, too long or no number."""
    values: dict[str, Any] = {}
    for field in fields:
        text = typed.get(field.name, "").strip()
        if not text:
            if field.required:
                raise Rejected(field.name, f"{field.label} is missing.")
            continue
        if len(text) > LONGEST_VALUE:
            raise Rejected(field.name, f"{field.label} is too long.")
        values[field.name] = _number(field, text) if field.kind is FieldKind.NUMBER else text
    return values


def _number(field: SettingField, text: str) -> int | float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise Rejected(field.name, f"{field.label} must be a number.")
    return int(number) if number.is_integer() else number
