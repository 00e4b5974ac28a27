"""Curves over one axis, as an SVG that reads on light and on dark pages."""

from collections.abc import Sequence
from html import escape
from typing import Final

import msgspec

WIDTH: Final = 720
HEIGHT: Final = 150
"""Of one panel."""
LEFT, RIGHT, TOP, BOTTOM = 56, 16, 28, 22
_STYLE: Final = (
    "text{font:12px system-ui,sans-serif;fill:#444}.line{fill:none;stroke:#0b6bcb;"
    "stroke-width:1.6}.grid{stroke:#8886;stroke-width:.6}"
    "@media(prefers-color-scheme:dark){text{fill:#ccc}.line{stroke:#6db3f2}}"
)


class Panel(msgspec.Struct, frozen=True):
    """One curve: (x, y), in the order of x."""

    title: str
    points: Sequence[tuple[float, float]]


def drawn(panels: Sequence[Panel], axis: str) -> str:
    """The panels below each other, each with y from 0 on; `axis` names what x is."""
    height = HEIGHT * len(panels) + 8
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
        f"<style>{_STYLE}</style>",
        *(_panel(panel, HEIGHT * row, axis) for row, panel in enumerate(panels)),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _panel(panel: Panel, above: int, axis: str) -> str:
    longest = max(x for x, _ in panel.points) or 1.0
    top = _round_up(max(y for _, y in panel.points))
    wide, high = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    floor = above + TOP + high

    def place(x: float, y: float) -> str:
        return f"{LEFT + x / longest * wide:.1f},{floor - y / top * high:.1f}"

    line = " ".join(place(x, y) for x, y in panel.points)
    parts = [f'<text x="{LEFT}" y="{above + 18}">{escape(panel.title)}</text>']
    for share in (0.0, 0.5, 1.0):
        y = floor - share * high
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}"/>')
        label = f"{top * share:,.4g}"
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4}" text-anchor="end">{label}</text>')
    for share in (0.0, 0.5, 1.0):
        x = LEFT + share * wide
        text = f"{longest * share:.3g}" + (f" {axis}" if share == 1.0 else "")
        parts.append(f'<text x="{x}" y="{floor + 16}" text-anchor="{_ANCHOR[share]}">{text}</text>')
    parts.append(f'<polyline class="line" points="{line}"/>')
    return "\n".join(parts)


_ANCHOR: Final = {0.0: "start", 0.5: "middle", 1.0: "end"}


def _round_up(value: float) -> float:
    """The next of 1, 2, 5, 10, 20, ..."""
    step = 1.0
    while step < 1e12:
        for factor in (1.0, 2.0, 5.0):
            if value <= step * factor:
                return step * factor
        step *= 10.0
    return value
