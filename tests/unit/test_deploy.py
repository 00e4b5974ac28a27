"""The files in deploy/ say nothing that Latchwork would refuse."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from latchwork import config, settings_file
from latchwork.config import Role

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
GIVEN = {"POSTGRES_PASSWORD": "s3cret", "LATCHWORK_SECRET_KEY": "ab" * 32}


def compose(name: str) -> dict[str, Any]:
    """A compose file with its variables filled in as compose does it."""

    def filled(found: re.Match[str]) -> str:
        variable, _, otherwise = found[1].partition(":")
        if otherwise.startswith("?"):
            return GIVEN[variable]
        return GIVEN.get(variable, otherwise.removeprefix("-"))

    text = re.sub(r"\$\{([^}]+)\}", filled, (DEPLOY / name).read_text())
    found: dict[str, Any] = yaml.safe_load(text)
    return found


def ours(services: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {name: s for name, s in services.items() if s["image"] == "latchwork"}


def test_the_dockerfile_has_no_faults() -> None:
    linter = Path(sys.executable).with_name("hadolint")
    done = subprocess.run(
        [linter, "--no-color", ROOT / "Dockerfile"], capture_output=True, text=True, check=False
    )
    assert done.stdout + done.stderr == ""


@pytest.mark.parametrize("name", ["compose.yaml", "compose.postgres.yaml"])
def test_compose_files_hold_together(name: str) -> None:
    file = compose(name)
    services = file["services"]
    assert ours(services)
    for service in services.values():
        assert set(service.get("depends_on", {})) <= services.keys()
        for needed in service.get("depends_on", {}):
            assert "healthcheck" in services[needed]
        for volume in service.get("volumes", ()):
            assert volume.partition(":")[0] in file["volumes"]
        for port in service.get("ports", ()):
            assert port.startswith("127.0.0.1:"), "open to others only behind a TLS proxy"
    for service in ours(services).values():
        assert (DEPLOY / service["build"] / "Dockerfile").exists()


@pytest.mark.parametrize("name", ["compose.yaml", "compose.postgres.yaml"])
def test_compose_files_give_settings_that_are_taken(name: str) -> None:
    for service in ours(compose(name)["services"]).values():
        environment = {"HOME": "/data", **service["environment"]}
        assert config.unknown_variables(environment) == []
        assert config.mistakes(environment) == []
        assert all(isinstance(value, str) for value in environment.values())


def test_on_postgres_every_role_runs_and_has_the_same_key() -> None:
    services = ours(compose("compose.postgres.yaml")["services"])
    roles = {service["command"][-1] for service in services.values()}
    assert all(service["command"][:2] == ["serve", "--role"] for service in services.values())
    assert roles == set(Role) - {Role.ALL}
    assert {s["environment"]["LATCHWORK_SECRET_KEY"] for s in services.values()} == {"ab" * 32}


def test_the_example_of_a_settings_file_is_taken() -> None:
    read = settings_file.read(DEPLOY / "latchwork.toml", config.KNOWN, config.PREFIX)
    assert config.mistakes(read) == []
    text = (DEPLOY / "latchwork.toml").read_text()
    everything = re.sub(r"^# (?=\w+ = )", "", text, flags=re.MULTILINE)
    seen: dict[str, str] = {}
    for line in everything.splitlines():
        if " = " in line and not line.startswith("#"):
            key, _, value = line.partition(" = ")
            seen[key] = value
    assert {config.PREFIX + key.upper() for key in seen} <= config.KNOWN


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    """With a program at the place that the unit names, which need not be here."""
    text = (DEPLOY / "latchwork.service").read_text()
    assert "/opt/latchwork/bin/latchwork serve" in text
    unit = tmp_path / "latchwork.service"
    unit.write_text(text.replace("/opt/latchwork/bin/latchwork", "/bin/true"))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", unit],
        capture_output=True,
        text=True,
        check=False,
    )
    faults = [line for line in done.stderr.splitlines() if "latchwork.service" in line]
    assert faults == []
    assert done.returncode == 0, done.stderr
