"""A lean HTTP/1.1 load generator on raw asyncio streams: what it costs is not what is measured."""

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import quantiles
from typing import Any


@dataclass(frozen=True)
class Result:
    """Requests a second over all connections, and latencies in milliseconds."""

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float

    @property
    def rate(self) -> float:
        return self.requests / self.seconds


async def run(
    host: str,
    port: int,
    key: str,
    path: str,
    body: Callable[[int], dict[str, Any]],
    *,
    requests: int,
    connections: int,
) -> Result:
    """Sends `requests` POSTs over `connections` kept open; every answer must be a 200."""
    latencies: list[float] = []
    numbers = iter(range(requests))

    async def one_connection() -> None:
        reader, writer = await asyncio.open_connection(host, port)
        for number in numbers:
            content = json.dumps(body(number)).encode()
            begin = time.perf_counter()
            writer.write(
                f"POST {path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {key}\r\n"
                f"content-type: application/json\r\ncontent-length: {len(content)}\r\n\r\n".encode()
                + content
            )
            await _answer(reader)
            latencies.append((time.perf_counter() - begin) * 1000)
        writer.close()
        await writer.wait_closed()

    begin = time.perf_counter()
    await asyncio.gather(*(one_connection() for _ in range(connections)))
    seconds = time.perf_counter() - begin
    cuts = quantiles(latencies, n=100)
    return Result(len(latencies), seconds, cuts[49], cuts[98])


async def _answer(reader: asyncio.StreamReader) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    content = await reader.readexactly(length)
    if b" 200 " not in head.split(b"\r\n", 1)[0]:
        raise RuntimeError(f"the server refused: {content[:300]!r}")
