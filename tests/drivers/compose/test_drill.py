"""The drill on a stranger's containers: each disruption is done, noticed, and undone."""

import json
from typing import Any

import pytest

pytestmark = pytest.mark.docker

# Keeps a note of its own on a disk of 64 KiB, and is not well when it cannot.
NOTE = "echo well >/notes/$$$$ && rm /notes/$$$$"
CHECK = {"test": ["CMD-SHELL", NOTE], "interval": "300ms", "timeout": "5s", "retries": 1}


def test_a_killed_paused_disconnected_and_full_service_is_noticed_and_comes_back(folder: Any, small: Any):
    web = small.answering(ports=["80"], tmpfs=["/notes:size=64k"], healthcheck=CHECK)
    file = folder.write({"web": web, "other": small.shell("sleep 600")})
    ran = folder.finish(
        folder.start("drill", "--compose", file, "--profile", "brief.yaml", "--service", "web", "--format", "json")
    )
    answer = json.loads(ran.stdout)
    assert ran.code == 0, ran.stdout + ran.stderr
    assert answer["clean"]["outcome"] == "clean"
    assert [(row["do"], row["of"]) for row in answer["disruptions"]] == [
        ("kill", ""),
        ("pause", ""),
        ("cut", "network"),
        ("cut", "disk"),
    ]
    for row in answer["disruptions"]:
        assert {one["control"] for one in row["noticed"]} >= {"BOOT-HEALTH-01"}, row
        assert row["back"], row
        assert not row["refused"]
    assert "healthy" in answer["disruptions"][-1]["noticed"][0]["detail"]
