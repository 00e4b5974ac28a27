"""When an endpoint that fails is given up, and when it gets another chance."""

from datetime import UTC, datetime, timedelta

from latchwork.domain.pin import Secret
from latchwork.domain.webhook import Failing, Webhook, failed, is_given_up

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def after(*hours: float) -> Failing:
    failing = None
    for hour in hours:
        failing = failed(failing, NOW + hour * HOUR)
    assert failing is not None
    return failing


def test_w5_five_days_of_failures_alone_end_it() -> None:
    row = after(*range(0, 120, 6))
    assert not is_given_up(row, NOW + 119 * HOUR)
    assert is_given_up(after(*range(0, 121, 6)), NOW + 120 * HOUR)


def test_w5_failures_of_a_few_hours_start_no_clock() -> None:
    assert after(0, 3, 30).since == NOW + 30 * HOUR
    assert not is_given_up(after(0, 3, 6), NOW + 6 * DAY)


def test_w5_the_clock_starts_when_failures_lie_half_a_day_apart_within_a_day() -> None:
    assert after(0, 13, 60).since == NOW
    assert is_given_up(after(0, 13, 60, 121), NOW + 121 * HOUR)


def test_w5_silence_is_no_failure() -> None:
    row = after(0, 13, 24 * 10)
    assert row.since == NOW + 10 * DAY
    assert not is_given_up(row, NOW + 10 * DAY)


def test_many_failures_at_once_are_noted_once() -> None:
    assert failed(after(0), NOW + HOUR / 2) == after(0)


def test_the_previous_secret_signs_until_its_time() -> None:
    webhook = Webhook(
        webhook_id="w",
        workspace_id="ws",
        url="https://example.com/",
        event_types=("*",),
        secret=Secret("new"),
        created_at=NOW,
        previous_secret=Secret("old"),
        previous_secret_until=NOW + DAY,
    )
    assert [s.reveal() for s in webhook.secrets_at(NOW)] == ["new", "old"]
    assert [s.reveal() for s in webhook.secrets_at(NOW + DAY)] == ["new"]
