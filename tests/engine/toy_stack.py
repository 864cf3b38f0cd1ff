"""A small stack of one's own: a launcher that obeys, refuses, dies and tells lies, as TOY says. Copied beside the plug-in."""

import json
import os
import pathlib
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

TOY = os.environ.get("TOY", "").split()
HOSTILE = "exit status 1\n\x1b[31m::error::panic: no more\u202e money"


def say(**event: Any) -> None:
    sys.stdout.write(json.dumps(event) + "\n")
    sys.stdout.flush()


def endpoints(pid: int) -> dict[str, Any]:
    folder = pathlib.Path(sys.argv[sys.argv.index("--dir") + 1])
    told: dict[str, Any] = {
        "services": {name: {"url": "http://127.0.0.1:9", "pid": pid} for name in ("shop", "till")},
        "parts": {"database": "postgres"},
    }
    (folder / "endpoints.json").write_text(json.dumps(told))
    return told


def when_looked_at(action: Callable[[], None]) -> None:
    def wait() -> None:
        evidence = [f".certification-*/evidence/{job}/stack.json" for job in ("sample", "sample-web")]
        folder = pathlib.Path(os.environ["TOY_FOLDER"])
        while not any(any(folder.glob(pattern)) for pattern in evidence):
            time.sleep(0.02)
        action()

    threading.Thread(target=wait, daemon=True).start()


def misbehave() -> None:
    if "dies" in TOY:
        say(event="service", name="till", state="died", detail=HOSTILE)
        say(event="service", name="till", state="restarting")
        say(event="service", name="till", state="ready")
    if "exits" in TOY:
        sys.stderr.write("out of memory\n")
        sys.stderr.flush()
        os._exit(1)


def obey(command: dict[str, Any], held: list[dict[str, Any]]) -> None:
    do, part = command["do"], command["service"]
    refused = f"no-{do}" in TOY
    if do == "kill":
        say(event="service", name=part, state="died", detail="signal 9", asked=True)
    if do == "restart" and not refused:
        endpoints(pid=4711)
        say(event="service", name=part, state="ready", asked=True)
    reply = {"event": "reply", "id": command["id"], "ok": not refused, "error": "it \x1b[2Jdoes not come back"}
    if "backwards" not in TOY or len(held) == 3:
        say(**reply)
        return
    held.append(reply)
    if len(held) == 3:
        for one in reversed(held):
            say(**one)


def main() -> None:
    if sys.argv[1] == "describe":
        say(root=str(pathlib.Path(__file__).parent))
        return
    for name in ("shop", "till"):
        say(event="service", name=name, state="ready")
    say(event="up", endpoints=endpoints(pid=4242))
    if TOY:
        when_looked_at(misbehave)
    held: list[dict[str, Any]] = []
    for line in sys.stdin:
        obey(json.loads(line), held)


if __name__ == "__main__":
    main()
