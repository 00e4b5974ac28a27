"""Clients of Seam in many versions, each in a process and an environment of its own."""

import json
import subprocess
from pathlib import Path
from typing import Any, Self

TESTS = Path(__file__).parents[1]
COMPAT = TESTS / "compat"

PYTHON = (
    "seamapi-1.6.0", "seamapi-2.4.0", "seamapi-2.20.1", "seam-1.0.0", "seam-2.2.0", "seam-3.18.0",
)  # fmt: skip
JAVASCRIPT = {"npm-seamapi-8.24.0": "seamapi_js", "npm-seam-1.245.0": "seam_js"}
CLIENTS = (*PYTHON, *JAVASCRIPT)


class Refused(Exception):
    """What the client raised; what its errors do not tell is None."""

    def __init__(
        self,
        name: str,
        message: str,
        status: int | None = None,
        type: str | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(f"{name}: {message}")
        self.name = name
        self.message = message
        self.status = status
        self.type = type
        self.request_id = request_id


class Client:
    """One client of Seam. Use as a context manager."""

    def __init__(self, name: str, endpoint: str, key: str) -> None:
        self.name = name
        self._process = subprocess.Popen(
            [*_command(name), endpoint, key],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate(timeout=10)

    def __call__(self, call: str, **params: Any) -> Any:
        """The client's answer; raises Refused with what it raised."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"call": call, "params": params}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise AssertionError(f"{self.name} ended: {self._process.communicate()[1][-2000:]}")
        answer = json.loads(line)
        if "error" in answer:
            raise Refused(**answer["error"])
        return answer["result"]


def _command(name: str) -> list[str]:
    if rig := JAVASCRIPT.get(name):
        folder = TESTS / "rigs" / rig
        _installed(name, folder / "node_modules")
        return ["node", str(folder / "compat.mjs")]
    folder = COMPAT / "envs" / name
    _installed(name, folder / ".stamp")
    python = str(folder / "bin" / "python")
    return [python, "-I", "-W", "ignore", str(COMPAT / "drive.py"), name.partition("-")[0]]


def _installed(name: str, stamp: Path) -> None:
    if not stamp.exists():
        raise RuntimeError(f"{name} is not installed: run `make compat-envs`")
