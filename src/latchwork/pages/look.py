"""How a workspace wants its pages to look."""

from collections.abc import Sequence
from typing import Final

import msgspec

from latchwork.domain.customization import CustomizationProfile
from latchwork.domain.device import Workspace

LOGOS: Final = "/connect_webviews/logos/"


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """What the templates are given; colours are #rrggbb."""

    name: str = "Latchwork"
    button_color: str | None = None
    button_text_color: str = "#ffffff"
    logo_url: str | None = None
    logo_shape: str = "square"
    success_message: str = "Your locks are connected."


def look_of(workspace: Workspace, profiles: Sequence[CustomizationProfile]) -> Look:
    """The workspace's own name, colours and words; what it does not say itself is taken from the
    newest of its profiles that does."""
    custom = workspace.webview_customization
    colors = [p.primary_color for p in profiles if p.primary_color is not None]
    logos = [p.customization_profile_id for p in profiles if p.has_logo]
    return Look(
        name=workspace.connect_partner_name or workspace.name,
        button_color=custom.primary_button_color or next(iter(colors), None),
        button_text_color=custom.primary_button_text_color or Look().button_text_color,
        logo_url=f"{LOGOS}{logos[0]}" if logos else None,
        logo_shape=custom.logo_shape or Look().logo_shape,
        success_message=custom.success_message or Look().success_message,
    )
