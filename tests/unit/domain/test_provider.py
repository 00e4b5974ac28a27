"""Settings of a provider: what a form gives, and what of it is secret."""

from typing import Any

import pytest

from latchwork.domain.errors import Rejected
from latchwork.domain.pin import Secret
from latchwork.domain.provider import (
    LONGEST_VALUE,
    CheckedSettings,
    FieldKind,
    Provider,
    SettingField,
    divided,
    from_form,
)

USER = SettingField(name="user", label="User name")
PASSWORD = SettingField(name="password", label="Password", kind=FieldKind.SECRET)
PORT = SettingField(name="port", label="Port", kind=FieldKind.NUMBER, required=False)
FIELDS = (USER, PASSWORD, PORT)


def test_a_form_is_read_by_kind_and_what_is_empty_is_left_out() -> None:
    typed = {"user": " ana ", "password": "hunter22", "port": "8080", "other": "x"}
    assert from_form(FIELDS, typed) == {"user": "ana", "password": "hunter22", "port": 8080}
    assert from_form((PORT,), {"port": "0.5"}) == {"port": 0.5}
    assert from_form((PORT,), {"port": " "}) == {}


@pytest.mark.parametrize(
    ("typed", "rule", "said"),
    [
        ({"password": "x"}, "user", "User name is missing"),
        ({"user": "ana", "password": " "}, "password", "Password is missing"),
        ({"user": "ana", "password": "x", "port": "inf"}, "port", "Port must be a number"),
        ({"user": "a" * (LONGEST_VALUE + 1), "password": "x"}, "user", "User name is too long"),
    ],
)
def test_a_form_that_is_wrong_is_refused_by_its_labels(
    typed: dict[str, str], rule: str, said: str
) -> None:
    with pytest.raises(Rejected, match=said) as refused:
        from_form(FIELDS, typed)
    assert refused.value.rule == rule


def test_secrets_are_told_apart_from_settings() -> None:
    settings, secrets = divided(FIELDS, {"user": "ana", "password": "hunter22", "extra": 1})
    assert settings == {"user": "ana", "extra": 1}
    assert secrets == {"password": Secret("hunter22")}


@pytest.mark.parametrize("value", [None, "", 1234, ["a"], "x" * (LONGEST_VALUE + 1)])
def test_a_secret_that_is_missing_or_no_text_is_refused(value: Any) -> None:
    with pytest.raises(Rejected, match="Password") as refused:
        divided(FIELDS, {"user": "ana", "password": value})
    assert refused.value.rule == "password"


def test_what_tells_accounts_apart() -> None:
    def identity(field: SettingField, secret: str) -> dict[str, Any]:
        provider = Provider(name="p", display_name="P", fields=(USER, field))
        settings, secrets = divided(provider.fields, {"user": "ana", field.name: secret})
        return CheckedSettings(provider=provider, settings=settings, secrets=secrets).identity

    assert identity(PASSWORD, "one") == identity(PASSWORD, "two")
    token = SettingField(
        name="token", label="Token", kind=FieldKind.SECRET, tells_accounts_apart=True
    )
    assert identity(token, "one") != identity(token, "two")
