"""What is in files: kept once, whole, and noticed when it was changed."""

import hashlib
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from erp_harness import Harness

from certify_stack.erp.file_storage import contents

OWNER = str(uuid4())
BIG = bytes(range(256)) * 3000


def put(erp: Harness, body: bytes, role: str = "service", **changes: str) -> httpx.Response:
    asked = {"name": "some.csv", "folder": "Imports", "owner": OWNER} | changes
    headers = {"authorization": f"Bearer {erp.token(role)}", "content-type": "text/csv"}
    return erp.post("/contents", params=asked, content=body, headers=headers)


def get(erp: Harness, sha256: str, role: str = "service") -> httpx.Response:
    return erp.get(f"/contents/{sha256}", headers={"authorization": f"Bearer {erp.token(role)}"})


async def gathered(parts: Any) -> bytes:
    return b"".join([part async for part in parts])


@pytest.mark.parametrize("body", [b"", b"a", BIG, bytes(contents.PART)], ids=["empty", "small", "big", "one part"])
def test_what_comes_out_is_what_went_in(erp: Harness, body: bytes):
    kept = put(erp, body).json()
    assert (kept["sha256"], kept["size_bytes"]) == (hashlib.sha256(body).hexdigest(), len(body))
    answer = get(erp, kept["sha256"])
    assert (answer.status_code, answer.content) == (200, body)
    assert answer.headers["x-content-sha256"] == kept["sha256"]
    seen = erp.ask("query($id: ID!) { storedFile(id: $id) { name sizeBytes sha256 folder { name } } }", kept)
    file = {"name": "some.csv", "sizeBytes": len(body), "sha256": kept["sha256"], "folder": {"name": "Imports"}}
    assert seen["storedFile"] == file


def test_the_same_content_is_kept_once_whatever_the_file_is_called(erp: Harness):
    body = uuid4().bytes * 20_000
    first, again, other = put(erp, body).json(), put(erp, body).json(), put(erp, body, name="other.csv").json()
    assert first == again
    assert other["id"] != first["id"]
    (row,) = erp.sql("SELECT count(*) AS contents FROM content WHERE sha256 = $1", first["sha256"])
    assert row["contents"] == 1
    orphans = "SELECT count(*) AS n FROM content_part WHERE content_id NOT IN (SELECT id FROM content)"
    assert erp.sql(orphans)[0]["n"] == 0


def test_what_was_changed_in_the_database_is_not_given_whole(erp: Harness):
    sha256 = put(erp, BIG + b"!").json()["sha256"]
    (row,) = erp.sql("SELECT id FROM content WHERE sha256 = $1", sha256)
    erp.sql("UPDATE content_part SET data = set_byte(data, 7, 99) WHERE content_id = $1 AND number = 1", row["id"])
    database = erp.app.state.runtime.database
    with pytest.raises(contents.DamagedError, match=sha256):
        erp.run(gathered(contents.read(database, UUID(str(row["id"])), sha256)))


def test_only_services_reach_content(erp: Harness):
    sha256 = put(erp, b"secret").json()["sha256"]
    for role in ("clerk", "accountant", "auditor"):
        assert put(erp, b"x", role).status_code == 403
        assert get(erp, sha256, role).status_code == 403
    assert erp.get(f"/contents/{sha256}").status_code == 401


def test_bad_requests_say_why(erp: Harness, monkeypatch: pytest.MonkeyPatch):
    assert get(erp, "0" * 64).json()["error"] == "not_found"
    assert get(erp, "x").json()["message"] == "a digest has 64 hexadecimal digits"
    assert put(erp, b"x", owner="nobody").json()["message"] == "owner is not a UUID"
    monkeypatch.setattr(contents, "LARGEST", 10)
    before = erp.sql("SELECT count(*) AS n FROM content_part")[0]["n"]
    answer = put(erp, b"eleven bytes")
    assert (answer.status_code, answer.json()["message"]) == (422, "a file has at most 10 bytes")
    assert erp.sql("SELECT count(*) AS n FROM content_part")[0]["n"] == before
