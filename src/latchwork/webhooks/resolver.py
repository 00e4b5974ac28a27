"""Looks names up by the system's own means, without holding up anything else."""

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from aiohttp.abc import AbstractResolver, ResolveResult

THREADS: Final = 16
"""Look-ups under way at once. One may block its thread for half a minute, and the names come from
users, so these threads are shared with nothing else."""


class SystemResolver(AbstractResolver):
    """getaddrinfo on threads of its own. Made within a running event loop."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="webhook-names")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Every address of the name; raises OSError when there is none."""
        answers = await asyncio.get_running_loop().run_in_executor(
            self._threads, socket.getaddrinfo, host, port, family, socket.SOCK_STREAM
        )
        return [
            ResolveResult(
                hostname=host,
                host=str(address[0]),
                port=port,
                family=family_of_answer,
                proto=protocol,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for family_of_answer, _, protocol, _, address in answers
        ]

    async def close(self) -> None:
        """Does not wait for look-ups under way."""
        self._threads.shutdown(wait=False, cancel_futures=True)
