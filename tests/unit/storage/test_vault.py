"""The vault: what opens where, what is shown, and where its key may come from."""

import base64
import copy
import pickle
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from latchwork.domain.errors import NeedsAttention
from latchwork.domain.pin import Pin, Secret
from latchwork.storage.vault import Vault, load_or_create_key, parse_key

KEY = bytes(range(32))
VAULT = Vault(KEY)


@given(st.binary(max_size=200), st.text(max_size=20))
def test_what_was_sealed_opens_in_its_place(value: bytes, row_id: str) -> None:
    sealed = VAULT.seal("access_code", "pin", row_id, value)
    assert VAULT.unseal("access_code", "pin", row_id, sealed) == value


@pytest.mark.parametrize(
    "place",
    [
        ("ledger", "pin", "row"),
        ("access_code", "name", "row"),
        ("access_code", "pin", "other"),
        ("access_code\0pin", "row", ""),
        ("", "access_code", "pin\0row"),
    ],
)
def test_it_does_not_open_in_another_place(place: tuple[str, str, str]) -> None:
    sealed = VAULT.seal("access_code", "pin", "row", b"4711")
    with pytest.raises(NeedsAttention, match="does not open"):
        VAULT.unseal(*place, sealed)


@pytest.mark.parametrize("position", [0, 1, 12, 13, -1])
def test_an_altered_value_does_not_open(position: int) -> None:
    sealed = bytearray(VAULT.seal("t", "c", "r", b"4711"))
    sealed[position] ^= 1
    with pytest.raises(NeedsAttention):
        VAULT.unseal("t", "c", "r", bytes(sealed))


@given(st.binary(max_size=60))
def test_rubbish_does_not_open(sealed: bytes) -> None:
    with pytest.raises(NeedsAttention):
        VAULT.unseal("t", "c", "r", sealed)


def test_another_key_opens_nothing() -> None:
    sealed = VAULT.seal("t", "c", "r", b"4711")
    with pytest.raises(NeedsAttention) as refused:
        Vault(b"x" * 32).unseal("t", "c", "r", sealed)
    assert "4711" not in str(refused.value)


def test_the_same_value_is_sealed_differently_each_time() -> None:
    assert VAULT.seal("t", "c", "r", b"4711") != VAULT.seal("t", "c", "r", b"4711")
    assert VAULT.seal("t", "c", "r", b"4711")[0] == 1


def test_pins_are_equal_only_on_the_same_lock_under_the_same_key() -> None:
    hashed = VAULT.pin_hash("dev", Pin("4711"))
    assert hashed == VAULT.pin_hash("dev", Pin("4711"))
    others = [
        VAULT.pin_hash("dev", Pin("4712")),
        VAULT.pin_hash("dev2", Pin("4711")),
        Vault(b"x" * 32).pin_hash("dev", Pin("4711")),
        VAULT.key_hash(Secret("dev\x004711")),
        VAULT.settings_hash(b"dev\x004711"),
    ]
    assert len({hashed, *others}) == 6
    assert all(len(each) == 32 for each in (hashed, *others))


def test_the_key_is_never_shown() -> None:
    shown = f"{VAULT} {VAULT!r} {VAULT.fingerprint.hex()}"
    assert KEY.hex() not in shown
    assert "•••" in repr(VAULT)
    for spread in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError):
            spread(VAULT)


@pytest.mark.parametrize("size", [0, 16, 31, 33])
def test_a_key_of_another_size_is_refused(size: int) -> None:
    with pytest.raises(NeedsAttention, match="32 bytes"):
        Vault(b"x" * size)
    with pytest.raises(NeedsAttention, match="32 bytes"):
        parse_key((b"x" * size).hex())


@pytest.mark.parametrize(
    "text",
    [
        KEY.hex(),
        KEY.hex().upper(),
        base64.b64encode(KEY).decode(),
        base64.b64encode(KEY).decode().rstrip("="),
        base64.urlsafe_b64encode(b"\xff" * 32).decode(),
        f"  {KEY.hex()}\n",
    ],
)
def test_a_key_is_read_as_hex_or_base64(text: str) -> None:
    assert parse_key(text) in (KEY, b"\xff" * 32)


@pytest.mark.parametrize("text", ["", "secret", "z" * 64, "ü" * 44, "é"])
def test_what_is_no_key_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(NeedsAttention) as refused:
        parse_key(text)
    assert not text or text not in str(refused.value)


def test_the_key_file_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "data" / "master.key"
    key = load_or_create_key(path)
    assert len(key) == 32
    assert load_or_create_key(path) == key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["master.key"]


def test_processes_that_start_together_get_one_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(load_or_create_key, [tmp_path / "master.key"] * 32))
    assert len(keys) == 1
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_key_file_that_others_can_use_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "master.key"
    load_or_create_key(path)
    path.chmod(mode)
    with pytest.raises(NeedsAttention, match="chmod 600"):
        load_or_create_key(path)


@pytest.mark.parametrize("content", [b"", b"x", bytes(range(32)), b"A" * 2000])
def test_a_key_file_without_a_key_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "master.key"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(NeedsAttention, match="holds no key"):
        load_or_create_key(path)
    assert path.read_bytes() == content
