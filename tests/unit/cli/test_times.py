"""Times as people type them on the command line."""

import time

import pytest
import typer

from latchwork.cli import times


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()


@pytest.fixture(autouse=True)
def restore_zone() -> object:
    yield
    time.tzset()


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("2026-11-24 15:00", "2026-11-24T15:00:00+01:00"),
        ("2026-07-24T15:00", "2026-07-24T15:00:00+02:00"),
        ("2026-11-24T15:00:00Z", "2026-11-24T16:00:00+01:00"),
    ],
)
def test_a_time_without_offset_is_of_this_machine(berlin: None, typed: str, meant: str) -> None:
    assert times.parse(typed, "starts-at") == meant


def test_what_is_no_time_is_refused_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as ended:
        times.parse("three o'clock", "starts-at")
    assert ended.value.exit_code == 2
    assert "--starts-at" in capsys.readouterr().err


def test_an_instant_is_shown_in_this_zone(berlin: None) -> None:
    assert times.shown("2026-11-24T14:00:00Z") == "2026-11-24 15:00 CET"
    assert times.shown(None) == ""
