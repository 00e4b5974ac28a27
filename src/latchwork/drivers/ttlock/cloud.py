"""The platform's locks and passcodes."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, TypeVar

from latchwork.domain.errors import RetryLater
from latchwork.drivers.clouds.marks import Mark, Marks
from latchwork.drivers.clouds.model import News, RemoteCode, Wish
from latchwork.drivers.protocol import DiscoveredDevice, DriverContext
from latchwork.drivers.ttlock import records, wire
from latchwork.drivers.ttlock.account import Account, PlatformError
from latchwork.drivers.ttlock.failures import PASSCODE_GONE, POWER_SAVING, UNREACHABLE

T = TypeVar("T")
P = TypeVar("P", wire.LockPage, wire.PasscodePage, wire.RecordPage)

THROUGH_GATEWAY, LATER = 2, 4
"""Ways to reach a lock: now, or when a Wi-Fi lock that saves power wakes up."""
PAGE_SIZE: Final = 100
PAGES: Final = 50
OVERLAP: Final = timedelta(minutes=10)
"""Records reach the platform late; what was told before is known by its id."""
SHORTEST_SPAN: Final = timedelta(seconds=1)
CURSOR: Final = "records"


class TooLongError(RetryLater):
    """A list of more pages than are read of one."""


class TtlockCloud:
    """See `Cloud`. The platform's list is its own record: of a code that went through a gateway
    it is written after the lock has answered."""

    patience = timedelta(0)

    def __init__(self, context: DriverContext) -> None:
        self._context = context
        self._account = Account(context)
        self._keys: tuple[str, ...] = ()
        self._marks = Marks(context.store, CURSOR, context.clock.now())
        self.poll_every = timedelta(minutes=context.settings["poll_minutes"])

    async def locks(self) -> Sequence[DiscoveredDevice]:
        pages = await self._pages("/v3/lock/list", wire.LockPage)
        found = [lock.discovered() for page in pages for lock in page.list]
        self._keys = tuple(device.provider_key for device in found)
        return found

    async def is_online(self, provider_key: str) -> bool:
        try:
            await self._account.call("/v3/lock/queryOpenState", wire.Failure, lockId=provider_key)
        except PlatformError as error:
            if error.code in UNREACHABLE:
                return False
            raise error.meaning from None
        return True

    async def codes(self, provider_key: str) -> Sequence[RemoteCode]:
        """The custom ones: random passcodes are computed, not stored, and take no space."""
        pages = await self._pages(
            "/v3/lock/listKeyboardPwd", wire.PasscodePage, lockId=provider_key
        )
        now = self._context.clock.now()
        return [code.remote(now) for page in pages for code in page.list if code.is_custom != 0]

    async def create(self, provider_key: str, wish: Wish) -> str | None:
        starts, ends = wire.dates(wish.window) if wish.window is not None else (0, 0)
        kind = wire.PERMANENT if wish.window is None else wire.PERIOD

        async def add(way: int) -> wire.Added:
            return await self._account.call(
                "/v3/keyboardPwd/add",
                wire.Added,
                lockId=provider_key,
                keyboardPwd=wish.pin.reveal(),
                keyboardPwdName=wish.name or "Latchwork",
                keyboardPwdType=kind,
                startDate=starts,
                endDate=ends,
                addType=way,
            )

        return str((await _reached(add)).keyboard_pwd_id)

    async def change(self, provider_key: str, standing: RemoteCode, wish: Wish) -> None:
        """Sends what differs, and both dates always: one alone has no effect."""
        starts, ends = wire.dates(wish.window)
        values: dict[str, object] = {
            "lockId": provider_key,
            "keyboardPwdId": standing.code_id,
            "keyboardPwdName": wish.name or "Latchwork",
            "startDate": starts,
            "endDate": ends,
        }
        if standing.pin != wish.pin:
            values["newKeyboardPwd"] = wish.pin.reveal()

        async def change(way: int) -> wire.Failure:
            return await self._account.call(
                "/v3/keyboardPwd/change", wire.Failure, **values, changeType=way
            )

        await _reached(change)

    async def delete(self, provider_key: str, code_id: str) -> None:
        async def delete(way: int) -> wire.Failure:
            try:
                return await self._account.call(
                    "/v3/keyboardPwd/delete",
                    wire.Failure,
                    lockId=provider_key,
                    keyboardPwdId=code_id,
                    deleteType=way,
                )
            except PlatformError as error:
                if error.code == PASSCODE_GONE:
                    return wire.Failure()
                raise

        await _reached(delete)

    async def move_bolt(self, provider_key: str, *, locked: bool) -> None:
        path = "/v3/lock/lock" if locked else "/v3/lock/unlock"
        try:
            await self._account.call(path, wire.Failure, lockId=provider_key)
        except PlatformError as error:
            raise error.meaning from None

    async def subscribe(self) -> None:
        """The platform's callback is set by a person, for the whole application."""
        await self._marks.standing()

    async def news(self) -> Sequence[News]:
        """Since the last look; of what is too long to be read at once the earlier part."""
        now = self._context.clock.now()
        standing = await self._marks.standing()
        span = now - standing.until
        while True:
            try:
                return await self._news(standing, standing.until + span, now)
            except TooLongError:
                span /= 2
                if span < SHORTEST_SPAN:
                    raise

    async def _news(self, standing: Mark, until: datetime, now: datetime) -> Sequence[News]:
        told: list[News] = []
        dates: dict[str, datetime] = {}
        for key in self._keys:
            pages = await self._pages(
                "/v3/lockRecord/list",
                wire.RecordPage,
                lockId=key,
                startDate=wire.to_ms(standing.until),
                endDate=wire.to_ms(until),
            )
            found = [record for page in pages for record in page.list]
            found.sort(key=lambda record: record.lock_date or 0)
            for record in found:
                name = f"{key}.{record.lock_date}.{record.record_type}"
                dates[name] = wire.from_ms(record.lock_date) or now
                if name not in standing.told:
                    told += records.news_of_record(key, record)
        self._marks.read(standing, wire.whole_ms(min(until, now - OVERLAP)), dates)
        return told

    async def news_taken(self) -> None:
        await self._marks.taken()

    def received(self, headers: Mapping[str, str], body: bytes) -> Sequence[News]:  # noqa: ARG002
        """The platform signs nothing: the address alone keeps others out."""
        return records.news_of_callback(body)

    async def aclose(self) -> None:
        await self._account.aclose()

    async def _pages(self, path: str, kind: type[P], **values: object) -> list[P]:
        pages: list[P] = []
        for number in range(1, PAGES + 1):
            try:
                page = await self._account.call(
                    path, kind, **values, pageNo=number, pageSize=PAGE_SIZE
                )
            except PlatformError as error:
                raise error.meaning from None
            pages.append(page)
            if number >= page.pages:
                return pages
            if page.pages > PAGES:
                break
        raise TooLongError("The platform's list is too long.")


async def _reached(act: Callable[[int], Awaitable[T]]) -> T:
    """Through the gateway; a Wi-Fi lock that saves power gets it when it wakes up, and the list
    says so then."""
    try:
        return await act(THROUGH_GATEWAY)
    except PlatformError as error:
        if error.code != POWER_SAVING:
            raise error.meaning from None
    try:
        return await act(LATER)
    except PlatformError as error:
        raise error.meaning from None
