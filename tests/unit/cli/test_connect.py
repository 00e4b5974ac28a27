"""Settings of a provider, as typed on the command line."""

from typing import Any

import pytest
import typer

from latchwork.cli import connect


def test_settings_and_secrets_come_together(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, bool]] = []

    def prompt(name: str, *, hide_input: bool) -> str:
        asked.append((name, hide_input))
        return "typed"

    monkeypatch.setattr(typer, "prompt", prompt)
    settings = connect._settings("https://x", ["client_id=a=b"], ["client_secret"])
    assert settings == {"url": "https://x", "client_id": "a=b", "client_secret": "typed"}
    assert asked == [("client_secret", True)]


@pytest.mark.parametrize("setting", ["client_id", "=x", ""])
def test_a_setting_without_a_value_is_refused(setting: str, capsys: Any) -> None:
    with pytest.raises(typer.Exit):
        connect._settings(None, [setting], [])
    assert "name=value" in capsys.readouterr().err
