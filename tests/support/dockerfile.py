"""Runs a Dockerfile's steps without a container engine, below a folder that stands for `/`."""

import fnmatch
import json
import os
import re
import shutil
import subprocess
import sysconfig
from pathlib import Path

LOCKED = "pip install --no-cache-dir --require-hashes -r requirements.lock"
FOLDERS = ("/src", "/opt/latchwork", "/data")
"""What of the image's file system is the build's own."""


class Image:
    """What the steps leave: environment, command, health check."""

    def __init__(self, root: Path, context: Path) -> None:
        self.root = root
        self.context = context
        self.environment: dict[str, str] = {}
        self.entrypoint: list[str] = []
        self.command: list[str] = []
        self.health: list[str] = []
        self.users: list[str] = []
        self._folder = root
        self._ignored = (context / ".dockerignore").read_text().splitlines()

    def below(self, text: str) -> str:
        """With the image's folders put below the root."""
        for folder in FOLDERS:
            text = re.sub(rf"(?<![\w.]){folder}(?=[/\s:]|$)", str(self.root) + folder, text)
        return text

    def build(self, dockerfile: Path) -> None:
        text = dockerfile.read_text().replace("\\\n", " ")
        for line in text.splitlines():
            word, _, rest = line.strip().partition(" ")
            if word and not word.startswith("#"):
                getattr(self, f"_{word.lower()}")(rest.strip())

    def _from(self, _: str) -> None:
        self._folder = self.root

    def _workdir(self, path: str) -> None:
        self._folder = Path(self.below(path))
        self._folder.mkdir(parents=True, exist_ok=True)

    def _copy(self, rest: str) -> None:
        if rest.startswith("--from="):
            _, source, target = rest.split()
            assert source == target, "stages share one root here"
            return
        *sources, target = rest.split()
        for source in sources:
            assert f"!{source}" in self._ignored, f".dockerignore leaves {source} out"
            there = self.context / source
            if there.is_dir():
                ignore = shutil.ignore_patterns("__pycache__", "*.egg-info")
                shutil.copytree(there, self._folder / target, ignore=ignore)
            else:
                shutil.copy(there, self._folder / target)

    def _run(self, command: str) -> None:
        if command.startswith("useradd "):
            self.users.append(command)
            return
        for step in command.split(" && "):
            self._step(step.strip())

    def _step(self, command: str) -> None:
        if LOCKED in command:
            self._borrow()
            return
        subprocess.run(
            ["/bin/sh", "-ec", self.below(command)],
            cwd=self._folder,
            env=_clean(),
            check=True,
            capture_output=True,
            text=True,
        )

    def _borrow(self) -> None:
        """What the lock file names is here already, installed from a lock file that holds the
        same: fetching it again would take a minute."""
        lock = (self._folder / "requirements.lock").read_text()
        assert set(_pinned(lock)) <= set(
            _pinned((self.context / "requirements-dev.lock").read_text())
        )
        [packages] = self.root.glob("opt/latchwork/lib/python*/site-packages")
        (packages / "borrowed.pth").write_text(f"{sysconfig.get_path('purelib')}\n")

    def _env(self, rest: str) -> None:
        for name, value in re.findall(r"(\w+)=(\S+)", rest):
            known = value.replace("$PATH", os.environ["PATH"])
            self.environment[name] = ":".join(self.below(part) for part in known.split(":"))

    def _user(self, name: str) -> None:
        assert any(f"--uid {name} " in user for user in self.users)

    def _volume(self, path: str) -> None:
        Path(self.below(path)).mkdir(parents=True, exist_ok=True)

    def _expose(self, port: str) -> None:
        assert port == self.environment["LATCHWORK_PORT"]

    def _healthcheck(self, rest: str) -> None:
        self.health = json.loads(rest.partition(" CMD ")[2])

    def _entrypoint(self, rest: str) -> None:
        self.entrypoint = json.loads(rest)

    def _cmd(self, rest: str) -> None:
        self.command = json.loads(rest)

    def run(self, words: list[str], **environment: str) -> "subprocess.Popen[bytes]":
        """Starts a command as the engine would."""
        values = {**_clean(), **self.environment, **environment}
        program = shutil.which(words[0], path=values["PATH"])
        assert program is not None
        assert program.startswith(str(self.root))
        with (self.root / "log").open("ab") as log:
            return subprocess.Popen(
                [program, *words[1:]], env=values, cwd=self.root, stdout=log, stderr=log
            )


def _pinned(lock: str) -> list[str]:
    return re.findall(r"^\S+==\S+", lock, re.MULTILINE)


def _clean() -> dict[str, str]:
    """This machine's environment without what tells Python of the test's own."""
    own = ("LATCHWORK_*", "PYTHON*", "VIRTUAL_ENV", "COV_*")
    kept = {k: v for k, v in os.environ.items() if not any(fnmatch.fnmatch(k, o) for o in own)}
    return {**kept, "PIP_NO_BUILD_ISOLATION": "0"}
