"""`latchwork webhooks`."""

from typing import Annotated, Any

import typer

from latchwork.cli import times
from latchwork.cli.client import call
from latchwork.cli.say import as_json, details, table
from latchwork.cli.shared import Json, Limit, Yes, sure

app = typer.Typer(help="Where events are sent.", no_args_is_help=True)
Id = Annotated[str, typer.Argument(help="The id, from webhooks list.")]
Types = Annotated[
    list[str] | None, typer.Option("--type", help="An event type; repeatable. Without it: all.")
]
HIDDEN = "(hidden; see --secret)"


@app.command("list")
def list_(json: Json = False) -> None:
    """Lists the webhooks, without their secrets."""
    found = [_without_secret(w) for w in call("/webhooks/list")["webhooks"]]
    if json:
        as_json(found)
        return
    rows = [[w["url"], _types(w), _state(w), w["webhook_id"]] for w in found]
    table(["url", "events", "state", "id"], rows, "There are no webhooks.")


@app.command("create")
def create(
    url: Annotated[str, typer.Argument(help="Where events shall be sent.")],
    types: Types = None,
    json: Json = False,
) -> None:
    """Adds an endpoint and shows its signing secret."""
    made = call("/webhooks/create", url=url, event_types=types or None)["webhook"]
    if json:
        as_json(made)
        return
    print(f"{made['webhook_id']}  {made['url']}")
    print(f"Verify what comes with its secret: {made['secret']}")


@app.command("show")
def show(
    webhook_id: Id,
    secret: Annotated[bool, typer.Option("--secret", help="With its signing secret.")] = False,
    json: Json = False,
) -> None:
    """Shows a webhook."""
    found = call("/webhooks/get", webhook_id=webhook_id)["webhook"]
    shown = found if secret else _without_secret(found)
    if json:
        as_json(shown)
        return
    details(
        [
            ("url", found["url"]),
            ("id", webhook_id),
            ("events", _types(found)),
            ("state", _state(found)),
            ("secret", found["secret"] if secret else HIDDEN),
        ]
    )


@app.command("update")
def update(webhook_id: Id, types: Types = None) -> None:
    """Changes which events are sent."""
    call("/webhooks/update", webhook_id=webhook_id, event_types=types or ["*"])
    print(f"It gets {', '.join(types) if types else 'every event'} from now on.")


@app.command("delete")
def delete(webhook_id: Id, yes: Yes = False) -> None:
    """Removes a webhook, with what still waits for it."""
    sure("Remove the webhook and what waits for it?", yes=yes)
    call("/webhooks/delete", webhook_id=webhook_id)
    print(f"Webhook {webhook_id} is removed.")


@app.command("attempts")
def attempts(webhook_id: Id, limit: Limit = 20, json: Json = False) -> None:
    """Lists the newest deliveries, and what came of each."""
    path = "/latchwork/webhooks/list_attempts"
    found = call(path, webhook_id=webhook_id, limit=limit)["webhook_attempts"]
    if json:
        as_json(found)
        return
    rows = [
        [
            times.exact(a["attempted_at"]),
            str(a["attempt"]),
            str(a["status_code"] or a["error"]),
            f"{a['duration_ms']} ms",
            _cut(a["response"]),
            a["event_id"],
        ]
        for a in found
    ]
    headings = ["at", "try", "outcome", "took", "answer", "event"]
    table(headings, rows, "Nothing was sent there yet.")


@app.command("resend")
def resend(
    webhook_id: Id, event_id: Annotated[str, typer.Argument(help="The event's id.")]
) -> None:
    """Sends one event again, under the id that it had."""
    sent = call("/latchwork/webhooks/resend", webhook_id=webhook_id, event_id=event_id)
    print(f"On its way again, as message {sent['message_id']}.")


@app.command("replay")
def replay(
    webhook_id: Id,
    since: Annotated[str, typer.Option(help='ISO 8601, or "2026-11-24 15:00".')],
    delivered_too: Annotated[
        bool, typer.Option("--delivered-too", help="Also what the endpoint has taken.")
    ] = False,
) -> None:
    """Sends everything since then that the endpoint has not taken."""
    sent = call(
        "/latchwork/webhooks/replay",
        webhook_id=webhook_id,
        since=times.parse(since, "since"),
        include_delivered=delivered_too,
    )
    print(f"{sent['message_count']} messages are on their way.")


@app.command("rotate-secret")
def rotate_secret(
    webhook_id: Id,
    hours: Annotated[
        float, typer.Option(min=0, max=168, help="How long the old one signs beside it.")
    ] = 24,
) -> None:
    """Gives a webhook a new secret and shows it."""
    path = "/latchwork/webhooks/rotate_secret"
    found = call(path, webhook_id=webhook_id, previous_secret_valid_hours=hours)["webhook"]
    print(found["secret"])


@app.command("enable")
def enable(webhook_id: Id) -> None:
    """Sends to a disabled webhook again, from now on."""
    call("/latchwork/webhooks/enable", webhook_id=webhook_id)
    print(f"Webhook {webhook_id} is enabled.")


def _without_secret(webhook: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in webhook.items() if "secret" not in name}


def _types(webhook: dict[str, Any]) -> str:
    types = webhook.get("event_types") or ["*"]
    return "all" if "*" in types else ", ".join(types)


def _state(webhook: dict[str, Any]) -> str:
    delivery = webhook["latchwork_delivery"]
    if delivery["is_disabled"]:
        return f"disabled: {delivery['disabled_reason'] or 'by hand'}"
    if delivery["failing_since"]:
        return f"failing since {times.shown(delivery['failing_since'])}"
    return "enabled"


def _cut(text: str, size: int = 40) -> str:
    line = " ".join(text.split())
    return line if len(line) <= size else f"{line[: size - 3]}..."
