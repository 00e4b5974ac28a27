"""/workspaces/customization_profiles: colours, words and logos for pages."""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, UnsetType

from latchwork.api import access_serializers as show
from latchwork.api import resources
from latchwork.api.endpoint import CREATE, READ, Call, Endpoint
from latchwork.api.errors import invalid, not_found
from latchwork.domain.customization import CustomizationProfile, check_color, logo_kind

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
THEME_COLORS = (
    "primary_color", "primary_foreground_color", "secondary_color", "secondary_foreground_color",
)  # fmt: skip


class Theme(msgspec.Struct, omit_defaults=True):
    font_family: Name | None = None
    mono_font_family: Name | None = None
    primary_color: str | None = None
    primary_foreground_color: str | None = None
    secondary_color: str | None = None
    secondary_foreground_color: str | None = None


class Create(msgspec.Struct):
    name: Name | None = None
    primary_color: str | None = None
    secondary_color: str | None = None
    customer_portal_theme: Theme | None = None
    message_overrides: dict[str, Any] | None = None


class Update(msgspec.Struct):
    customization_profile_id: str
    name: Name | UnsetType | None = UNSET
    primary_color: str | None = None
    secondary_color: str | None = None
    customer_portal_theme: Theme | UnsetType | None = UNSET
    message_overrides: dict[str, Any] | UnsetType | None = UNSET


class Named(msgspec.Struct):
    customization_profile_id: str


class List(msgspec.Struct):
    customer_key: str | None = None


class Upload(msgspec.Struct):
    """A multipart form with the file `logo`; in JSON the same as base64."""

    customization_profile_id: str
    logo: bytes


async def create(call: Call, asked: Create) -> dict[str, Any]:
    profile = CustomizationProfile(
        customization_profile_id=call.new_id(),
        workspace_id=call.workspace_id,
        created_at=call.now,
        name=asked.name,
        primary_color=asked.primary_color,
        secondary_color=asked.secondary_color,
        customer_portal_theme=_theme(asked.customer_portal_theme),
        message_overrides=asked.message_overrides,
    )
    _check(profile)
    await call.storage.add_profile(profile)
    return _answer(call, profile)


def _theme(theme: Theme | None) -> dict[str, str] | None:
    found: dict[str, str] | None = None if theme is None else msgspec.to_builtins(theme)
    return found


def _check(profile: CustomizationProfile) -> None:
    check_color("primary_color", profile.primary_color)
    check_color("secondary_color", profile.secondary_color)
    for name in THEME_COLORS:
        check_color(name, (profile.customer_portal_theme or {}).get(name))


def _answer(call: Call, profile: CustomizationProfile) -> dict[str, Any]:
    shown = show.customization_profile(profile, call.deps.public_url)
    return {"customization_profile": shown, "ok": True}


async def _find(call: Call, profile_id: str) -> CustomizationProfile:
    profile = await call.storage.profile(call.workspace_id, profile_id)
    if profile is None:
        raise not_found("customization_profile")
    return profile


async def get(call: Call, asked: Named) -> dict[str, Any]:
    return _answer(call, await _find(call, asked.customization_profile_id))


async def list_(call: Call, asked: List) -> dict[str, Any]:
    found = [] if asked.customer_key else await call.storage.profiles(call.workspace_id)
    shown = [show.customization_profile(p, call.deps.public_url) for p in found]
    return {"customization_profiles": shown, "ok": True}


async def update(call: Call, asked: Update) -> dict[str, Any]:
    standing = await _find(call, asked.customization_profile_id)
    theme = asked.customer_portal_theme
    changed = msgspec.structs.replace(
        standing,
        name=standing.name if asked.name is UNSET else asked.name,
        primary_color=asked.primary_color or standing.primary_color,
        secondary_color=asked.secondary_color or standing.secondary_color,
        customer_portal_theme=standing.customer_portal_theme if theme is UNSET else _theme(theme),
        message_overrides=standing.message_overrides
        if asked.message_overrides is UNSET
        else asked.message_overrides,
    )
    _check(changed)
    if not await call.storage.update_profile(changed):
        raise not_found("customization_profile")
    return {"ok": True}


async def upload_images(call: Call, asked: Upload) -> dict[str, Any]:
    if not asked.logo:
        raise invalid("logo is required.", logo="Required")
    kind = logo_kind(asked.logo)
    if not await call.storage.set_logo(
        call.workspace_id, asked.customization_profile_id, asked.logo, kind
    ):
        raise not_found("customization_profile")
    return {"ok": True}


_PATH = "/workspaces/customization_profiles"
_ONE = {"customization_profile": resources.CustomizationProfile}

ENDPOINTS = (
    Endpoint(
        f"{_PATH}/create",
        CREATE,
        Create,
        create,
        answer=_ONE,
        summary="Makes a customization profile.",
    ),
    Endpoint(
        f"{_PATH}/get", READ, Named, get, answer=_ONE, summary="Gets a customization profile."
    ),
    Endpoint(
        f"{_PATH}/list",
        READ,
        List,
        list_,
        answer={"customization_profiles": list[resources.CustomizationProfile]},
        summary="Lists customization profiles, newest first.",
    ),
    Endpoint(
        f"{_PATH}/update",
        ("POST", "PATCH"),
        Update,
        update,
        answer={},
        summary="Changes a customization profile.",
    ),
    Endpoint(
        f"{_PATH}/upload_images",
        CREATE,
        Upload,
        upload_images,
        answer={},
        summary="Gives a customization profile its logo.",
    ),
)
