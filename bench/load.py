"""A lean HTTP/1.1 load generator on raw asyncio streams: what it costs is not what is measured."""

import asyncio
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import quantiles
from typing import Any, Final

import msgspec

LARGEST_ANSWER: Final = 1 << 20
"""Bytes that are read on without a pause."""
_LENGTH: Final = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")


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
    """Sends `requests` POSTs over `connections` kept open; every answer must be a 200. The time
    runs once the server has answered on each connection: it accepts one in a turn of its loop."""
    latencies: list[float] = []
    numbers = iter(range(requests))

    head = (
        f"POST {path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {key}\r\n"
        "content-type: application/json\r\ncontent-length: "
    ).encode()

    async def one_connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for number in numbers:
            content = msgspec.json.encode(body(number))
            begin = time.perf_counter()
            writer.write(b"%b%d\r\n\r\n%b" % (head, len(content), content))
            await _answer(reader)
            latencies.append((time.perf_counter() - begin) * 1000)
        writer.close()
        await writer.wait_closed()

    kept = await asyncio.gather(*(_connected(host, port) for _ in range(connections)))
    begin = time.perf_counter()
    await asyncio.gather(*(one_connection(*streams) for streams in kept))
    seconds = time.perf_counter() - begin
    cuts = quantiles(latencies, n=100)
    return Result(len(latencies), seconds, cuts[49], cuts[98])


async def _connected(host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection(host, port, limit=LARGEST_ANSWER)
    writer.write(b"GET /health HTTP/1.1\r\nhost: bench\r\n\r\n")
    await _answer(reader)
    return reader, writer


async def _answer(reader: asyncio.StreamReader) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    length = _LENGTH.search(head)
    content = await reader.readexactly(0 if length is None else int(length[1]))
    if not head.startswith(b"HTTP/1.1 200 "):
        raise RuntimeError(f"the server refused: {content[:300]!r}")
