"""Settings from a TOML file, and `latchwork config`."""

import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from latchwork import config
from latchwork.cli.main import app
from latchwork.domain.errors import Rejected
from latchwork.domain.pin import Secret

ROOT = Path(__file__).parents[2]
SECRET = "seam_" + "k" * 30


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith(config.PREFIX)]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("LATCHWORK_CONFIG", str(tmp_path / "latchwork.toml"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "latchwork.toml"
    path.write_text(text)
    return path


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["config", *arguments])
    return result.exit_code, result.output


def test_the_file_says_what_the_environment_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(
        tmp_path,
        f"""
        host = "0.0.0.0"
        port = 9000
        demo = true
        keep_events = "off"
        delay_after = 1.5
        webhook_allow = ["10.0.0.0/8", "fd00::/8"]
        connect = ["zwave-js=ws://one:3000"]
        bootstrap_api_key = "{SECRET}"
        """,
    )
    monkeypatch.setenv("LATCHWORK_PORT", "9001")
    settings = config.here()
    assert (settings.host, settings.port, settings.demo) == ("0.0.0.0", 9001, True)
    assert settings.kept.events is None
    assert settings.policy.delay_after.total_seconds() == 1.5
    assert settings.webhook_allow[:2] == ("10.0.0.0/8", "fd00::/8")
    assert settings.connect == (("zwave-js", "ws://one:3000"),)
    assert settings.bootstrap_api_key == Secret(SECRET)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("hsot = 'x'", "hsot is no setting. Did you mean host?"),
        ("HOST = 'x'", "HOST is no setting. Did you mean host?"),
        ("port = 70000", "port must be a port from 1 to 65535"),
        ("[server]\nport = 1", "server is no setting"),
        ("connect = [1]", "connect must be a text, a number"),
        ("port = ", "is not TOML"),
    ],
)
def test_a_wrong_file_is_refused_by_key_and_rule(tmp_path: Path, text: str, words: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(Rejected) as refused:
        config.here()
    assert str(refused.value).startswith(str(path))
    assert words in str(refused.value)
    code, output = run("check")
    assert code == 1
    assert words in output.replace("\n", " ")


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(Rejected, match=r"latchwork\.toml cannot be read"):
        config.here()


def test_check_names_every_mistake_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "port = 0\nlog_level = 'chatty'\n")
    monkeypatch.setenv("LATCHWORK_DRAIN", "soon")
    monkeypatch.setenv("LATCHWORK_PROT", "1")
    code, output = run("check")
    assert code == 1
    for words in (
        "LATCHWORK_PROT is no setting",
        "latchwork.toml: port must",
        "latchwork.toml: log_level must",
        "LATCHWORK_DRAIN must be a number of seconds",
        "4 to mend",
    ):
        assert words in output


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("role = 'worker'", "On SQLite one process does everything"),
        ("connect = ['telepathy=x']", "no such provider"),
        ("connect = ['zwave-js=http://x']", "ws://"),
        ("secret_key = 'zz'", "must be 32 bytes"),
    ],
)
def test_check_sees_what_the_start_would_refuse(tmp_path: Path, text: str, words: str) -> None:
    write(tmp_path, text)
    code, output = run("check")
    assert code == 1
    assert words in output


def test_show_says_where_each_setting_comes_from_and_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path, f"port = 9000\nbootstrap_api_key = '{SECRET}'\n")
    monkeypatch.setenv("LATCHWORK_DATABASE_URL", "postgresql://ada:hunter2@db/latchwork")
    code, output = run("show", "--json")
    assert code == 0
    assert SECRET not in output
    assert "hunter2" not in output
    told = {row["setting"]: (row["value"], row["from"]) for row in json.loads(output)}
    assert told["port"] == ("9000", str(path))
    assert told["database_url"] == ("(set)", "environment")
    assert told["host"] == ("127.0.0.1", "default")
    assert {config.PREFIX + key.upper() for key in told} == config.KNOWN


def test_every_setting_is_documented() -> None:
    page = (ROOT / "docs" / "settings.md").read_text()
    assert [name for name in sorted(config.KNOWN) if f"`{name}`" not in page] == []
