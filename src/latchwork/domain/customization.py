"""How a workspace's pages look to the people who connect their locks."""

import re
from datetime import datetime
from typing import Any, Final, Literal

import msgspec

from latchwork.domain.errors import Rejected

_COLOR: Final = re.compile(r"#[0-9a-fA-F]{3}(?:[0-9a-fA-F]{3})?")
LOGO_KINDS: Final = {
    "image/png": b"\x89PNG\r\n\x1a\n",
    "image/jpeg": b"\xff\xd8\xff",
    "image/webp": b"RIFF",
}
"""What a logo may be, with how such a file begins."""
LARGEST_LOGO: Final = 128 * 1024


class WebviewCustomization(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Of the page behind a connect webview's link. Colours are #rgb or #rrggbb."""

    primary_button_color: str | None = None
    primary_button_text_color: str | None = None
    logo_shape: Literal["circle", "square"] | None = None
    success_message: str | None = None


class CustomizationProfile(msgspec.Struct, frozen=True, kw_only=True):
    """Colours, words and a logo. Without its logo's bytes: `has_logo` says that there is one."""

    customization_profile_id: str
    workspace_id: str
    created_at: datetime
    name: str | None = None
    primary_color: str | None = None
    secondary_color: str | None = None
    customer_portal_theme: dict[str, str] | None = None
    message_overrides: dict[str, Any] | None = None
    has_logo: bool = False


def check_color(name: str, color: str | None) -> None:
    """Raises Rejected for what is no #rgb or #rrggbb."""
    if color is not None and not _COLOR.fullmatch(color):
        raise Rejected(name, f"{name} must be a colour such as #1f5eff.")


def logo_kind(content: bytes) -> str:
    """The media type of an image. Raises Rejected for other files, and for large ones."""
    if len(content) > LARGEST_LOGO:
        raise Rejected("logo", f"The logo must not be larger than {LARGEST_LOGO // 1024} KiB.")
    for kind, beginning in LOGO_KINDS.items():
        if content.startswith(beginning):
            if kind == "image/webp" and content[8:12] != b"WEBP":
                continue
            return kind
    raise Rejected("logo", "The logo must be a PNG, JPEG or WebP image.")
