"""A Python client of Seam's behind a line protocol, run by an environment that holds nothing else.

One JSON request a line in, one answer a line out:
{"call": "access_codes.create", "params": {...}} -> {"result": ...} or
{"error": {"name", "status", "type", "request_id"}}.
Further calls: `all` follows every page of a list, `verify` checks a webhook.
"""

import dataclasses
import json
import sys
from typing import Any

SHORT = {"device_id": "device", "device_ids": "devices", "access_code_id": "access_code"}
"""How `seamapi` names what the API calls so."""


class SeamApi:
    """PyPI `seamapi`: positional names of its own, the rest by its `make_request`."""

    def __init__(self, endpoint: str, key: str) -> None:
        from seamapi import Seam

        self.seam = Seam(api_key=key, api_url=endpoint)

    def call(self, name: str, params: dict[str, Any]) -> Any:
        resource, method = name.split(".")
        if not hasattr(self.seam, resource):
            return self.raw(f"/{resource}/{method}", params)[resource[:-1]]
        short = {SHORT.get(key, key): value for key, value in params.items()}
        return getattr(getattr(self.seam, resource), method)(**short)

    def raw(self, path: str, params: dict[str, Any]) -> dict[str, Any]:
        if hasattr(self.seam, "make_request"):
            return self.seam.make_request("POST", path, json=params)
        import requests  # 1.6.0 has nothing but requests within

        answer = requests.post(
            self.seam.api_url + path,
            json=params,
            headers={"authorization": f"Bearer {self.seam.api_key}"},
            timeout=30,
        )
        answer.raise_for_status()
        return answer.json()

    def all(self, path: str, key: str, limit: int) -> list[Any]:
        return pages(self.raw, path, key, limit)

    def verify(self, secret: str, payload: str, headers: dict[str, str]) -> None:
        return None


class SeamPython:
    """PyPI `seam`."""

    def __init__(self, endpoint: str, key: str) -> None:
        from seam import Seam

        self.seam = Seam(api_key=key, endpoint=endpoint)

    def call(self, name: str, params: dict[str, Any]) -> Any:
        resource, method = name.split(".")
        return getattr(getattr(self.seam, resource), method)(**params)

    def all(self, path: str, key: str, limit: int) -> list[Any]:
        if not hasattr(self.seam, "create_paginator"):
            return pages(
                lambda path, params: self.seam.client.post(path, json=params), path, key, limit
            )
        _, resource, method = path.split("/")
        listed = getattr(getattr(self.seam, resource), method)
        return self.seam.create_paginator(listed, {"limit": limit}).flatten_to_list()

    def verify(self, secret: str, payload: str, headers: dict[str, str]) -> Any:
        from seam import SeamWebhook

        return SeamWebhook(secret).verify(payload, headers)


def pages(ask: Any, path: str, key: str, limit: int) -> list[Any]:
    """All items of a list, page by page, for clients without a paginator."""
    found: list[Any] = []
    cursor = None
    while True:
        answer = ask(path, {"limit": limit, **({"page_cursor": cursor} if cursor else {})})
        found += answer[key]
        if not answer["pagination"]["has_next_page"]:
            return found
        cursor = answer["pagination"]["next_page_cursor"]


def plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if hasattr(value, "__dict__"):
        return vars(value)
    return str(value)


def told(error: Exception) -> dict[str, Any]:
    known = getattr(error, "metadata", None) or {}
    return {
        "name": type(error).__name__,
        "status": getattr(error, "status_code", None),
        "type": known.get("type") if known else getattr(error, "code", None),
        "request_id": getattr(error, "request_id", None),
        "message": str(error),
    }


def main() -> None:
    kind, endpoint, key = sys.argv[1:]
    client = {"seamapi": SeamApi, "seam": SeamPython}[kind](endpoint, key)
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            if asked["call"] in {"all", "verify"}:
                result = getattr(client, asked["call"])(**asked["params"])
            else:
                result = client.call(asked["call"], asked["params"])
            answer = {"result": result}
        except Exception as error:  # noqa: BLE001 - whatever a client raises is told
            answer = {"error": told(error)}
        print(json.dumps(answer, default=plain), flush=True)


if __name__ == "__main__":
    main()
