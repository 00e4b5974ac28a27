"""One full round with each of Seam's clients, old and new, against a real server."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import svix

from support.compat import CLIENTS, Client, Refused
from support.receiver import Delivery, Receiver
from support.server import API_KEY, LatchworkProcess, wait_for

pytestmark = [pytest.mark.acceptance]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LatchworkProcess]:
    with LatchworkProcess(tmp_path_factory.mktemp("compat"), "--demo") as process:
        wait_for("the locks", lambda: len(process.call("/devices/list")["devices"]) >= 8)
        yield process


@pytest.fixture(params=CLIENTS, scope="module")
def client(request: pytest.FixtureRequest, demo: LatchworkProcess) -> Iterator[Client]:
    with Client(request.param, demo.url, API_KEY) as client:
        yield client


@pytest.fixture
def device_id(client: Client) -> str:
    """A lock that the client finds: takes six digits, zeros too, has room for the codes of every
    client, and keeps no schedule itself."""
    devices = client("devices.list")
    assert len(devices) >= 8
    lock = _lock(client, "Side Gate")
    assert 6 in lock["properties"]["supported_code_lengths"]
    found = client("devices.get", device_id=lock["device_id"])
    assert found["device_id"] == lock["device_id"]
    assert found["device_type"] == lock["device_type"]
    return str(lock["device_id"])


def test_a_full_round(client: Client, device_id: str) -> None:
    with Receiver() as receiver:
        made = client("webhooks.create", url=receiver.url, event_types=["*"])
        secret = made.get("webhook", made)["secret"]
        ongoing = client("access_codes.create", device_id=device_id, name="Ada", code=_pin(client))
        code_id = ongoing["access_code_id"]
        assert (ongoing["type"], ongoing["code"]) == ("ongoing", _pin(client))
        _until_set(client, code_id)
        _webhook_verifies(client, secret, receiver, code_id)
        bound = _time_bound(client, device_id)
        _lists(client, device_id, {code_id, bound})
        client("access_codes.update", access_code_id=code_id, code=_pin(client, 5))
        assert client("access_codes.get", access_code_id=code_id)["code"] == _pin(client, 5)
        _until_set(client, code_id)
        for gone in (code_id, bound):
            client("access_codes.delete", access_code_id=gone)
            wait_for("the code to be gone", lambda gone=gone: _is_gone(client, gone))


def test_one_code_on_several_locks(client: Client, device_id: str) -> None:
    if client.name == "seamapi-1.6.0":
        pytest.skip("knows no create_multiple")
    locks = [device_id, _lock(client, "Back Door")["device_id"]]
    pin = _pin(client, 4)
    codes = client("access_codes.create_multiple", device_ids=locks, name="Cleo", code=pin)
    assert [code["code"] for code in codes] == [pin, pin]
    for lock, code in zip(locks, codes, strict=True):
        listed = client("access_codes.list", device_id=lock)
        assert code["access_code_id"] in {one["access_code_id"] for one in listed}
        _until_set(client, code["access_code_id"])
        client("access_codes.delete", access_code_id=code["access_code_id"])


def test_a_backup_code_is_pulled(client: Client, device_id: str) -> None:
    if client.name in ("seamapi-1.6.0", "seamapi-2.4.0"):
        pytest.skip("knows no backup codes")
    pooled = {"use_backup_access_code_pool": True, "code": _pin(client, 6)}
    code_id = _time_bound(client, device_id, **pooled)
    wait_for("a backup code", lambda: _has_backup(client, code_id))
    pulled = client("access_codes.pull_backup_access_code", access_code_id=code_id)
    original = client("access_codes.get", access_code_id=code_id)
    backup = original["pulled_backup_access_code_id"]
    # Seam's earlier clients hand the code out, its later ones the backup.
    assert pulled["access_code_id"] in (code_id, backup)
    spare = client("access_codes.get", access_code_id=backup)
    assert spare["code"] != original["code"]
    assert (spare["type"], spare["ends_at"]) == ("time_bound", original["ends_at"])
    for gone in (original, spare):
        client("access_codes.delete", access_code_id=gone["access_code_id"])


def test_errors_as_the_client_tells_them(client: Client, device_id: str) -> None:
    named = "nothing-is-called-this"
    for call, params, status, kind in (
        ("access_codes.get", {"access_code_id": named}, 404, "access_code_not_found"),
        ("devices.get", {"device_id": named}, 404, "device_not_found"),
        ("access_codes.create", {"device_id": device_id, "code": "no"}, 400, "invalid_input"),
    ):
        with pytest.raises(Refused) as refused:
            client(call, **params)
        _tells(client, refused.value, status, kind)


def test_a_wrong_key_is_refused(client: Client, demo: LatchworkProcess) -> None:
    with Client(client.name, demo.url, API_KEY[:-4] + "oops") as stranger:
        with pytest.raises(Refused) as refused:
            stranger("devices.list")
        _tells(client, refused.value, 401, "unauthorized")


def _lock(client: Client, name: str) -> dict[str, Any]:
    [lock] = [d for d in client("devices.list") if d["properties"]["name"] == name]
    found: dict[str, Any] = lock
    return found


def _has_backup(client: Client, code_id: str) -> bool:
    return bool(
        client("access_codes.get", access_code_id=code_id)["is_backup_access_code_available"]
    )


def _tells(client: Client, error: Refused, status: int, kind: str) -> None:
    if client.name == "seamapi-1.6.0":  # tells the body, as text
        assert f'"{kind}"' in error.message
        return
    if client.name == "npm-seamapi-8.24.0" and kind == "invalid_input":  # tells what was wrong
        assert "_errors" in error.message
        return
    assert (error.status, error.type) == (status, kind)
    assert error.request_id


def _pin(client: Client, more: int = 0) -> str:
    """Of the client's own: the clients share the locks."""
    return f"{4_100 + 7 * CLIENTS.index(client.name) + more}62"


def _status(client: Client, code_id: str) -> str:
    return str(client("access_codes.get", access_code_id=code_id)["status"])


def _until_set(client: Client, code_id: str) -> None:
    wait_for("the code to be set", lambda: _status(client, code_id) == "set")


def _time_bound(client: Client, device_id: str, **fields: Any) -> str:
    """A code of three days from tomorrow on; its id."""
    start = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    end = start + timedelta(days=3)
    made = client(
        "access_codes.create",
        device_id=device_id,
        name="Ben",
        starts_at=start.isoformat(),
        ends_at=end.isoformat(),
        **{"code": _pin(client, 3), **fields},
    )
    found = client("access_codes.get", access_code_id=made["access_code_id"])
    assert (found["type"], found["status"]) == ("time_bound", "unset")
    assert datetime.fromisoformat(found["starts_at"]) == start
    assert datetime.fromisoformat(found["ends_at"]) == end
    return str(made["access_code_id"])


def _lists(client: Client, device_id: str, codes: set[str]) -> None:
    """All at once, of one device; and page by page, none missing and none twice."""
    of_device = client("access_codes.list", device_id=device_id)
    assert codes <= {code["access_code_id"] for code in of_device}
    paged: list[Any] = client("all", path="/devices/list", key="devices", limit=3)
    ids = [device["device_id"] for device in paged]
    assert len(ids) == len(set(ids))
    assert set(ids) == {device["device_id"] for device in client("devices.list")}


def _is_gone(client: Client, code_id: str) -> bool:
    try:
        client("access_codes.get", access_code_id=code_id)
    except Refused as error:
        _tells(client, error, 404, "access_code_not_found")
        return True
    return False


def _webhook_verifies(client: Client, secret: str, receiver: Receiver, code_id: str) -> None:
    kind = "access_code.set_on_device"
    delivery: Delivery = wait_for("the webhook", lambda: receiver.of(code_id).get(kind))
    payload = delivery.body.decode()
    headers = {n: v for n, v in delivery.headers.items() if n.startswith(("svix-", "webhook-"))}
    if client.name.startswith("seamapi-"):  # verifies none itself: its guide says to use svix
        svix.Webhook(secret).verify(payload, headers)
        return
    event = client("verify", secret=secret, payload=payload, headers=headers)
    assert event["event_type"] == kind
    assert event.get("access_code_id", code_id) == code_id  # seam 1.0.0 keeps no more than the type
    with pytest.raises(Refused):
        client("verify", secret=secret, payload=payload.replace("set", "sat"), headers=headers)
    assert time.time() - int(headers["svix-timestamp"]) < 60
