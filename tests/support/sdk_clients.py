"""Seam's own SDKs behind one small face, so that one guide can be followed with each of them."""

import contextlib
import json
import subprocess
import warnings
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import seam as seam_sdk

RIG = Path(__file__).parents[1] / "rigs" / "seam_js"


@dataclass(frozen=True)
class CodeSeen:
    """What a guide looks at of an access code."""

    access_code_id: str
    code: str | None
    status: str
    type: str
    name: str | None
    errors: list[str]
    warnings: list[str]


class GuideClient(ABC):
    """The calls of "Creating Access Codes"."""

    name: str

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    @abstractmethod
    def device(self, device_id: str) -> dict[str, Any]:
        """capabilities_supported, properties."""

    @abstractmethod
    def create(self, device_id: str, **parameters: Any) -> CodeSeen: ...

    @abstractmethod
    def get(self, access_code_id: str) -> CodeSeen | None:
        """None once it is gone."""

    @abstractmethod
    def codes(self, device_id: str) -> list[CodeSeen]: ...

    @abstractmethod
    def update(self, access_code_id: str, **parameters: Any) -> None: ...

    @abstractmethod
    def delete(self, access_code_id: str) -> None: ...

    @abstractmethod
    def add_webhook(self, url: str) -> str:
        """The new endpoint's secret."""


def _seen(found: Any) -> CodeSeen:
    def field(name: str) -> Any:
        return found.get(name) if isinstance(found, dict) else getattr(found, name)

    def codes(problems: Any, key: str) -> list[str]:
        return [p[key] if isinstance(p, dict) else getattr(p, key) for p in problems or []]

    return CodeSeen(
        access_code_id=field("access_code_id"),
        code=field("code"),
        status=field("status"),
        type=field("type"),
        name=field("name"),
        errors=codes(field("errors"), "error_code"),
        warnings=codes(field("warnings"), "warning_code"),
    )


class SeamApi(GuideClient):
    """PyPI `seamapi`, the guide's own Python."""

    name = "seamapi 2.20.1"

    def __init__(self, endpoint: str, api_key: str) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from seamapi import Seam

        self.seam = Seam(api_key=api_key, api_url=endpoint)

    def device(self, device_id: str) -> dict[str, Any]:
        found = self.seam.devices.get(device_id)
        return {
            "capabilities_supported": found.capabilities_supported,
            "properties": found.properties,
        }

    def create(self, device_id: str, **parameters: Any) -> CodeSeen:
        return _seen(self.seam.access_codes.create(device=device_id, **parameters))

    def get(self, access_code_id: str) -> CodeSeen | None:
        from seamapi.types import SeamApiException

        try:
            return _seen(self.seam.access_codes.get(access_code_id))
        except SeamApiException as error:
            if error.status_code == 404:
                return None
            raise

    def codes(self, device_id: str) -> list[CodeSeen]:
        return [_seen(found) for found in self.seam.access_codes.list(device=device_id)]

    def update(self, access_code_id: str, **parameters: Any) -> None:
        self.seam.access_codes.update(access_code_id, **parameters)

    def delete(self, access_code_id: str) -> None:
        self.seam.access_codes.delete(access_code_id)

    def add_webhook(self, url: str) -> str:
        return str(self.seam.webhooks.create(url=url, event_types=["*"]).secret)


class SeamPython(GuideClient):
    """PyPI `seam`."""

    name = "seam 3.18.0"

    def __init__(self, endpoint: str, api_key: str) -> None:
        self.seam = seam_sdk.Seam(api_key=api_key, endpoint=endpoint)

    def device(self, device_id: str) -> dict[str, Any]:
        found = self.seam.devices.get(device_id=device_id)
        return {
            "capabilities_supported": found.capabilities_supported,
            "properties": found.properties,
        }

    def create(self, device_id: str, **parameters: Any) -> CodeSeen:
        return _seen(self.seam.access_codes.create(device_id=device_id, **parameters))

    def get(self, access_code_id: str) -> CodeSeen | None:
        from seam.exceptions import SeamHttpApiError

        try:
            return _seen(self.seam.access_codes.get(access_code_id=access_code_id))
        except SeamHttpApiError as error:
            if error.status_code == 404:
                return None
            raise

    def codes(self, device_id: str) -> list[CodeSeen]:
        return [_seen(found) for found in self.seam.access_codes.list(device_id=device_id)]

    def update(self, access_code_id: str, **parameters: Any) -> None:
        self.seam.access_codes.update(access_code_id=access_code_id, **parameters)

    def delete(self, access_code_id: str) -> None:
        self.seam.access_codes.delete(access_code_id=access_code_id)

    def add_webhook(self, url: str) -> str:
        return str(self.seam.webhooks.create(url=url, event_types=["*"]).secret)


class SeamJavaScript(GuideClient):
    """npm `seam`, in a process of its own."""

    name = "npm seam 1.245.0"

    def __init__(self, endpoint: str, api_key: str) -> None:
        if not (RIG / "node_modules").exists():
            raise RuntimeError("the JavaScript SDK is not installed: run `make rigs`")
        self._process = subprocess.Popen(
            ["node", str(RIG / "client.mjs"), endpoint, api_key],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._last = 0

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()

    def call(self, name: str, /, **params: Any) -> Any:
        """One SDK call; raises with what the SDK raised."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._last += 1
        request = {"id": self._last, "call": name, "params": params}
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        reply = json.loads(self._process.stdout.readline())
        assert reply["id"] == self._last
        if "error" in reply:
            raise JavaScriptError(reply["error"])
        return reply["result"]

    def device(self, device_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.call("devices.get", device_id=device_id)
        return found

    def create(self, device_id: str, **parameters: Any) -> CodeSeen:
        return _seen(self.call("accessCodes.create", device_id=device_id, **parameters))

    def get(self, access_code_id: str) -> CodeSeen | None:
        try:
            return _seen(self.call("accessCodes.get", access_code_id=access_code_id))
        except JavaScriptError as error:
            if error.status_code == 404:
                return None
            raise

    def codes(self, device_id: str) -> list[CodeSeen]:
        return [_seen(found) for found in self.call("accessCodes.list", device_id=device_id)]

    def update(self, access_code_id: str, **parameters: Any) -> None:
        self.call("accessCodes.update", access_code_id=access_code_id, **parameters)

    def delete(self, access_code_id: str) -> None:
        self.call("accessCodes.delete", access_code_id=access_code_id)

    def add_webhook(self, url: str) -> str:
        return str(self.call("webhooks.create", url=url, event_types=["*"])["secret"])


class JavaScriptError(Exception):
    """What the JavaScript SDK raised."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(f"{error.get('name')}: {error.get('message')}")
        self.code = error.get("code")
        self.status_code = error.get("statusCode")


CLIENTS: tuple[type[GuideClient], ...] = (SeamApi, SeamPython, SeamJavaScript)
