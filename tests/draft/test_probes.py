"""Probes out of health checks and answers: found where they can be repeated from outside, else said why not."""

import pytest

from certify.draft.dockerfile import read_dockerfile
from certify.draft.look import paths_of
from certify.draft.model import Answers, Built, Found, Sure, Target
from certify.draft.probes import confirmed, from_answers, from_health_check, health_test, target_of

WELL = "application/json"


def shell(text: str) -> Target | None:
    return target_of(["CMD-SHELL", text], {"PORT": "8080", "WORD": "secret"}, "web")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("curl -f http://localhost:3000/healthz || exit 1", Target(3000, "/healthz")),
        ("wget -qO- http://127.0.0.1/health?token=hush", Target(80, "/health")),
        ("curl http://web:81", Target(81, "/")),
        ("curl 'http://[::1]:9000/live'", Target(9000, "/live")),
        ("node -e \"fetch('http://localhost:4000/ready').then(r => process.exit(+!r.ok))\"", Target(4000, "/ready")),
        ("curl -f http://localhost:$${PORT}/up", Target(8080, "/up")),
        ("curl -f http://localhost:$${PORT:-80}/up", None),
        ("curl -f http://localhost:${PORT}/up", Target(8080, "/up")),
        ("curl -f http://localhost:$WORD/up", Target(0, "/up")),
        ('curl -X POST -d \'{"query":"{__typename}"}\' http://localhost:4000/api', Target(4000, "/api", graphql=True)),
        ("curl http://localhost:4000/graphql?query=x", Target(4000, "/graphql", graphql=True)),
        ("curl http://elsewhere:3000/health", None),
        ("pg_isready -U app", None),
        ("", None),
    ],
)
def test_what_a_health_check_asks(text: str, expected: Target | None):
    assert shell(text) == expected


@pytest.mark.parametrize(
    ("text", "because"),
    [
        ("curl -k https://localhost/health", "https"),
        ("curl -u admin:hush http://localhost/health", "logs in"),
        ("curl http://admin:hush@localhost/health", "logs in"),
        ("curl -H 'X-Key: hush' http://localhost/health", "headers"),
        ("curl -X PUT http://localhost/health", "sends something"),
        ("curl --data x http://localhost/health", "sends something"),
        ("curl http://localhost/{name}/health", "cannot"),
        ("curl http://localhost/$KEY/health", "cannot"),
    ],
)
def test_what_cannot_be_repeated_from_outside_is_said(text: str, because: str):
    target = shell(text)
    assert target
    assert because in target.obstacle
    probes, remarks = from_health_check(target, (80, 443), "its health check")
    assert probes == {}
    assert "cannot be repeated from outside" in remarks[0]
    assert "hush" not in remarks[0]


def test_a_command_in_words_is_read_like_one_in_a_shell():
    assert target_of(["CMD", "curl", "-f", "http://localhost/ok"], {}, "web") == Target(80, "/ok")


def test_only_the_first_published_port_is_asked_by_checks():
    probes, remarks = from_health_check(Target(3000, "/healthz"), (3000, 9229), "its health check")
    assert (probes["ready"].value, probes["ready"].sure, remarks) == ("/healthz", Sure.LIKELY, ())
    for ports, said in (((9229, 3000), "another port than 9229"), ((), "no port is published")):
        probes, remarks = from_health_check(Target(3000, "/healthz"), ports, "its health check")
        assert probes == {}
        assert said in remarks[0]
    # A port that is a variable of the container may be another one.
    assert from_health_check(Target(0, "/up"), (80,), "it")[0]["ready"].sure is Sure.GUESS


def test_which_probe_it_is():
    assert list(from_health_check(Target(80, "/health/live"), (80,), "it")[0]) == ["live"]
    assert list(from_health_check(Target(80, "/health/ready"), (80,), "it")[0]) == ["ready"]
    assert list(from_health_check(Target(80, "/delivery"), (80,), "it")[0]) == ["ready"]
    assert list(from_health_check(Target(80, "/graphql", graphql=True), (80,), "it")[0]) == ["graphql"]


def test_answers_give_what_was_seen():
    well = dict.fromkeys(("/health/live", "/health/ready", "/metrics", "/openapi.json", "/sys/ready"), WELL)
    seen = from_answers(Answers(well=well, graphql=("/graphql",), documented=("/sys/ready", "/health/live")))
    assert {name: found.value for name, found in seen.items()} == {
        "live": "/health/live",
        "ready": "/health/ready",
        "metrics": "/metrics",
        "graphql": "/graphql",
    }
    assert seen["live"].where == "answered when it was looked at, and its OpenAPI document names it"
    # One end point for both: it is asked whether it is ready, and that is only likely what it tells.
    assert {n: (f.value, f.sure) for n, f in from_answers(Answers(well={"/health": WELL})).items()} == {
        "ready": ("/health", Sure.LIKELY)
    }
    assert from_answers(Answers("does not answer HTTP")) == {}


def test_openapi_documents():
    assert paths_of(
        b'{"openapi":"3.1.0","paths":{"/healthz":{"get":{}},"/live/{id}":{"get":{}},"/ready":{"post":{}}}}'
    ) == ("/healthz",)
    assert paths_of(b'{"swagger":"2.0"}') == ()
    for body in (b"<html>", b"[]", b'{"paths":{}}', b"[" * 100_000):
        assert paths_of(body) is None
    hostile = b'{"openapi":"3","paths":{"/health\\n: x":{"get":{}},"/health#":{"get":{}},"/ping":7}}'
    assert paths_of(hostile) == ()


def test_dockerfiles():
    text = """\
# HEALTHCHECK CMD no
FROM node:24-slim AS build
HEALTHCHECK CMD curl http://localhost/build
FROM --platform=linux/amd64 acme/base:1 AS base
EXPOSE 3000 9229/tcp 53/udp $PORT
FROM base
HEALTHCHECK --interval=5s --retries=3 \\
  CMD ["curl", "-f", "http://localhost:3000/ok"]
"""
    assert read_dockerfile(text) == Built(
        "acme/base:1", ("CMD", "curl", "-f", "http://localhost:3000/ok"), (3000, 9229)
    )
    assert read_dockerfile(text, "build").health == ("CMD-SHELL", "curl http://localhost/build")
    assert read_dockerfile(text + "HEALTHCHECK NONE\n").health == ()
    assert read_dockerfile("") == Built()


def test_which_health_check_holds():
    built = Built(health=("CMD", "true"))
    assert health_test({}, built) == (("CMD", "true"), "the health check in its Dockerfile")
    assert health_test({"healthcheck": {"test": ["CMD", "own"]}}, built) == (["CMD", "own"], "its health check")
    # Only its pace is set: the image's own test holds.
    assert health_test({"healthcheck": {"interval": "1s"}}, built)[0] == ("CMD", "true")
    for off in ({"disable": True}, {"test": ["NONE"]}):
        assert health_test({"healthcheck": off}, built) == ((), "")
    assert health_test({}, Built()) == ((), "")


def test_what_is_written_is_held_against_what_answers():
    written = {"ready": Found("/ok", "its health check asks it", Sure.LIKELY)}
    probes, silent = confirmed(written, Answers(well={"/ok": WELL, "/health": WELL, "/livez": WELL}))
    assert probes["ready"] == Found("/ok", "its health check asks it, and it answered when it was looked at", Sure.SURE)
    assert (probes["live"].value, silent) == ("/livez", ())
    # A host that is refused, a log-in: what others cannot ask is no probe for them.
    probes, silent = confirmed(written, Answers(well={"/health": WELL}))
    assert probes["ready"].value == "/health"
    assert "from outside /ok did not answer well" in silent[0]
    # Where nothing could be learned, what is written stays as likely as it was.
    assert confirmed(written, Answers("answers every path alike")) == (written, ())
    graphql = {"graphql": Found("/api", "its health check asks it", Sure.LIKELY)}
    assert confirmed(graphql, Answers(graphql=("/api",)))[0]["graphql"].sure is Sure.SURE
    assert confirmed(graphql, Answers(graphql=("/graphql",)))[0]["graphql"].value == "/graphql"


def test_a_dockerfile_that_is_odd_is_read_as_far_as_it_goes():
    deep = "[" * 100_000
    built = read_dockerfile(f"FROM a\nEXPOSE \u00b2 {'9' * 5_000} 81/udp 80\nHEALTHCHECK CMD {deep}\n")
    assert built.ports == (80,)
    assert built.health == ("CMD-SHELL", deep)


@pytest.mark.parametrize("value", ["\u00b2", "9" * 5_000, "-1", ""])
def test_a_variable_that_is_no_port(value: str):
    target = target_of(("CMD-SHELL", "curl http://localhost:$PORT/ok"), {"PORT": value}, "web")
    assert target is not None
    assert target.port == 0
