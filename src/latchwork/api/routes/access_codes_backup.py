"""/access_codes/pull_backup_access_code: another PIN, at once, for a code that came to grief."""

from typing import Any

import msgspec

from latchwork.api import code_serializers as show_code
from latchwork.api.codes import changed, find
from latchwork.api.endpoint import CREATE, Call, Endpoint
from latchwork.api.resources import AccessCode
from latchwork.domain.access_code import Pool
from latchwork.domain.backup import pull
from latchwork.domain.commands import Command
from latchwork.storage.interface import CodeFilter


class Pull(msgspec.Struct):
    access_code_id: str


async def pull_backup(call: Call, asked: Pull) -> dict[str, Any]:
    """The backup code stands on the lock already, and gets the window of the code."""

    async def make() -> tuple[Command, Command]:
        view = await find(call, asked.access_code_id)
        where = CodeFilter(device_id=view.code.device_id, pool=Pool.WAITING)
        page = await call.storage.codes(call.workspace_id, where, limit=100, cursor=None)
        pool = sorted((v.code for v in page.items), key=lambda code: code.created_at)
        return pull(view.code, pool, call.now, call.new_id)

    code, backup = [command.code.access_code_id for command in await changed(call, make)]
    return {
        "access_code": show_code.access_code(await find(call, code), call.now),
        "backup_access_code": show_code.access_code(await find(call, backup), call.now),
        "ok": True,
    }


ENDPOINTS = (
    Endpoint(
        "/access_codes/pull_backup_access_code",
        CREATE,
        Pull,
        pull_backup,
        answer={"access_code": AccessCode, "backup_access_code": AccessCode},
        summary="Takes a code from the lock's backup pool into use in place of another.",
    ),
)
