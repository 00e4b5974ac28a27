"""Codes as bars over days: where each begins and ends on the chart, in per cent of its width."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from latchwork.console import times, words
from latchwork.console.words import Look, look_of
from latchwork.storage.console import CodeGlance

ROW: Final = 28
MARGIN: Final = 6
MOST_ROWS: Final = 7
NARROWEST: Final = 2.2
"""Per cent: a bar that can still be hit, and show its shape."""


class Day(msgspec.Struct, frozen=True, kw_only=True):
    x: float
    width: float
    label: str
    is_weekend: bool
    is_today: bool


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    code: CodeGlance
    look: Look
    x: float
    width: float
    ahead_x: float
    """Where the line that shows it being put on the lock ahead begins; `x`: there is none."""
    y: int
    tip: str


class Lane(msgspec.Struct, frozen=True, kw_only=True):
    bars: Sequence[Bar]
    height: int
    left_out: int
    """How many found no room."""


class Chart(msgspec.Struct, frozen=True, kw_only=True):
    """From a midnight on, for so many days of a zone."""

    since: datetime
    until: datetime
    now: datetime
    zone: ZoneInfo

    @classmethod
    def of(cls, first: datetime, days: int, now: datetime, zone: ZoneInfo) -> "Chart":
        """`first`: any instant of the first day."""
        local = first.astimezone(zone)
        since = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
        until = (since + timedelta(days=days)).replace(fold=0)
        return cls(since=since, until=until, now=now, zone=zone)

    def x(self, instant: datetime) -> float:
        """Per cent, kept on the chart."""
        # Instants are subtracted in UTC: a day of a clock change is as wide as it is long.
        begin, end = self.since.timestamp(), self.until.timestamp()
        share = (instant.timestamp() - begin) / (end - begin)
        return round(min(max(share, 0.0), 1.0) * 100, 2)

    @property
    def now_x(self) -> float | None:
        return self.x(self.now) if self.since <= self.now < self.until else None

    @property
    def days(self) -> Sequence[Day]:
        today = self.now.astimezone(self.zone).date()
        found, day = [], self.since
        while day < self.until:
            after = (day + timedelta(days=1)).replace(fold=0)
            x = self.x(day)
            found.append(
                Day(
                    x=x,
                    width=round(self.x(after) - x, 2),
                    label=f"{day:%a} {day.day}",
                    is_weekend=day.weekday() >= 5,
                    is_today=day.date() == today,
                )
            )
            day = after
        return found

    def lane(self, codes: Sequence[CodeGlance]) -> Lane:
        """The codes of one lock, in the order of their starts, in as few rows as they need."""
        ends: list[float] = []
        bars = []
        left_out = 0
        for code in codes:
            begin = code.starts_at or code.created_at
            x = self.x(begin)
            end = 100.0 if code.ends_at is None else self.x(code.ends_at)
            width = max(end - x, NARROWEST)
            x = min(x, 100 - width)
            ahead_x = min(x, self.x(begin - code.ahead)) if code.starts_at else x
            row = next((n for n, taken in enumerate(ends) if taken <= ahead_x), len(ends))
            if row >= MOST_ROWS:
                left_out += 1
                continue
            ends[row : row + 1] = [x + width]
            bars.append(
                Bar(
                    code=code,
                    look=look_of(code),
                    x=x,
                    width=round(width, 2),
                    ahead_x=ahead_x,
                    y=MARGIN + row * ROW,
                    tip="\n".join(self._said(code)),
                )
            )
        return Lane(bars=bars, height=max(len(ends), 1) * ROW + MARGIN * 2, left_out=left_out)

    def _said(self, code: CodeGlance) -> Iterator[str]:
        """What is known of the code, and from where."""
        look = look_of(code)
        yield f"{code.name or 'Code without a name'}: {look.word}"
        yield self._window(code)
        if code.starts_at is not None and not code.is_offline and self.now < code.starts_at:
            yield f"Put on the lock from {self._when(code.starts_at - code.ahead)} on"
        evidence = code.evidence
        if evidence is None:
            yield "Nothing proven yet"
        else:
            place = "" if evidence.position is None else f", position {evidence.position}"
            proof = words.EVIDENCE[evidence.kind]
            yield f"Proof: {proof}{place}, {self._when(evidence.observed_at)}"
        for problem in (*code.errors, *code.warnings):
            yield problem.message

    def _window(self, code: CodeGlance) -> str:
        if code.starts_at is None and code.ends_at is None:
            return f"Always, since {self._when(code.created_at)}"
        begin = "" if code.starts_at is None else self._when(code.starts_at)
        return f"{begin} to {'…' if code.ends_at is None else self._when(code.ends_at)}"

    def _when(self, instant: datetime) -> str:
        return times.when(instant, self.now, self.zone)
