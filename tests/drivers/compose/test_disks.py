"""Which folders of a container may be filled up, and how room is given back."""

from typing import Any, ClassVar

import docker.errors
import pytest

from certify.drivers.compose.disks import DISK, LARGEST, small
from certify.drivers.compose.disturbing import Disturber
from certify.model.check import Action, Disruption, DisruptionRefusedError


@pytest.mark.parametrize(
    ("host", "found"),
    [
        ({"Tmpfs": {"/data": "size=1m"}}, {"/data": 1 << 20}),
        ({"Tmpfs": {"/data": "rw,noexec,size=65536k,mode=1777", "/run": ""}}, {"/data": 64 << 20}),
        ({"Tmpfs": {"/data": "size=4096"}}, {"/data": 4096}),
        ({"Tmpfs": {"/data": "size=2g"}}, {}),
        ({"Tmpfs": {"/data": "size=50%"}}, {}),
        ({"Tmpfs": {"/data": "oversize=1m"}}, {}),
        (
            {
                "Mounts": [
                    {"Type": "tmpfs", "Target": "/b", "TmpfsOptions": {"SizeBytes": 9}},
                    {"Type": "tmpfs", "Target": "/c"},
                    {"Type": "bind", "Target": "/d"},
                    {"Type": "tmpfs", "Target": "/e", "TmpfsOptions": {"SizeBytes": LARGEST + 1}},
                ]
            },
            {"/b": 9},
        ),
        # All are filled at once, and all are this machine's memory.
        ({"Tmpfs": {"/a": "size=200m", "/b": "size=100m", "/c": "size=150m"}}, {"/b": 100 << 20, "/c": 150 << 20}),
        ({"Tmpfs": None, "Mounts": None}, {}),
        ({}, {}),
    ],
)
def test_only_small_folders_with_a_limit_are_filled(host: dict[str, Any], found: dict[str, int]):
    assert small({"HostConfig": host}) == found


class Ended:
    """A container that its full disk has killed."""

    attrs: ClassVar[dict[str, Any]] = {"State": {"Running": False}, "HostConfig": {"Tmpfs": {"/data": "size=1m"}}}

    def get(self, _: str) -> "Ended":
        return self

    def exec_run(self, *_: object, **__: object) -> None:
        raise docker.errors.APIError("it is not running")


def test_a_container_that_has_ended_needs_no_room_back():
    disturber = Disturber(Ended(), {})  # type: ignore[arg-type] - the one container is all that is asked for
    disturber.do(Disruption(Action.MEND, "web", DISK))
    with pytest.raises(DisruptionRefusedError, match="not running"):
        disturber.do(Disruption(Action.CUT, "web", DISK))
