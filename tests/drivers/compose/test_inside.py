"""What a compose file tells of its inner addresses, and how these look from outside."""

from typing import Any

import pytest

from certify.drivers.compose.command import ComposeFileError
from certify.drivers.compose.containers import timed
from certify.drivers.compose.inside import Inside, moved, outside, read
from certify.drivers.compose.within import Within, with_outer_database
from certify.drivers.endpoints import Endpoints, Told
from certify.model.check import Capability
from certify.model.stack import Service

DOOR = {"service": "door", "folder": "FOLDER", "user": "USER", "to": {"db:5432": "", "kafka:9094": "BROKER"}}
SPANS = {"url": "http://door:4318", "variable": "SPANS"}
WORDS: dict[str, Any] = {
    "endpoints": {"service": "secrets", "file": "/endpoints.json"},
    "parts": {"database": "db", "broker": "kafka"},
    "door": {**DOOR, "spans": SPANS},
    "cut": {"database": {"in": "db", "cut": ["sql", "close {service}"], "mend": ["sql", "open {service}"]}},
}


def test_a_file_without_words_promises_nothing():
    assert read({"services": {}}) == Inside()
    assert Within(Inside()).capabilities == frozenset()
    assert Within(Inside()).prepare({}, spans=True) == {}


def test_words_that_cannot_be_understood_are_the_files_fault():
    with pytest.raises(ComposeFileError, match=r"x-certify.*unknown field `doors`"):
        read({"x-certify": {"doors": {}}})
    with pytest.raises(ComposeFileError, match=r"Expected `str`.*\$\.endpoints\.file"):
        read({"x-certify": {"endpoints": {"service": "a", "file": 1}}})


def test_only_what_the_file_tells_of_is_offered():
    offered = Within(read({"x-certify": WORDS})).capabilities
    assert offered == {Capability.LOGIN, Capability.SQL, Capability.KAFKA, Capability.SPANS, Capability.CUT}
    assert Within(read({"x-certify": {**WORDS, "door": None, "cut": {}}})).capabilities == {Capability.LOGIN}
    assert Capability.SPANS not in Within(read({"x-certify": {**WORDS, "door": DOOR}})).capabilities


def test_addresses_are_those_of_this_machine_and_what_cannot_be_reached_has_none():
    told = Endpoints(
        services={"shop": Told("http://shop:80/", database="postgresql://shop:p%40ss@db:5432/shop?ssl=off")},
        gateway=Told("http://gate:80"),
        credentials={
            "login": "http://auth:8080/login",
            "mailbox": "http://shop:80/messages",
            "users": {"admin": {"password": "x"}},
        },
        broker="kafka:9094,other:9094",
        parts={"broker": "kafka"},
    )
    found = outside(told, {"shop:80": "127.0.0.1:1", "db:5432": "127.0.0.1:2", "kafka:9094": "127.0.0.1:3"})
    assert found.services["shop"] == Told(
        "http://127.0.0.1:1/", database="postgresql://shop:p%40ss@127.0.0.1:2/shop?ssl=off"
    )
    assert found.gateway == Told("")
    assert found.credentials == {
        "login": "",
        "mailbox": "http://127.0.0.1:1/messages",
        "users": {"admin": {"password": "x"}},
    }
    assert (found.broker, found.parts) == ("127.0.0.1:3", {"broker": "kafka"})
    assert moved("postgresql://nobody@elsewhere/x", {}) == ""


def test_a_database_that_the_profile_declares_is_found_at_its_published_port():
    declared = Service("shop", database="postgresql://shop@db:5432/shop")
    assert with_outer_database(declared, {"db:5432": "127.0.0.1:9"}).database == "postgresql://shop@127.0.0.1:9/shop"
    outer = Service("shop", database="postgresql://shop@db.example:5432/shop")
    assert with_outer_database(outer, {"db:5432": "127.0.0.1:9"}) == outer


@pytest.mark.parametrize(
    "line",
    [
        b'{"ts": "x", "level": "info"}\n',
        b"2026-01-01 00:00:00.200 UTC [1] LOG:  ready\n",
        b"[2026-01-01 00:00:00,200] INFO started\n",
    ],
)
def test_a_line_that_tells_its_time_stays_as_it_was_written(line: bytes):
    assert timed(b"2026-02-02T00:00:00.123456789Z " + line) == line


def test_a_line_without_a_time_gets_the_engines():
    stamped = b"2026-02-02T00:00:00.123456789Z started\n"
    assert timed(stamped) == stamped
