"""How a workspace wants its pages to look."""

import msgspec

from latchwork.domain.device import Workspace


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """What the templates are given; colours are #rrggbb."""

    name: str = "Latchwork"
    button_color: str | None = None
    button_text_color: str = "#ffffff"
    logo_url: str | None = None
    logo_shape: str = "square"
    success_message: str = "Your locks are connected."


def look_of(workspace: Workspace) -> Look:
    """The workspace's own name, colours and words."""
    custom = workspace.webview_customization
    return Look(
        name=workspace.connect_partner_name or workspace.name,
        button_color=custom.primary_button_color,
        button_text_color=custom.primary_button_text_color or Look().button_text_color,
        logo_shape=custom.logo_shape or Look().logo_shape,
        success_message=custom.success_message or Look().success_message,
    )
