"""Rule owasp.jwt against servers that verify tokens, and servers that forget a part of it."""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from certify.api import Context, Criteria, Outcome, Ruling, Service
from certify_checks.owasp import CHECK
from certify_checks.owasp.config import OwaspConfig
from certify_checks.owasp.seen import ACCEPTED, REFUSED, UNCLEAR, Answer, JwtSeen, OwaspSeen, Probed

RULE = CHECK.rule("jwt")
assert RULE
ATTACKS = (
    "absent",
    "wrong-key",
    "alg-none",
    "tampered",
    "expired",
    "wrong-audience",
    "wrong-issuer",
    "key-confusion",
)


@pytest.fixture
def observe(context: Callable[..., Context], keys: Any) -> Callable[..., OwaspSeen]:
    def run(*services: Service, **fields: Any) -> OwaspSeen:
        credentials = fields.pop("credentials", keys.facts())
        ctx = context(*services, credentials=credentials, rules=("jwt",), **fields)
        seen = asyncio.run(CHECK.observe(ctx, OwaspConfig()))
        return msgspec.json.decode(msgspec.json.encode(seen), type=OwaspSeen)

    return run


@pytest.fixture
def prober(observe: Any, serve: Any, criteria: Any) -> tuple[Any, Any, Any]:
    return observe, serve, criteria


def service(url: str, name: str = "finance") -> Service:
    return Service(name, url=url, graphql="/graphql")


def judge(seen: OwaspSeen, criteria: Callable[..., Criteria], *services: str) -> Ruling:
    return RULE.judge(seen, criteria(RULE, *services))


def test_a_verifying_server_passes_and_every_seed_is_found(observe: Any, serve: Any, keys: Any, criteria: Any):
    url = serve(keys.verifying())
    seen = observe(service(url), service(url, "crm"), gateway=Service("gateway", url=url))
    ruling = judge(seen, criteria)
    assert (ruling.outcome, ruling.examined) == (Outcome.PASS, 3), ruling
    assert set(seen.jwt.attacks) == set(ATTACKS)
    seeds = list(RULE.seed(seen, criteria(RULE)))
    assert len(seeds) == len(ATTACKS)
    for seed in seeds:
        after = RULE.judge(seed.observation, criteria(RULE))
        assert after.outcome is Outcome.FAIL
        assert seed.code in {finding.code for finding in after.findings}


@pytest.mark.parametrize(
    ("forgets", "attack"), [("verify_exp", "expired"), ("verify_aud", "wrong-audience"), ("verify_iss", "wrong-issuer")]
)
def test_a_server_that_forgets_a_claim_fails(prober: Any, keys: Any, forgets: str, attack: str):
    observe, serve, criteria = prober
    seen = observe(service(serve(keys.verifying(**{forgets: False}))), service(serve(keys.verifying()), "crm"))
    ruling = judge(seen, criteria)
    assert ruling.outcome is Outcome.FAIL
    assert [(f.code, f.location.service) for f in ruling.findings] == [(f"jwt.accepted-{attack}", "finance")]


def test_a_server_that_verifies_no_signature_fails(observe: Any, serve: Any, keys: Any, criteria: Any):
    loose = keys.verifying(verify_signature=False, verify_exp=True, verify_aud=True, verify_iss=True)
    ruling = judge(observe(service(serve(loose))), criteria)
    assert {f.code for f in ruling.findings} == {
        f"jwt.accepted-{name}" for name in ("wrong-key", "alg-none", "tampered", "key-confusion")
    }


def test_a_server_that_accepts_anything_fails_for_all(observe: Any, serve: Any, criteria: Any):
    ruling = judge(observe(service(serve(lambda *_: (200, {"data": {"__typename": "Query"}})))), criteria)
    assert len(ruling.findings) == len(ATTACKS)
    assert ruling.measurements[0].value == len(ATTACKS)


@pytest.mark.parametrize(
    "respond", [lambda *_: (401, {}), lambda *_: (500, {}), lambda *_: (200, {"errors": [{"message": "x"}]})]
)
def test_a_server_that_serves_nobody_proves_nothing(observe: Any, serve: Any, criteria: Any, respond: Any):
    ruling = judge(observe(service(serve(respond))), criteria)
    assert (ruling.outcome, ruling.reason) == (Outcome.INCONCLUSIVE, "unclear-answer")


def test_a_graphql_refusal_in_status_200_counts_as_refused(observe: Any, serve: Any, keys: Any, criteria: Any):
    strict = keys.verifying()
    refusal = {"data": None, "errors": [{"message": "x", "extensions": {"code": "UNAUTHENTICATED"}}]}

    def respond(authorization: str | None, body: bytes) -> tuple[int, Any]:
        status, answer = strict(authorization, body)
        return (status, answer) if status == 200 else (200, refusal)

    assert judge(observe(service(serve(respond))), criteria).outcome is Outcome.PASS


@pytest.mark.parametrize("url", ["", "http://127.0.0.1:9"])
def test_a_server_that_is_not_there_is_inconclusive(observe: Any, serve: Any, keys: Any, criteria: Any, url: Any):
    seen = observe(service(url), service(serve(keys.verifying()), "crm"))
    assert judge(seen, criteria).reason == "unclear-answer"
    assert judge(seen, criteria, "crm").outcome is Outcome.PASS


def test_without_the_signing_key_it_says_what_could_not_be_tried(
    observe: Any, serve: Any, keys: Any, criteria: Any, tmp_path: Any
):
    for file in ("", str(tmp_path / "absent.pem")):
        facts = keys.facts()
        facts["jwt"]["private_key_file"] = file
        ruling = judge(observe(service(serve(keys.verifying())), credentials=facts), criteria)
        assert ruling.reason == "no-signing-key"
        assert "expired" in ruling.summary


def test_a_signing_key_that_is_not_the_stacks_proves_nothing(
    observe: Any, serve: Any, keys: Any, criteria: Any, tmp_path: Any
):
    other = tmp_path / "other.pem"
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    other.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    facts = keys.facts()
    facts["jwt"]["private_key_file"] = str(other)
    ruling = judge(observe(service(serve(keys.verifying())), credentials=facts), criteria)
    assert ruling.reason == "unclear-answer"
    assert "resigned" in ruling.summary


@pytest.mark.parametrize("token", ["", "not-a-token"])
def test_without_a_usable_token_nothing_can_be_told(observe: Any, criteria: Any, token: Any):
    credentials = {"tokens": {"service": token}} if token else {}
    assert judge(observe(service("http://127.0.0.1:9"), credentials=credentials), criteria).reason == "no-token"


def test_without_services_or_without_observation_nothing_can_be_told(observe: Any, criteria: Any):
    assert judge(observe(), criteria).reason == "no-services"
    assert judge(OwaspSeen(), criteria).reason == "not-observed"


def test_a_blind_prober_is_noticed(criteria: Any):
    answers = (Answer("good", ACCEPTED), Answer("resigned", ACCEPTED), Answer("absent", REFUSED))
    blind = (Answer("absent", UNCLEAR),)
    seen = JwtSeen((Probed("finance", answers),), (Probed("decoy accepts-all", blind),), ("absent",))
    assert judge(OwaspSeen(jwt=seen), criteria).reason == "sensor-blind"
