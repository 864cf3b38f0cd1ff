"""Which folders of a container may be filled up."""

from typing import Any

import pytest

from certify.drivers.compose.disks import LARGEST, small


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
        ({"Tmpfs": None, "Mounts": None}, {}),
        ({}, {}),
    ],
)
def test_only_small_folders_with_a_limit_are_filled(host: dict[str, Any], found: dict[str, int]):
    assert small({"HostConfig": host}) == found
