"""What a lock cloud's own module offers to the driver that all of them share."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Protocol

from latchwork.drivers.clouds.model import News, RemoteCode, Wish
from latchwork.drivers.protocol import DiscoveredDevice


class Cloud(Protocol):
    """One account of one lock cloud. Raises the errors of `latchwork.domain.errors`."""

    @property
    def patience(self) -> timedelta:
        """How long after the cloud took a wish its list may still not show it."""

    @property
    def poll_every(self) -> timedelta:
        """How often to look for what the cloud does not tell by itself."""

    async def locks(self) -> Sequence[DiscoveredDevice]: ...

    async def is_online(self, provider_key: str) -> bool:
        """Asked of the cloud, or of the lock through it."""

    async def codes(self, provider_key: str) -> Sequence[RemoteCode]:
        """All codes of the lock, fetched anew."""

    async def create(self, provider_key: str, wish: Wish) -> str | None:
        """The new code's id; None when the list alone will tell it."""

    async def change(self, provider_key: str, standing: RemoteCode, wish: Wish) -> None:
        """`standing`: the code as it was listed a moment ago."""

    async def delete(self, provider_key: str, code_id: str) -> None:
        """No error when the code is gone already."""

    async def move_bolt(self, provider_key: str, *, locked: bool) -> None: ...

    async def subscribe(self) -> None:
        """Asks the cloud to tell us what happens, where it can be asked; called before the locks
        are listed. A failure is no reason not to connect."""

    async def news(self) -> Sequence[News]:
        """What has happened since the last call, of clouds that keep a record of it."""

    async def news_taken(self) -> None:
        """All that the last call of `news` told is stored: a later start need not tell it."""

    def received(self, headers: Mapping[str, str], body: bytes) -> Sequence[News]:
        """What a delivery says. Raises Rejected for one that the cloud did not sign."""

    async def aclose(self) -> None: ...
