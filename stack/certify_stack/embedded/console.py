"""What a human at a terminal sees of a boot."""

from __future__ import annotations

from typing import Any


def progress(event: dict[str, Any]) -> str:
    """One event as a line; nothing for the ones that only a program waits for."""
    match event["event"]:
        case "service" if event["state"] in {"ready", "died"}:
            return f"{event['name']:20} {event['state']}{_detail(event)}\n"
        case "failed":
            return "\n".join(["FAILED: " + event["message"], *event["log_tail"], ""])
    return ""


def table(endpoints: dict[str, Any]) -> str:
    """Addresses and logins of a stack that is up."""
    credentials = endpoints["credentials"]
    lines = ["", f"{'gateway':20} {endpoints['gateway']['url']}{endpoints['gateway']['graphql']}"]
    lines += [f"{name:20} {service['url']}{service['graphql']}" for name, service in endpoints["services"].items()]
    lines += ["", f"log in by POST to {credentials['login']} with username and password:"]
    lines += [f"    {user['username']:12} {user['password']}" for user in credentials["users"].values()]
    return "\n".join([*lines, "", "Ctrl-C takes all of it down.", ""])


def _detail(event: dict[str, Any]) -> str:
    return f": {event['detail']}" if event["detail"] else ""
