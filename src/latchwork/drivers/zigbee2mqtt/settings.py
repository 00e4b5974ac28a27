"""The settings of a connection, checked."""

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from latchwork.domain.errors import NeedsAttention, Rejected
from latchwork.domain.provider import FieldKind, SettingField
from latchwork.drivers import setting_values

DEFAULT_TOPIC: Final = "zigbee2mqtt"
PORTS: Final[Mapping[str, int]] = {"mqtt": 1883, "mqtts": 8883}
FIELDS: Final = (
    SettingField(
        name="url",
        label="Address of the MQTT broker",
        kind=FieldKind.URL,
        help="The broker that Zigbee2MQTT uses; mqtts:// for an encrypted connection.",
        example="mqtt://192.168.1.10:1883",
    ),
    SettingField(name="username", label="User name at the broker", required=False),
    SettingField(
        name="password", label="Password at the broker", kind=FieldKind.SECRET, required=False
    ),
    SettingField(
        name="base_topic",
        label="Base topic",
        required=False,
        help="As in Zigbee2MQTT's settings; each instance has its own.",
        default=DEFAULT_TOPIC,
    ),
    SettingField(
        name="time_zone",
        label="Time zone of Zigbee2MQTT's host",
        required=False,
        help="Locks take their time from it. Only with it do they keep schedules themselves.",
        example="Europe/Amsterdam",
    ),
    SettingField(
        name="ca_file",
        label="File with the broker's CA certificate",
        required=False,
        help="A path on Latchwork's host, for mqtts:// with a certificate of your own.",
    ),
    SettingField(
        name="cert_file", label="File with a client certificate and its key", required=False
    ),
)
_TEXTS: Final = ("username", "base_topic", "time_zone", "ca_file", "cert_file")
_WILD: Final = frozenset("+#")


def check_settings(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """`url`: mqtt://host:1883 or mqtts://host, with the scheme's usual port unless it is given.
    `base_topic` is always there; the other settings are where they were given."""
    known = [field.name for field in FIELDS]
    for name in settings:
        if name not in known:
            raise Rejected(name, f"There is no setting {name!r}; known are: {', '.join(known)}.")
    checked: dict[str, Any] = {"url": _checked_url(settings.get("url"))}
    for name in _TEXTS:
        value = settings.get(name)
        if value is None or value == "":
            continue
        if not isinstance(value, str):
            raise Rejected(name, f"The setting {name} must be a text.")
        checked[name] = value.strip()
    checked["base_topic"] = _checked_topic(checked.get("base_topic", DEFAULT_TOPIC))
    if "time_zone" in checked:
        checked["time_zone"] = setting_values.time_zone("time_zone", checked["time_zone"])
    if not checked["url"].startswith("mqtts:"):
        for name in ("ca_file", "cert_file"):
            if name in checked:
                raise Rejected(name, f"The setting {name} needs an address with mqtts://.")
    return checked


def _checked_url(url: Any) -> str:
    form = "the address of an MQTT broker, such as mqtt://192.168.1.10:1883"
    if not isinstance(url, str) or not url.strip():
        raise Rejected("url", f"The setting url is missing: {form}.")
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        raise Rejected("url", f"The setting url is not an address: {form}.") from None
    if parts.scheme not in PORTS or not parts.hostname:
        raise Rejected("url", f"The setting url must begin with mqtt:// or mqtts://: {form}.")
    if parts.username is not None or parts.password is not None:
        raise Rejected(
            "url", "The setting url must not contain a user name or password: they have their own."
        )
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise Rejected("url", f"The setting url must not contain more than host and port: {form}.")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}:{port or PORTS[parts.scheme]}"


def _checked_topic(topic: str) -> str:
    topic = topic.strip("/")
    if not topic or _WILD & set(topic):
        raise Rejected("base_topic", "The setting base_topic must be a topic without + and #.")
    return topic


class _Socket(ssl.SSLSocket):
    """The MQTT library leaves one whose handshake failed open."""

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except BaseException:
            self.close()
            raise


def tls_context(settings: Mapping[str, Any]) -> ssl.SSLContext | None:
    """For mqtts://, else None. Raises NeedsAttention for files that cannot be used."""
    if not settings["url"].startswith("mqtts:"):
        return None
    try:
        context = ssl.create_default_context(cafile=settings.get("ca_file"))
        context.sslsocket_class = _Socket
        if certificate := settings.get("cert_file"):
            context.load_cert_chain(Path(certificate))
    except (OSError, ssl.SSLError) as error:
        raise NeedsAttention(
            f"The certificate files cannot be used ({type(error).__name__}). Check their paths."
        ) from None
    return context
