"""What every service owes, whatever it is for; each suite takes it over as a class of its own."""

import asyncio
import base64
import json
import logging
from pathlib import Path
from uuid import uuid4

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from erp_away import AwayContract
from erp_border import BorderContract
from erp_broker import outbox_of
from erp_documents import operation_document, undescribed
from erp_harness import USER_ID, Harness, scratch_database, served
from erp_references import ReferenceContract
from erp_tokens import TokenContract
from opentelemetry import context

from certify_stack.erp.samples import sample_row
from certify_stack.kit import migrate
from certify_stack.kit.app import load_service, schema_of
from certify_stack.kit.background import Supervised
from certify_stack.kit.client import CallError
from certify_stack.kit.logs import JsonFormatter
from certify_stack.kit.model import Entity, Foreign, Kind, lower_first
from certify_stack.kit.roles import Role
from certify_stack.kit.settings import DEFAULT_AUDIENCE, DEFAULT_ISSUER, Settings, SettingsError
from certify_stack.kit.tokens import SigningKey
from certify_stack.kit.tracing import PROPAGATOR

NEW = 720


def camel(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(part.capitalize() for part in tail)


def unsigned(claims: dict[str, object]) -> str:
    parts = ({"alg": "none", "typ": "JWT"}, claims)
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts) + "."


class ServiceContract(AwayContract, TokenContract, BorderContract):
    """Health, authentication, permissions, documentation, schema and input of one service."""

    def test_is_live_and_ready(self, erp: Harness):
        assert erp.get("/health/live").json() == {"status": "live", "service": erp.name}
        ready = erp.get("/health/ready")
        assert (ready.status_code, ready.json()["failing"]) == (200, [])

    def test_is_unready_while_the_database_is_away_and_comes_back(self, erp: Harness):
        with erp.without_database():
            seen = erp.get("/health/ready")
            assert (seen.status_code, seen.json()["status"]) == (503, "unready")
            assert "database" in seen.json()["failing"]
            assert erp.get("/health/live").status_code == 200
            assert erp.refusal("{ " + erp.some_list() + " { __typename } }") == "UNAVAILABLE"
        assert erp.get("/health/ready").status_code == 200

    def test_is_unready_when_a_migration_is_missing(self, erp: Harness):
        erp.sql("UPDATE alembic_version SET version_num = 'older'")
        try:
            seen = erp.get("/health/ready")
        finally:
            erp.sql("UPDATE alembic_version SET version_num = $1", erp.head)
        assert (seen.status_code, seen.json()["failing"]) == (503, ["migrations"])
        assert erp.get("/health/ready").status_code == 200

    def test_counts_what_it_answers(self, erp: Harness):
        erp.ask("{ __typename }")
        series = erp.get("/metrics").text
        assert 'http_requests_total{method="POST",route="/graphql",status="200"}' in series
        assert "process_resident_memory_bytes" in series

    def test_starts_alone_from_the_environment(self, erp: Harness, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
        jwks = tmp_path / "jwks.json"
        jwks.write_text(json.dumps(erp.key.jwks()), encoding="utf-8")
        monkeypatch.setenv("ERP_DATABASE_DSN", erp.settings.database_dsn)
        monkeypatch.setenv("ERP_AUTH_JWKS", str(jwks))
        monkeypatch.setenv("ERP_SERVICE_URLS", '{"audit": "http://127.0.0.1:9"}')
        monkeypatch.setenv("ERP_OTLP_ENDPOINT", "http://127.0.0.1:9")
        settings = Settings.from_env()
        assert settings.service_urls == {"audit": "http://127.0.0.1:9"}
        with served(erp.name, settings) as url:
            answer = httpx.post(f"{url}/graphql", json={"query": "{ __typename }"}, trust_env=False)
            ready = httpx.get(f"{url}/health/ready", trust_env=False)
        assert (answer.status_code, ready.status_code) == (401, 200)
        assert ready.json()["service"] == erp.name

    @pytest.mark.parametrize(
        ("name", "value", "cure"),
        [
            ("ERP_DATABASE_DSN", "", "is not set"),
            ("ERP_AUTH_JWKS", "", "is not set"),
            ("ERP_SERVICE_URLS", "[]", "not a JSON object"),
            ("ERP_POOL_SIZE", "none", "whole number"),
        ],
    )
    def test_says_which_setting_is_wrong(self, name: str, value: str, cure: str):
        good = {"ERP_DATABASE_DSN": "postgresql://x", "ERP_AUTH_JWKS": "x"}
        with pytest.raises(SettingsError, match=f"{name} .*{cure}|{name}.*{cure}"):
            Settings.from_env(good | {name: value})

    def test_logs_are_json_lines_without_the_token(self, erp: Harness, caplog: pytest.LogCaptureFixture):
        token = erp.token()
        headers = {"authorization": f"Bearer {token}x", "traceparent": f"00-{'ab' * 16}-{'cd' * 8}-01"}
        with caplog.at_level(logging.INFO):
            erp.post("/graphql", json={"query": "{ __typename }"}, headers=headers)
        formatter = JsonFormatter(erp.name)
        lines = [json.loads(formatter.format(record)) for record in caplog.records if "certify_stack" in record.name]
        assert {"unauthenticated", "request"} <= {line["msg"] for line in lines}
        assert all(line["service"] == erp.name and line["ts"] and line["level"] for line in lines)
        assert token not in json.dumps(lines)
        parent = PROPAGATOR.extract({"traceparent": headers["traceparent"]})
        token_of_context = context.attach(parent)
        try:
            traced = json.loads(formatter.format(caplog.records[0]))
        finally:
            context.detach(token_of_context)
        assert (traced["trace_id"], traced["span_id"]) == ("ab" * 16, "cd" * 8)

    def test_migrations_go_down_and_up_again(self, erp: Harness):
        with scratch_database(erp.settings.database_dsn, f"{erp.name}-down") as dsn:
            tables = "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'"
            migrate.upgrade(dsn, erp.name)
            migrate.upgrade(dsn, erp.name)
            full = erp.count(dsn, tables)
            erp.downgrade(dsn)
            # What is applied, and the checksums of it.
            assert erp.count(dsn, tables) == 2 < full
            migrate.upgrade(dsn, erp.name)
            assert erp.count(dsn, tables) == full

    def test_a_crashed_background_task_is_restarted_and_a_dead_one_shows(self, erp: Harness):
        rounds = []
        third = asyncio.Event()

        async def work(supervised: Supervised) -> None:
            rounds.append(1)
            supervised.beat()
            if len(rounds) < 3:
                raise RuntimeError("crash")
            third.set()
            await asyncio.sleep(60)

        async def scene() -> list[str | None]:
            task = Supervised("task", work)
            seen = [task.dead()]
            task.start()
            async with asyncio.timeout(10):
                await third.wait()
            seen.append(task.dead())
            task._beat -= 60
            seen.append(task.dead())
            await task.stop()
            return [*seen, task.dead()]

        before, running, silent, after = erp.run(scene())
        assert (before, running, after) == ("not running", None, "not running")
        assert silent is not None
        assert silent.startswith("silent for")
        assert len(rounds) == 3

    def test_calls_to_other_services_name_what_went_wrong(self, erp: Harness):
        client = erp.app.state.runtime.client
        with pytest.raises(CallError, match="no URL of nobody"):
            erp.run(client.graphql("nobody", "{ __typename }", {}))
        with erp.calling(erp, None), pytest.raises(CallError, match="answered 401"):
            erp.run(client.graphql(erp.name, "{ __typename }", {}, {"traceparent": f"00-{'ab' * 16}-{'cd' * 8}-01"}))

    def test_refuses_requests_without_a_good_token(self, erp: Harness, signing_key: tuple[SigningKey, object]):
        good = erp.token()
        head, body, signature = good.split(".")
        claims = jwt.decode(good, options={"verify_signature": False})
        stranger = SigningKey(rsa.generate_private_key(65537, 2048), signing_key[0].kid)
        bad = {
            "absent": None,
            "garbage": "x.y.z",
            "expired": erp.token(ttl=-1),
            "other audience": erp.token(audience="urn:other"),
            "other issuer": erp.token(issuer="urn:other"),
            "other key": stranger.mint(USER_ID, [Role.ADMIN], issuer=DEFAULT_ISSUER, audience=DEFAULT_AUDIENCE, ttl=60),
            "no algorithm": unsigned(claims),
            "tampered": f"{head}.{body[:-4]}AAAA.{signature}",
            "no key id": jwt.encode(claims, signing_key[0].private, algorithm="RS256"),
        }
        for name, token in bad.items():
            headers = {} if token is None else {"authorization": f"Bearer {token}"}
            answer = erp.post("/graphql", json={"query": "{ __typename }"}, headers=headers)
            assert (answer.status_code, answer.json()["error"]) == (401, "unauthorized"), name
            assert answer.headers["www-authenticate"] == "Bearer"
        basic = {"authorization": f"Basic {good}"}
        assert erp.post("/graphql", json={"query": "{ __typename }"}, headers=basic).status_code == 401

    def test_refuses_what_is_no_graphql_request(self, erp: Harness):
        headers = {"authorization": f"Bearer {erp.token()}", "content-type": "application/json"}
        long = json.dumps({"query": "{ __typename }", "variables": {"x": "y" * 1_100_000}})
        for body, status in (("{", 400), ("[]", 400), ('{"query": 1}', 400), ('{"query": " "}', 400), (long, 413)):
            assert erp.post("/graphql", content=body, headers=headers).status_code == status
        plain = headers | {"content-type": "text/plain"}
        assert erp.post("/graphql", content='{"query": "{ __typename }"}', headers=plain).status_code == 415
        two = {"query": "query A { __typename } query B { __typename }", "operationName": "C"}
        assert erp.post("/graphql", json=two, headers=headers).status_code == 400
        assert erp.get("/graphql", headers=headers).status_code == 405

    def test_refuses_unknown_fields_and_deep_queries(self, erp: Harness):
        assert erp.refusal("{ nothing }") == "GRAPHQL_VALIDATION_FAILED"
        assert erp.refusal("{ nothing") == "GRAPHQL_VALIDATION_FAILED"
        deep = "{ " + "a { " * 20 + "b" + " }" * 20 + " }"
        answer = erp.graphql(deep)
        assert any("maximum operation depth" in error["message"] for error in answer["errors"])

    def test_serves_its_schema_to_services(self, erp: Harness):
        sdl = erp.ask("{ _service { sdl } }", role="service")["_service"]["sdl"]
        for name in [entity.name for entity in load_service(erp.name).entities]:
            assert f'type {name} @key(fields: "id") {{' in sdl
        assert "federation/v2.9" in sdl
        assert "resolvable: false" in sdl

    def test_describes_everything_public(self, erp: Harness):
        assert undescribed(schema_of(erp.name)._schema) == []

    @pytest.mark.parametrize("role", list(Role))
    def test_allows_each_role_what_its_table_says_and_nothing_else(self, erp: Harness, role: Role):
        table = load_service(erp.name).permissions()
        schema = schema_of(erp.name)._schema
        root_fields = {f"Query.{name}" for name in schema.query_type.fields if not name.startswith("_")}
        if schema.mutation_type:
            root_fields |= {f"Mutation.{name}" for name in schema.mutation_type.fields}
        assert root_fields == set(table)
        for operation, roles in table.items():
            answer = erp.graphql(*operation_document(schema, operation), role=role)
            codes = {error["extensions"]["code"] for error in answer.get("errors", [])}
            assert ("FORBIDDEN" in codes) is (role not in roles), (operation, codes)
            assert "INTERNAL" not in codes
            assert "GRAPHQL_VALIDATION_FAILED" not in codes, (operation, answer)


class EntityContract(ReferenceContract, ServiceContract):
    """And what every service with declared entities owes for each of them."""

    def test_tables_are_what_the_page_declares(self, erp: Harness):
        for entity in load_service(erp.name).entities:
            rows = erp.sql(
                "SELECT column_name, is_nullable FROM information_schema.columns "
                "WHERE table_schema = 'public' AND table_name = $1",
                entity.table,
            )
            declared = {field.column: "NO" if field.required else "YES" for field in entity.fields}
            expected = declared | {"id": "NO", "created_at": "NO", "updated_at": "NO"}
            assert {row["column_name"]: row["is_nullable"] for row in rows} == expected

    def test_local_references_are_foreign_keys_and_all_references_have_an_index(self, erp: Harness):
        constrained = {
            row["columns"]
            for row in erp.sql(
                "SELECT conrelid::regclass || '.' || attname AS columns FROM pg_constraint "
                "JOIN pg_attribute ON attrelid = conrelid AND attnum = conkey[1] WHERE contype = 'f'"
            )
        }
        indexed = "".join(row["indexdef"] for row in erp.sql("SELECT indexdef FROM pg_indexes"))
        for entity in load_service(erp.name).entities:
            for field in entity.fields:
                if field.kind is Kind.LOCAL:
                    assert f"{entity.table}.{field.column}" in constrained
                if field.kind in {Kind.LOCAL, Kind.FOREIGN}:
                    assert f"ON public.{entity.table} USING btree ({field.column})" in indexed

    def test_refers_to_at_least_one_other_service(self, erp: Harness):
        targets = [
            field.target.service
            for entity in load_service(erp.name).entities
            for field in entity.fields
            if isinstance(field.target, Foreign)
        ]
        assert targets
        assert erp.name not in targets

    def test_entries_are_read_alone_in_pages_and_as_references(self, erp: Harness):
        for entity in load_service(erp.name).entities:
            row = sample_row(entity, 3)
            key, name, plural = str(row["id"]), lower_first(entity.name), lower_first(entity.plural)
            selection = "id createdAt " + " ".join(
                f"{camel(field.name)} {{ id }}" if field.kind in {Kind.LOCAL, Kind.FOREIGN} else camel(field.name)
                for field in entity.fields
            )
            one = erp.ask(f"query($id: ID!) {{ {name}(id: $id) {{ {selection} }} }}", {"id": key})[name]
            assert one["id"] == key
            for field in entity.fields:
                if field.kind in {Kind.LOCAL, Kind.FOREIGN} and row[field.column] is not None:
                    assert one[camel(field.name)] == {"id": str(row[field.column])}
            page = erp.ask(f"{{ {plural}(limit: 100) {{ {selection} }} }}")[plural]
            assert one in page
            assert page == sorted(page, key=lambda entry: entry["createdAt"], reverse=True)
            refs = [{"__typename": entity.name, "id": key}, {"__typename": entity.name, "id": str(uuid4())}]
            query = (
                f"query($r: [_Any!]!) {{ _entities(representations: $r) {{ ... on {entity.name} {{ {selection} }} }} }}"
            )
            assert erp.ask(query, {"r": refs})["_entities"] == [one, None]

    def test_references_of_entities_are_refused_like_their_reads(self, erp: Harness):
        query = "query($r: [_Any!]!) { _entities(representations: $r) { __typename } }"
        for entity in load_service(erp.name).entities:
            refs = {"r": [{"__typename": entity.name, "id": str(uuid4())}]}
            for role in Role:
                answer = erp.graphql(query, refs, role)
                codes = [error["extensions"]["code"] for error in answer.get("errors", [])]
                assert codes == ([] if role in entity.access.read else ["FORBIDDEN"])

    def test_children_are_those_that_refer_back(self, erp: Harness):
        service = load_service(erp.name)
        tables = {entity.name: entity.table for entity in service.entities}
        for entity in service.entities:
            for children in entity.children:
                query = f"{{ {lower_first(entity.plural)}(limit: 100) {{ id {camel(children.name)} {{ id }} }} }}"
                for parent in erp.ask(query)[lower_first(entity.plural)]:
                    rows = erp.sql(
                        f"SELECT id FROM {tables[children.entity]} WHERE {children.via}_id = $1::text::uuid",  # noqa: S608 - declared names
                        parent["id"],
                    )
                    assert {child["id"] for child in parent[camel(children.name)]} == {str(row["id"]) for row in rows}

    def test_filters_leave_only_what_equals(self, erp: Harness):
        for entity in load_service(erp.name).entities:
            plural = lower_first(entity.plural)
            fields = {field.name: field for field in entity.fields}
            for name in entity.filters:
                field = fields[name]
                if field.kind not in {Kind.LOCAL, Kind.FOREIGN}:
                    continue
                wanted = str(sample_row(entity, 3)[field.column])
                query = f"query($w: {entity.plural}Where) {{ {plural}(where: $w, limit: 100) {{ {camel(name)} {{ id }} }} }}"
                found = erp.ask(query, {"w": {camel(field.column): wanted}})[plural]
                assert found
                assert all(entry[camel(name)] == {"id": wanted} for entry in found)

    def test_entries_are_made_changed_and_removed(self, erp: Harness):
        for number, entity in enumerate(load_service(erp.name).entities, NEW):
            if entity.access.create is None:
                continue
            given = {camel(column): value for column, value in erp.as_input(entity, sample_row(entity, number)).items()}
            name = lower_first(entity.name)
            create = f"mutation($i: {entity.name}CreateInput!) {{ create{entity.name}(input: $i) {{ id }} }}"
            key = {"id": erp.ask(create, {"i": given})[f"create{entity.name}"]["id"]}
            assert erp.ask(f"query($id: ID!) {{ {name}(id: $id) {{ id }} }}", key)[name] == key
            self._change(erp, entity, key)
            changes = ["Created"] if entity.access.update is None else ["Created", "Updated"]
            if entity.access.delete is not None:
                remove = f"mutation($id: ID!) {{ delete{entity.name}(id: $id) }}"
                assert erp.ask(remove, key) == {f"delete{entity.name}": True}
                assert erp.refusal(remove, key) == "NOT_FOUND"
                assert erp.ask(f"query($id: ID!) {{ {name}(id: $id) {{ id }} }}", key)[name] is None
                changes.append("Deleted")
            assert outbox_of(erp, key["id"]) == [entity.name + change for change in changes]

    def _change(self, erp: Harness, entity: Entity, key: dict[str, str]) -> None:
        if entity.access.update is None:
            return
        update = (
            f"mutation($id: ID!, $i: {entity.name}UpdateInput!) {{ update{entity.name}(id: $id, input: $i) {{ id }} }}"
        )
        assert erp.ask(update, key | {"i": {}})[f"update{entity.name}"] == key
        assert erp.refusal(update, {"id": str(uuid4()), "i": {}}) == "NOT_FOUND"
        for field in entity.fields:
            if not field.writable:
                continue
            if field.kind is Kind.TEXT:
                name = camel(field.name)
                for bad in ("", " ", "x\x00y", "x" * (field.max_length + 1)):
                    assert erp.refusal(update, key | {"i": {name: bad}}) == "BAD_USER_INPUT"
                if field.required:
                    assert erp.refusal(update, key | {"i": {name: None}}) == "BAD_USER_INPUT"
            if field.kind is Kind.DECIMAL:
                for bad in ("-1", "0.1234567", "NaN", 1.5, "1" * 20):
                    assert erp.graphql(update, key | {"i": {camel(field.name): bad}})["errors"]
            if field.kind is Kind.INTEGER:
                bad_integer = {"i": {camel(field.name): field.minimum - 1}}
                assert erp.refusal(update, key | bad_integer) == "BAD_USER_INPUT"

    def test_pages_and_ids_have_bounds(self, erp: Harness):
        entity = load_service(erp.name).entities[0]
        plural, name = lower_first(entity.plural), lower_first(entity.name)
        for arguments in ("limit: 0", "limit: 101", "offset: -1", "offset: 100001"):
            assert erp.refusal(f"{{ {plural}({arguments}) {{ id }} }}") == "BAD_USER_INPUT"
        assert erp.refusal(f'{{ {name}(id: "x") {{ id }} }}') == "BAD_USER_INPUT"
