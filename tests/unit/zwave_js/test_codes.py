"""What answers of a lock mean, where the rig's locks cannot be brought to give them."""

from typing import Any

import pytest

from latchwork.domain.errors import Conflict, LatchworkError, Rejected, RetryLater, Unsupported
from latchwork.domain.observation import Empty, Holds, NotRead, Occupied
from latchwork.domain.pin import Pin
from latchwork.drivers.zwave_js import node as node_module
from latchwork.drivers.zwave_js.client import Event
from latchwork.drivers.zwave_js.codes import NEVER, pin_of, stored
from latchwork.drivers.zwave_js.user_codes import UserCodes
from latchwork.drivers.zwave_js.user_credentials import UserCredentials, stored_name
from support.zwave_script import scripted_lock

BUFFER = {"type": "Buffer", "data": [1, 2, 3, 4]}
EMPTY_SLOT = {"credential": {"userId": 0, "type": 1, "slot": 5, "data": ""}}


@pytest.mark.parametrize("data", ["", "****", "*", None, BUFFER, "\x00\x00", 4711, "\uff14\uff17"])
def test_what_is_masked_or_unreadable_is_no_pin(data: Any) -> None:
    assert pin_of(data) is None
    assert stored(data, enabled=True) == Occupied()


def test_what_is_disabled_is_valid_never() -> None:
    assert stored("4711", enabled=False) == Holds(Pin("4711"), window=NEVER)
    assert stored("****", enabled=False) == Occupied(window=NEVER)


def report_event(position: int, name: str, value: Any) -> Event:
    args = {"commandClass": 99, "propertyKey": position, "property": name, "newValue": value}
    return Event("node", "value updated", 2, None, args)


def reporting(status: int, code: Any, *, of: int = 1) -> Any:
    """A User Code lock that answers a read so, and tells the report as that of position `of`."""

    def answer(_: Any) -> Any:
        lock.reports.note(report_event(of, "userIdStatus", status))
        lock.reports.note(report_event(of, "userCode", code))
        return {"response": {"userIdStatus": status, "userCode": code}}

    lock, _ = scripted_lock({"get": answer})
    return UserCodes(lock)


@pytest.mark.parametrize(
    ("status", "code", "seen"),
    [
        (0, "", Empty()),
        (1, "4711", Holds(Pin("4711"))),
        (1, "****", Occupied()),
        (1, BUFFER, Occupied()),
        (2, "4711", Holds(Pin("4711"), window=NEVER)),
        (4, "", Occupied()),
    ],
)
async def test_a_user_code_report(status: int, code: Any, seen: Any) -> None:
    assert await reporting(status, code).read(1) == seen


async def test_a_report_of_another_position_is_not_believed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(node_module, "REPORT_PATIENCE", 0.02)
    assert isinstance(await reporting(1, "4711", of=3).read(1), NotRead)


async def test_what_is_believed_after_a_write_is_not_taken_for_a_report(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A lock that ignored a write reports what it held; the event of the write comes late."""
    monkeypatch.setattr(node_module, "REPORT_PATIENCE", 0.02)

    def answer(_: Any) -> Any:
        for name, value in (("userIdStatus", 1), ("userCode", "6666")):
            lock.reports.note(report_event(1, name, value))
        return {"response": {"userIdStatus": 1, "userCode": "5555"}}

    lock, _ = scripted_lock({"get": answer})
    assert isinstance(await UserCodes(lock).read(1), NotRead)


async def test_silence_is_not_read() -> None:
    lock, _ = scripted_lock({"get": {}, "get_credential": {}})
    assert isinstance(await UserCodes(lock).read(1), NotRead)
    assert isinstance(await UserCredentials(lock).read(1), NotRead)


async def test_a_credential_of_another_slot_is_not_read() -> None:
    late = {"credential": {"userId": 3, "type": 1, "slot": 3, "data": "3333"}}
    lock, _ = scripted_lock({"get_credential": late}, uses_credentials=True)
    assert isinstance(await UserCredentials(lock).read(5), NotRead)


async def test_a_credential_of_a_disabled_user_is_valid_never() -> None:
    answers = {
        "get_credential": {"credential": {"userId": 5, "type": 1, "slot": 5, "data": "5555"}},
        "get_user_cached": {"user": {"userId": 5, "active": False}},
    }
    lock, _ = scripted_lock(answers, uses_credentials=True)
    assert await UserCredentials(lock).read(5) == Holds(Pin("5555"), window=NEVER)


def writing(**answers: Any) -> Any:
    """A User Credential lock where position 5 is free and all goes well but for `answers`."""
    well = {
        "get_credential_cached": {},
        "get_user_cached": {},
        "set_user": {"result": 0},
        "set_credential": {"result": 0},
        "get_credential": EMPTY_SLOT,
        "getCredential": {"response": {"nodeId": 2}},
        "get_credentials_cached": {"credentials": []},
        "get_credentials_by_type_cached": {"credentials": []},
        "delete_user": {"result": 0},
        "delete_credential": {"result": 0},
    }
    lock, client = scripted_lock(well | answers, uses_credentials=True, name_max_length=10)
    return UserCredentials(lock), client


@pytest.mark.parametrize(
    ("result", "error"),
    [(3, Conflict), (4, Rejected), (5, Conflict), (6, RetryLater), (255, RetryLater)],
)
async def test_a_refused_credential_takes_its_new_user_with_it(
    result: int, error: type[LatchworkError]
) -> None:
    codes, client = writing(set_credential={"result": result})
    with pytest.raises(error):
        await codes.write(5, Pin("4711"), "Ana")
    assert client.names()[-1] == "delete_user"


async def test_a_refused_credential_leaves_a_user_that_was_there() -> None:
    there = {"user": {"userId": 5, "active": True}}
    codes, client = writing(set_credential={"result": 3}, get_user_cached=there)
    with pytest.raises(Conflict):
        await codes.write(5, Pin("4711"), "Ana")
    assert "delete_user" not in client.names()


async def test_a_user_that_holds_something_else_is_never_deleted() -> None:
    other = {"credentials": [{"userId": 5, "type": 7, "slot": 1}]}
    codes, client = writing(set_credential={"result": 3}, get_credentials_cached=other)
    with pytest.raises(Conflict):
        await codes.write(5, Pin("4711"), "Ana")
    await codes.clear(5)
    assert "delete_user" not in client.names()


@pytest.mark.parametrize("silent", ["getCredential", "get_credential"])
async def test_a_user_is_not_deleted_on_a_guess(silent: str) -> None:
    codes, client = writing(**{silent: {}})
    with pytest.raises(RetryLater):
        await codes.clear(5)
    assert "delete_user" not in client.names()


async def test_a_stale_cache_is_tried_once_more() -> None:
    codes, client = writing(set_user=[{"result": 2}, {"result": 0}])
    await codes.write(5, Pin("4711"), "Ana")
    assert client.names().count("set_user") == 2
    codes, client = writing(set_credential=[{"result": 1}, {"result": 0}])
    await codes.write(5, Pin("4711"), "Ana")
    assert client.names().count("set_credential") == 2


async def test_a_slot_of_another_user_is_not_written() -> None:
    foreign = {"credential": {"userId": 3, "type": 1, "slot": 5, "data": "3333"}}
    codes, client = writing(get_credential_cached=foreign)
    with pytest.raises(Conflict) as caught:
        await codes.write(5, Pin("4711"), "Ana")
    assert caught.value.position == 5
    assert not {"set_user", "set_credential"} & set(client.names())


async def test_clearing_an_empty_slot_is_no_error() -> None:
    codes, _ = writing(delete_credential={"result": 2}, delete_user={"result": 2})
    await codes.clear(5)


async def test_a_removal_that_nobody_confirms_is_retried() -> None:
    codes, _ = writing(delete_credential={"result": 255})
    with pytest.raises(RetryLater):
        await codes.clear(5)


async def test_a_scan_names_what_is_there_and_whose_users_are_taken() -> None:
    credentials = [
        {"userId": 1, "type": 1, "slot": 1, "data": "1111"},
        {"userId": 4, "type": 1, "slot": 2},
        {"userId": 99, "type": 1, "slot": 3, "data": "3333"},
    ]
    codes, _ = writing(get_credentials_by_type={"credentials": credentials})
    assert await codes.scan() == {
        1: Holds(Pin("1111")),
        2: Occupied(),
        3: Holds(Pin("3333")),
        4: Occupied(),
    }


async def test_user_code_locks_tell_their_codes_one_by_one() -> None:
    lock, script = scripted_lock({}, positions=3)
    with pytest.raises(Unsupported):
        await UserCodes(lock).scan()
    assert not script.sent


@pytest.mark.parametrize(
    ("name", "longest", "text"),
    [
        ("Zoë", 10, "Zoe"),
        ("a long name indeed", 6, "a long"),
        ("日本", 10, None),
        ("", 10, None),
        (None, 10, None),
        ("Ana", None, None),
    ],
)
def test_names_are_cut_to_what_the_lock_stores(
    name: str | None, longest: int | None, text: str | None
) -> None:
    assert stored_name(name, longest) == text
