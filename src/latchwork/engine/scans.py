"""Scans under way, of locks that tell one position after the other."""

from latchwork.domain.device import Device


class Scans:
    """Of the locks whose connections are held here; kept in memory: whoever takes a connection over
    begins anew."""

    def __init__(self) -> None:
        self._unread: dict[str, list[int]] = {}

    def unread(self, device: Device) -> list[int]:
        """The positions that were not asked for yet, to be shortened by whoever asks for them."""
        limits = device.capabilities
        everywhere = range(limits.first_position, limits.last_position + 1)
        return self._unread.setdefault(device.device_id, list(everywhere))

    def forget(self, device_id: str) -> None:
        """It is through, or has to begin anew."""
        self._unread.pop(device_id, None)
