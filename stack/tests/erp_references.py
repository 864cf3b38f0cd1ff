"""What every service owes those to whose entities it refers: it asks before it writes."""

import json
import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from erp_harness import Harness
from erp_owner import Owners, owners

from certify_stack.erp.samples import count_of, sample_id, sample_row
from certify_stack.kit.app import load_service
from certify_stack.kit.model import Entity, Foreign
from certify_stack.kit.references import camel

NEW = 900


def row_of(entity: Entity) -> UUID:
    """The sample entry that is changed here: one that no other test of a service looks at."""
    return sample_id(entity.name, min(9, count_of(entity.name, 1) // 2 - 1))


def targets(entity: Entity) -> dict[str, Foreign]:
    """Input field -> what it refers to in another service."""
    return {camel(field.column): field.target for field in entity.fields if isinstance(field.target, Foreign)}


def referring(name: str) -> list[Entity]:
    return [
        entity
        for entity in load_service(name).entities
        if targets(entity) and (entity.access.create is not None or entity.access.update is not None)
    ]


def change(erp: Harness, entity: Entity, number: int) -> tuple[str, dict[str, Any]]:
    """Give an operation that sets every reference to another service to something new, and its variables."""
    new = {field: str(uuid4()) for field in targets(entity)}
    if entity.access.update is not None:
        given = f"$id: ID!, $i: {entity.name}UpdateInput!"
        query = f"mutation({given}) {{ update{entity.name}(id: $id, input: $i) {{ id }} }}"
        return query, {"id": str(row_of(entity)), "i": new}
    row = {camel(column): value for column, value in erp.as_input(entity, sample_row(entity, number)).items()}
    query = f"mutation($i: {entity.name}CreateInput!) {{ create{entity.name}(input: $i) {{ id }} }}"
    return query, {"i": row | new}


def content(erp: Harness, entity: Entity) -> list[Any]:
    return [dict(row) for row in erp.sql(f"SELECT * FROM {entity.table} ORDER BY id")]  # noqa: S608 - a declared name


def error_of(erp: Harness, query: str, variables: dict[str, Any]) -> dict[str, Any]:
    (error,) = erp.graphql(query, variables)["errors"]
    return error


class ReferenceContract:
    """Owners are asked once each, an absent entity is refused, an owner that is away stops the change."""

    @pytest.fixture
    def others(self, erp: Harness, tmp_path: Path) -> Iterator[Owners]:
        """Give the other services, all of them one small server."""
        with owners(erp, tmp_path) as found:
            yield found

    def test_each_owner_is_asked_once_with_the_service_s_token_and_trace(self, erp: Harness, others: Owners):
        trace = {"traceparent": f"00-{'ab' * 16}-{'cd' * 8}-01"}
        for number, entity in enumerate(referring(erp.name), NEW):
            query, variables = change(erp, entity, number)
            others.asked.clear()
            erp.ask(query, variables, headers=trace)
            wanted = {(target.service, variables["i"][field]) for field, target in targets(entity).items()}
            seen = {(owner, one["id"]) for owner, representations, _ in others.asked for one in representations}
            assert seen == wanted
            assert len(others.asked) == len({target.service for target in targets(entity).values()})
            for _, _, headers in others.asked:
                assert headers["authorization"].startswith("Bearer ey")
                assert headers["traceparent"].split("-")[1] == "ab" * 16
                assert headers["traceparent"].split("-")[2] != "cd" * 8

    def test_what_does_not_change_is_not_asked_again(self, erp: Harness, others: Owners):
        for number, entity in enumerate(referring(erp.name), NEW + 20):
            if entity.access.update is None:
                continue
            query, variables = change(erp, entity, number)
            erp.ask(query, variables)
            others.asked.clear()
            erp.ask(query, variables)
            erp.ask(query, variables | {"i": {}})
            assert erp.refusal(query, variables | {"id": str(uuid4())}) == "NOT_FOUND"
            assert others.asked == []

    def test_an_absent_entity_is_refused_by_the_name_of_its_field(self, erp: Harness, others: Owners):
        for number, entity in enumerate(referring(erp.name), NEW + 40):
            query, variables = change(erp, entity, number)
            before = content(erp, entity)
            for field, target in targets(entity).items():
                others.absent = {variables["i"][field]}
                error = error_of(erp, query, variables)
                assert error["message"] == f"{field}: there is no {target.name} with this id"
                assert error["extensions"] == {"code": "NOT_FOUND", "field": field}
            assert content(erp, entity) == before

    @pytest.mark.parametrize(
        ("said", "level"),
        [
            ({"status": 503}, logging.WARNING),
            ({"status": 404}, logging.WARNING),
            ({"code": "UNAVAILABLE"}, logging.WARNING),
            ({"code": "INTERNAL"}, logging.WARNING),
            ({"body": "<html>"}, logging.WARNING),
            ({"body": '{"data": {"_entities": []}}'}, logging.WARNING),
            ({"status": 401}, logging.ERROR),
            ({"status": 403}, logging.ERROR),
            ({"code": "FORBIDDEN"}, logging.ERROR),
        ],
        ids=str,
    )
    def test_an_owner_that_gives_no_answer_stops_the_change(
        self, erp: Harness, others: Owners, said: dict[str, Any], level: int, caplog: pytest.LogCaptureFixture
    ):
        entity = referring(erp.name)[0]
        query, variables = change(erp, entity, NEW + 60)
        before = content(erp, entity)
        for name, value in said.items():
            setattr(others, name, value)
        error = error_of(erp, query, variables)
        assert error["extensions"]["code"] == "DEPENDENCY_UNAVAILABLE"
        assert error["extensions"]["retryable"] is True
        assert error["extensions"]["service"] in {target.service for target in targets(entity).values()}
        assert content(erp, entity) == before
        told = [record.levelno for record in caplog.records if record.msg == "reference not checked"]
        assert told
        assert set(told) == {level}

    def test_an_owner_that_hangs_costs_a_second_and_then_nothing(self, erp: Harness, others: Owners):
        entity = referring(erp.name)[0]
        query, variables = change(erp, entity, NEW + 61)
        others.hang = threading.Event()
        answers = erp.together([(query, variables)] * 5)
        codes = [answer["errors"][0]["extensions"]["code"] for answer in answers]
        assert codes == ["DEPENDENCY_UNAVAILABLE"] * 5
        tried = len(others.asked)
        assert erp.refusal(query, variables) == "DEPENDENCY_UNAVAILABLE"
        assert len(others.asked) == tried
        series = erp.get("/metrics").text
        assert f'dependency_breaker_open{{dependency="{others.asked[0][0]}"}} 1.0' in series
        assert 'outcome="not tried"' in series

    def test_whoever_answers_about_its_entities_asks_nobody(self, erp: Harness, others: Owners):
        entities = load_service(erp.name).entities
        known = [{"__typename": entity.name, "id": str(row_of(entity))} for entity in entities]
        absent = {"__typename": entities[0].name, "id": str(UUID(int=1))}
        query = "query($r: [_Any!]!) { _entities(representations: $r) { __typename } }"
        found = erp.ask(query, {"r": [*known, absent]})["_entities"]
        assert found == [*({"__typename": entity.name} for entity in entities), None]
        assert others.asked == []

    def test_alone_it_asks_nobody(self, erp: Harness):
        entity = referring(erp.name)[0]
        assert erp.app.state.runtime.client.urls == {}
        query, variables = change(erp, entity, NEW + 62)
        assert "errors" not in json.dumps(erp.ask(query, variables))
