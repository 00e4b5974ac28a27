"""Addresses for deliveries: derived, unguessable, one for an account."""

import pytest

from latchwork.domain.inbound_address import InboundAddresses
from latchwork.storage.vault import Vault

ACCOUNT = "01a21506-9413-7db5-8948-d42f8afe376f"


def addresses(key: bytes = bytes(32), public_url: str | None = None) -> InboundAddresses:
    return InboundAddresses(Vault(key).inbound_mac, public_url)


def test_a_token_names_its_account_and_no_other_key_makes_it() -> None:
    token = addresses().token(ACCOUNT)
    assert addresses().account_of(token) == ACCOUNT
    assert addresses(b"x" * 32).account_of(token) is None
    assert len(token.rpartition(".")[2]) == 24


@pytest.mark.parametrize("token", ["", ".", "x", ACCOUNT, f"{ACCOUNT}.", f".{ACCOUNT}", "ä.ö"])
def test_what_is_no_token_names_nothing(token: str) -> None:
    assert addresses().account_of(token) is None


def test_there_is_no_address_while_nobody_knows_where_we_are() -> None:
    assert addresses().url(ACCOUNT) is None
    url = addresses(public_url="https://locks.example.com").url(ACCOUNT)
    assert url == f"https://locks.example.com/latchwork/inbound/{addresses().token(ACCOUNT)}"
