"""From a recorded network to locks as the engine lists them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from latchwork.domain.device import LockCapabilities, Reads
from latchwork.domain.errors import NeedsAttention, RetryLater
from latchwork.drivers.zwave_js.network import Network
from support.zwave_script import ScriptedClient

RECORDED = json.loads((Path(__file__).parent / "recorded" / "network.json").read_text())
U3C_PIN = {
    "supportsCredentialLearn": False,
    "numberOfCredentialSlots": 12,
    "minCredentialLength": 4,
    "maxCredentialLength": 8,
    "maxCredentialHashLength": 0,
}
CODE_PIN = {
    "supportsCredentialLearn": False,
    "numberOfCredentialSlots": 10,
    "minCredentialLength": 4,
    "maxCredentialLength": 10,
    "maxCredentialHashLength": 0,
}


def recorded(**changes: dict[str, Any]) -> dict[str, Any]:
    """The recorded network; `node_3={"name": "Front"}` changes fields of a node."""
    network = json.loads(json.dumps(RECORDED))
    for node in network["state"]["nodes"]:
        node.update(changes.get(f"node_{node['nodeId']}", {}))
    return network


def client(network: dict[str, Any], **changes: Any) -> ScriptedClient:
    values = {
        (98, "currentMode"): 255,
        (128, "level"): 81,
        (78, "numYearDaySlots"): 2,
        (99, "supportedASCIIChars"): "0123456789",
        **changes.pop("values", {}),
    }

    def value(parameters: Mapping[str, Any]) -> Any:
        wanted = parameters["valueId"]
        known = values.get((wanted["commandClass"], wanted["property"]))
        return {} if known is None else {"value": known}

    def credentials(parameters: Mapping[str, Any]) -> Any:
        pin = U3C_PIN if parameters["nodeId"] == 4 else CODE_PIN
        return {"capabilities": {"supportedCredentialTypes": {"1": pin}}}

    def users(parameters: Mapping[str, Any]) -> Any:
        if parameters["nodeId"] == 4:
            return {"capabilities": {"maxUsers": 20, "maxUserNameLength": 32}}
        return {"capabilities": {"maxUsers": 10}}

    def state(parameters: Mapping[str, Any]) -> Any:
        nodes = network["state"]["nodes"]
        return {"state": next(n for n in nodes if n["nodeId"] == parameters["nodeId"])}

    answers: dict[str, Any] = {
        "start_listening": network,
        "get_state": state,
        "is_supported": {"supported": True},
        "get_credential_capabilities_cached": credentials,
        "get_user_capabilities_cached": users,
        "get_value": value,
    }
    return ScriptedClient({**answers, **changes})


async def test_three_kinds_of_locks_are_told_apart() -> None:
    found = await Network(client(recorded()), "Europe/Paris").load()
    assert found.complete
    v1, scheduled, credential = found.devices
    assert [d.provider_key for d in found.devices] == ["c0ffee01-2", "c0ffee01-3", "c0ffee01-4"]
    assert v1.device_type == "zwave_js_lock"
    assert (v1.manufacturer, v1.model) == ("Mock Locks", "UC-1")
    assert (v1.locked, v1.battery_level, v1.online) == (True, 0.81, True)
    assert v1.time_zone == "Europe/Paris"
    assert v1.capabilities == LockCapabilities(
        code_lengths=(4, 5, 6, 7, 8, 9, 10), positions=10, pushes_changes=True
    )
    assert scheduled.capabilities.native_scheduling
    assert scheduled.capabilities.read_cost == 2
    assert credential.capabilities == LockCapabilities(
        positions=12, name_max_length=32, pushes_changes=True, refuses_duplicates=True
    )


async def test_names_and_places_are_shown() -> None:
    network = recorded(
        node_2={"name": "Front door", "location": "Cottage"}, node_3={"location": "Barn"}
    )
    devices = (await Network(client(network), None).load()).devices
    assert [d.display_name for d in devices] == [
        "Front door (Cottage)",
        "Mock Locks UC-2 (Barn)",
        "Mock Locks U3C-1 4",
    ]


async def test_what_a_lock_does_not_tell_is_not_made_up() -> None:
    nothing = {(98, "currentMode"): 254, (128, "level"): None, (99, "supportedASCIIChars"): None}
    device = (await Network(client(recorded(), values=nothing), None).load()).devices[0]
    assert device.locked is None
    assert device.battery_level is None
    assert device.capabilities.characters == "0123456789"


async def test_dead_locks_are_offline_and_those_not_yet_heard_are_not() -> None:
    network = recorded(node_2={"status": 3}, node_3={"status": 0, "ready": False})
    devices = (await Network(client(network), None).load()).devices
    assert [d.online for d in devices] == [False, True, True]


async def test_a_keypad_of_few_digits() -> None:
    keypad = {(99, "supportedASCIIChars"): "123456"}
    device = (await Network(client(recorded(), values=keypad), None).load()).devices[0]
    assert device.capabilities.characters == "123456"


async def test_schlage_locks_take_codes_of_the_configured_length() -> None:
    schlage = recorded(node_2={"manufacturerId": 0x003B})
    devices = (await Network(client(schlage, values={(112, 16): 6}), None).load()).devices
    assert devices[0].capabilities.code_lengths == (6,)
    assert devices[1].capabilities.code_lengths == (4, 5, 6, 7, 8, 9, 10)


async def test_a_node_that_cannot_be_described_does_not_hide_the_others() -> None:
    def broken(parameters: Mapping[str, Any]) -> Any:
        return RetryLater("no") if parameters["nodeId"] == 3 else {"supported": True}

    nodes = Network(client(recorded(), is_supported=broken), None)
    found = await nodes.load()
    assert [d.provider_key for d in found.devices] == ["c0ffee01-2", "c0ffee01-4"]
    assert not found.complete


async def test_hashed_credentials_show_their_occupancy_only() -> None:
    hashed = {
        "capabilities": {
            "supportedCredentialTypes": {"1": U3C_PIN | {"maxCredentialHashLength": 32}}
        }
    }
    network = client(recorded(), get_credential_capabilities_cached=hashed)
    assert (await Network(network, None).load()).devices[0].capabilities.reads is Reads.OCCUPANCY


async def test_nodes_without_a_bolt_or_a_keypad_are_left_out() -> None:
    def only(*classes: int) -> dict[str, Any]:
        return {"endpoints": [{"index": 0, "commandClasses": [{"id": c} for c in classes]}]}

    network = recorded(node_2=only(99), node_3=only(98), node_4=only(37))
    found = await Network(client(network), None).load()
    assert found.devices == ()
    assert found.complete


async def test_a_lock_that_takes_fingers_only_is_left_out() -> None:
    fingers = {"capabilities": {"supportedCredentialTypes": {"7": U3C_PIN}}}
    network = client(recorded(), get_credential_capabilities_cached=fingers)
    assert (await Network(network, None).load()).devices == ()


async def test_schedules_of_version_1_are_not_used() -> None:
    old = [{"index": 0, "commandClasses": [{"id": 98}, {"id": 99}, {"id": 78, "version": 1}]}]
    found = await Network(client(recorded(node_3={"endpoints": old})), None).load()
    assert not found.devices[1].capabilities.native_scheduling


async def test_a_lock_in_its_interview_is_reported_when_it_is_through() -> None:
    network = recorded(node_3={"interviewStage": "CommandClasses", "ready": False})
    nodes = Network(client(network), None)
    found = await nodes.load()
    assert not found.complete
    assert [d.provider_key for d in found.devices] == ["c0ffee01-2", "c0ffee01-4"]
    with pytest.raises(RetryLater):
        nodes.by_key("c0ffee01-3")
    network["state"]["nodes"][2]["interviewStage"] = "Complete"
    refreshed = await nodes.refresh(3)
    assert refreshed is not None
    assert refreshed.complete
    assert len(refreshed.devices) == 3
    assert nodes.by_key("c0ffee01-3").node_id == 3
    assert await nodes.refresh(3) is None


async def test_news_of_one_lock_are_told_alone() -> None:
    network = recorded()
    nodes = Network(client(network), None)
    await nodes.load()
    network["state"]["nodes"][1]["name"] = "Renamed"
    refreshed = await nodes.refresh(2)
    assert refreshed is not None
    assert not refreshed.complete
    assert [d.display_name for d in refreshed.devices] == ["Renamed"]


async def test_a_new_interview_keeps_what_is_known_of_a_lock() -> None:
    nodes = Network(client(recorded()), None)
    await nodes.load()
    before = nodes.lock(2)
    await nodes.refresh(2)
    await nodes.load()
    assert nodes.lock(2) is before


async def test_a_removed_node_is_missing_from_the_complete_list() -> None:
    nodes = Network(client(recorded()), None)
    await nodes.load()
    found = nodes.removed(3)
    assert found is not None
    assert found.complete
    assert [d.provider_key for d in found.devices] == ["c0ffee01-2", "c0ffee01-4"]
    with pytest.raises(NeedsAttention):
        nodes.by_key("c0ffee01-3")
    assert nodes.removed(77) is None


async def test_while_a_new_node_is_interviewed_nothing_is_called_complete() -> None:
    nodes = Network(client(recorded()), None)
    await nodes.load()
    nodes.added(9)
    found = nodes.removed(3)
    assert found is not None
    assert not found.complete


async def test_an_answer_of_another_shape_is_refused() -> None:
    with pytest.raises(Exception, match="home"):
        await Network(client({"state": {"controller": {}, "nodes": []}}), None).load()
