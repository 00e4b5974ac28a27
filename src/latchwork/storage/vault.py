"""Encryption at rest: AES-256-GCM bound to table, column and row; keyed hashes for look-ups.

A sealed value is one byte of key version, 12 bytes of nonce, then ciphertext and tag. Its place
(table, column, row id) is authenticated with it, so that a value copied to another row does not
open there. All keys are derived from one master key of 32 bytes.
"""

import base64
import binascii
import hmac
import os
import secrets
import stat
from pathlib import Path
from typing import Final, NoReturn

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from latchwork.domain.errors import NeedsAttention
from latchwork.domain.pin import MASK, Pin, Secret
from latchwork.storage.disk import sync_folder

KEY_SIZE: Final = 32
_NONCE_SIZE: Final = 12
_TAG_SIZE: Final = 16
_VERSION: Final = b"\x01"
_HEADER_SIZE: Final = len(_VERSION) + _NONCE_SIZE


class Vault:
    """Seals and opens what is stored. Shows no key in any representation."""

    __slots__ = (
        "_cipher",
        "_fingerprint",
        "_inbound_key",
        "_key_key",
        "_pin_key",
        "_request_key",
        "_settings_key",
    )

    def __init__(self, master_key: bytes) -> None:
        if len(master_key) != KEY_SIZE:
            raise NeedsAttention(f"The master key must have {KEY_SIZE} bytes.")
        self._cipher = AESGCM(_derived(master_key, "encryption"))
        self._pin_key = _derived(master_key, "pin look-up")
        self._key_key = _derived(master_key, "api key")
        self._settings_key = _derived(master_key, "account settings")
        self._inbound_key = _derived(master_key, "inbound address")
        self._request_key = _derived(master_key, "idempotent request")
        self._fingerprint = _derived(master_key, "fingerprint")

    @property
    def fingerprint(self) -> bytes:
        """Tells master keys apart and nothing else of them; safe to store in clear."""
        return self._fingerprint

    def seal(self, table: str, column: str, row_id: str, value: bytes) -> bytes:
        """Encrypts `value` for this one place."""
        nonce = os.urandom(_NONCE_SIZE)
        return _VERSION + nonce + self._cipher.encrypt(nonce, value, _place(table, column, row_id))

    def unseal(self, table: str, column: str, row_id: str, sealed: bytes) -> bytes:
        """The value sealed for this place. Raises NeedsAttention when it was altered, moved from
        another place, or sealed with another key."""
        nonce, content = sealed[1:_HEADER_SIZE], sealed[_HEADER_SIZE:]
        if sealed[:1] != _VERSION or len(content) < _TAG_SIZE:
            raise _does_not_open(table, column)
        try:
            return self._cipher.decrypt(nonce, content, _place(table, column, row_id))
        except InvalidTag:
            raise _does_not_open(table, column) from None

    def pin_hash(self, device_id: str, pin: Pin) -> bytes:
        """Equal for equal PINs of one lock, and for nothing else."""
        message = f"{device_id}\0{pin.reveal()}".encode()
        return hmac.digest(self._pin_key, message, "sha256")

    def key_hash(self, secret: Secret) -> bytes:
        """What is stored of an API key."""
        return hmac.digest(self._key_key, secret.reveal().encode(), "sha256")

    def settings_hash(self, settings: bytes) -> bytes:
        """Equal for equal settings of accounts."""
        return hmac.digest(self._settings_key, settings, "sha256")

    def inbound_mac(self, account_id: str) -> bytes:
        """What makes the address for deliveries to an account unguessable."""
        return hmac.digest(self._inbound_key, account_id.encode(), "sha256")

    def request_hash(self, request: bytes) -> bytes:
        """Equal for equal requests with an idempotency key."""
        return hmac.digest(self._request_key, request, "sha256")

    def __repr__(self) -> str:
        return f"Vault({MASK})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a vault cannot be pickled")


def _does_not_open(table: str, column: str) -> NeedsAttention:
    return NeedsAttention(
        f"A stored secret ({table}.{column}) does not open: it was altered, or the master key is "
        "not the one that it was stored with."
    )


def _derived(master_key: bytes, purpose: str) -> bytes:
    info = f"latchwork {purpose} 1".encode()
    return HKDF(algorithm=SHA256(), length=KEY_SIZE, salt=None, info=info).derive(master_key)


def _place(table: str, column: str, row_id: str) -> bytes:
    return f"{table}\0{column}\0{row_id}".encode()


def parse_key(text: str) -> bytes:
    """A master key written as hex or base64. Raises NeedsAttention when it is neither, or not of
    32 bytes."""
    text = text.strip()
    for decode in (bytes.fromhex, _from_base64):
        try:
            key = decode(text)
        except (ValueError, binascii.Error):
            continue
        if len(key) == KEY_SIZE:
            return key
    raise NeedsAttention(f"The master key must be {KEY_SIZE} bytes, written as hex or base64.")


def _from_base64(text: str) -> bytes:
    padded = text.replace("-", "+").replace("_", "/").rstrip("=")
    padded += "=" * (-len(padded) % 4)
    return base64.b64decode(padded, validate=True)


def load_or_create_key(path: str | Path) -> bytes:
    """The master key in the file at `path`, which is made at the first start: base64 of 32 random
    bytes, readable by its owner alone. Raises NeedsAttention for a file that others can read, or
    that holds no key."""
    path = Path(path)
    if not path.exists():
        _create_key(path)
    return _read_key(path)


def _create_key(path: Path) -> None:
    # Linking a complete file makes it appear at once and whole, however many processes start.
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}.new")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(base64.b64encode(secrets.token_bytes(KEY_SIZE)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            path.hardlink_to(draft)
        except FileExistsError:
            return
        sync_folder(path.parent)
    finally:
        draft.unlink()


def _read_key(path: Path) -> bytes:
    with path.open("rb") as file:
        mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
        if mode & 0o077:
            raise NeedsAttention(
                f"The key file {path} can be read by others (mode {mode:04o}): "
                f"run `chmod 600 {path}`."
            )
        content = file.read(1024)
    try:
        return parse_key(content.decode("ascii", errors="replace"))
    except NeedsAttention as error:
        raise NeedsAttention(f"The key file {path} holds no key. {error}") from None
