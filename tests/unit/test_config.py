"""Settings from the environment."""

from datetime import timedelta
from pathlib import Path

import pytest

from latchwork.config import from_environment, unknown_variables
from latchwork.domain.errors import Rejected
from latchwork.domain.policy import Policy


def test_without_settings_the_data_folder_of_the_user_is_used() -> None:
    settings = from_environment({"HOME": "/home/ada"})
    assert settings.database == Path("/home/ada/.local/share/latchwork/latchwork.sqlite3")
    assert settings.secret_key_file == Path(f"{settings.database}.key")
    assert (settings.host, settings.port) == ("127.0.0.1", 8700)
    assert settings.webhook_allow == ()
    assert settings.policy == Policy()
    xdg = from_environment({"HOME": "/home/ada", "XDG_DATA_HOME": "/data"})
    assert xdg.database == Path("/data/latchwork/latchwork.sqlite3")


def test_every_setting_is_read() -> None:
    settings = from_environment(
        {
            "LATCHWORK_HOST": "::1",
            "LATCHWORK_PORT": "1234",
            "LATCHWORK_DATABASE_URL": "sqlite:////srv/codes.db",
            "LATCHWORK_SECRET_KEY": "ab" * 32,
            "LATCHWORK_BOOTSTRAP_API_KEY": "seam_" + "k" * 20,
            "LATCHWORK_LOG_LEVEL": "debug",
            "LATCHWORK_LOG_FORMAT": "JSON",
            "LATCHWORK_WEBHOOK_ALLOW": "10.0.0.0/8, fd00::/8",
            "LATCHWORK_CONNECT": "zwave-js=ws://one:3000,zwave-js=ws://two:3000/?a=b",
            "LATCHWORK_DELAY_AFTER": "1.5",
            "LATCHWORK_LEAD_TIME": "600",
        }
    )
    assert (settings.host, settings.port) == ("::1", 1234)
    assert settings.database == Path("/srv/codes.db")
    assert settings.secret_key is not None
    assert settings.bootstrap_api_key is not None
    assert (settings.log_level, settings.log_format) == ("DEBUG", "json")
    assert settings.webhook_allow == ("10.0.0.0/8", "fd00::/8")
    assert settings.connect == (
        ("zwave-js", "ws://one:3000"),
        ("zwave-js", "ws://two:3000/?a=b"),
    )
    assert settings.policy.delay_after == timedelta(seconds=1.5)
    assert settings.lead_time == timedelta(minutes=10)
    for secret in ("ab" * 32, "k" * 20):
        assert secret not in repr(settings)


def test_a_demo_allows_webhooks_to_loopback_and_hurries() -> None:
    settings = from_environment({"HOME": "/h", "LATCHWORK_DEMO": "on"})
    assert settings.demo
    assert settings.webhook_allow == ("127.0.0.0/8", "::1/128")
    assert settings.policy.failure_deadline < Policy().failure_deadline


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("LATCHWORK_PORT", "0", "port"),
        ("LATCHWORK_PORT", "65536", "port"),
        ("LATCHWORK_PORT", "http", "port"),
        ("LATCHWORK_DATABASE_URL", "/srv/codes.db", "URL"),
        ("LATCHWORK_DATABASE_URL", "sqlite:///", "URL"),
        ("LATCHWORK_LOG_LEVEL", "chatty", "DEBUG"),
        ("LATCHWORK_LOG_FORMAT", "xml", "json"),
        ("LATCHWORK_DEMO", "perhaps", "on or off"),
        ("LATCHWORK_DELAY_AFTER", "-1", "seconds"),
        ("LATCHWORK_DELAY_AFTER", "nan", "seconds"),
        ("LATCHWORK_LEAD_TIME", "an hour", "seconds"),
        ("LATCHWORK_WEBHOOK_ALLOW", "10.0.0.1/8", "networks"),
        ("LATCHWORK_CONNECT", "zwave-js", "provider=address"),
        ("LATCHWORK_BOOTSTRAP_API_KEY", "key_" + "k" * 20, "seam_"),
        ("LATCHWORK_BOOTSTRAP_API_KEY", "seam_at" + "k" * 20, "seam_at"),
        ("LATCHWORK_BOOTSTRAP_API_KEY", "seam_short", "20 characters"),
        ("LATCHWORK_BOOTSTRAP_API_KEY", "seam_" + "k" * 20 + "\n!", "letters"),
    ],
)
def test_a_wrong_value_is_refused_by_name(name: str, value: str, rule: str) -> None:
    with pytest.raises(Rejected, match=rule) as refused:
        from_environment({"HOME": "/h", name: value})
    assert refused.value.rule == name
    if "KEY" in name:
        assert value not in str(refused.value)


def test_a_misspelt_variable_is_noticed() -> None:
    environment = {"LATCHWORK_PROT": "1", "LATCHWORK_PORT": "1", "LATCHWORK_API_KEY": "x", "A": "b"}
    assert unknown_variables(environment) == ["LATCHWORK_PROT"]


def test_what_is_watched_and_how_it_ends_can_be_set() -> None:
    settings = from_environment(
        {"LATCHWORK_METRICS_TOKEN": "t" * 20, "LATCHWORK_TRACING": "on", "LATCHWORK_DRAIN": "10"}
    )
    assert (settings.metrics, settings.tracing) == (True, True)
    assert settings.metrics_token is not None
    assert settings.drain == timedelta(seconds=10)
    with pytest.raises(Rejected, match="LATCHWORK_METRICS_TOKEN must have at least 20"):
        from_environment({"LATCHWORK_METRICS_TOKEN": "short"})
