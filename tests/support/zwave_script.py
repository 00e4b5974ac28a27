"""A Z-Wave JS server of scripted answers, for tests without one."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import msgspec

from latchwork.domain.device import LockCapabilities
from latchwork.drivers.zwave_js.client import Client
from latchwork.drivers.zwave_js.commands import DOOR_LOCK, PIN_TYPE, LockCommands
from latchwork.drivers.zwave_js.node import LockNode

T = TypeVar("T")
Answer = Any | Exception | Callable[[Mapping[str, Any]], Any]


class ScriptedClient(Client):
    """Answers each command with what `answers` holds for its last name, such as `get_value`; an
    exception is raised, a function is called with the parameters, and a list is used up."""

    def __init__(self, answers: dict[str, Answer]) -> None:
        super().__init__("ws://script")
        self.answers = answers
        self.sent: list[tuple[str, dict[str, Any]]] = []

    async def call(self, command: str, answer: type[T], **parameters: Any) -> T:
        name = parameters.get("methodName", command.rpartition(".")[2])
        self.sent.append((name, parameters))
        told = self.answers[name]
        if isinstance(told, list):
            told = told.pop(0)
        if callable(told):
            told = told(parameters)
        if isinstance(told, Exception):
            raise told
        return msgspec.convert(told, answer)

    def names(self) -> list[str]:
        return [name for name, _ in self.sent]


def scripted_lock(
    answers: dict[str, Answer] | None = None,
    *,
    uses_credentials: bool = False,
    schedule_slots: int = 0,
    positions: int = 10,
    name_max_length: int | None = None,
) -> tuple[LockNode, ScriptedClient]:
    client = ScriptedClient(answers or {})
    lock = LockNode(
        "c0ffee01-2",
        LockCommands(client, 2),
        LockCapabilities(positions=positions, name_max_length=name_max_length),
        uses_credentials=uses_credentials,
        credential_type=PIN_TYPE,
        schedule_slots=schedule_slots,
        lock_class=DOOR_LOCK,
    )
    lock.is_ready.set()
    return lock, client
