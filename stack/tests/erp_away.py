"""What every service owes its broker: without it, it says that it is not ready, and keeps what it has to tell."""

from pathlib import Path
from uuid import uuid4

import pytest
from erp_harness import USER_ID, Harness, scratch_database

from certify_stack.kit.outbox import Event, record
from certify_stack.kit.tokens import SigningKey


class AwayContract:
    def test_while_the_broker_is_away_it_says_so_and_its_events_wait(
        self, server: str, signing_key: tuple[SigningKey, Path], request: pytest.FixtureRequest
    ):
        name = request.getfixturevalue("erp").name
        with (
            scratch_database(server, name) as dsn,
            Harness.running(name, dsn, *signing_key, broker="127.0.0.1:1") as alone,
        ):
            event = Event(type="Tried", subject=uuid4(), subject_type="Trial", data={})

            async def write() -> None:
                async with alone.app.state.runtime.database.transaction() as connection:
                    await record(connection, name, USER_ID, [event])

            alone.run(write())
            alone.settle(lambda: "broker" in alone.get("/health/ready").json()["parts"]["relay"])
            answer = alone.get("/health/ready")
            parts = answer.json()["parts"]
            assert answer.status_code == 503
            assert parts["broker"].startswith("does not answer")
            assert parts["database"] == parts["migrations"] == "ok"
            assert [row["envelope"] for row in alone.sql("SELECT envelope FROM outbox WHERE sent_at IS NULL")]
            assert alone.get("/health/live").status_code == 200
