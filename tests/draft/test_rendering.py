"""The written profile: YAML that a profile's reader takes, whatever stood in the compose file."""

from pathlib import Path
from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from certify.draft.drafting import Read, asked, draft
from certify.draft.model import Answers, Built, Draft, Drafted, Found, Kind, Sure
from certify.draft.rendering import render, scalar
from certify.profile.load import inspect_profile
from certify.profile.model import Profile

HOSTILE = "x\n  evil: true # \u2028\r\x1b[2J\x00{name}: [&a *a !!python/object:os ' \" \\"


def loaded(text: str, folder: Path) -> Profile:
    (folder / "shop.yaml").write_text(text, encoding="utf-8")
    return inspect_profile(str(folder / "shop.yaml")).profile


def of(services: dict[str, Any], answers: dict[str, Answers] | None = None, **more: Any) -> Draft:
    config = {"services": services}
    return draft("shop", ["compose.yaml"], Read(config, **({"raw": config} | more)), answers)


def checked(port: int, path: str) -> dict[str, Any]:
    return {
        "build": {"context": "."},
        "healthcheck": {"test": ["CMD", "curl", f"http://localhost:{port}{path}"]},
        "ports": [{"target": port, "protocol": "tcp"}],
    }


def test_what_is_found_is_in_the_profile_that_is_read_back(tmp_path: Path):
    made = of(
        {
            "web": checked(80, "/health/live") | {"depends_on": {"api": {}, "db": {}}},
            "api": checked(8080, "/graphql"),
            "db": {"image": "postgres:18"},
        },
        unset=("PASSWORD",),
        whole={"web": (), "adminer": ("dev", "debug")},
    )
    text = render(made)
    profile = loaded(text, tmp_path)
    services = {service.name: service for service in profile.stack.services}
    assert (services["web"].probes.live, services["web"].calls) == ("/health/live", ("api",))
    assert services["api"].graphql == "/graphql"
    assert list(services) == ["web", "api", "db"]
    assert profile.stack.compose == ("compose.yaml",)
    assert [control.id for control in profile.controls] == ["BOOT-HEALTH-01", "BOOT-START-01"]
    assert "empty texts: PASSWORD" in text
    assert "adminer, which only the Compose profile dev, debug starts" in text


def test_every_line_says_where_it_comes_from_and_how_sure():
    lines = render(of({"web": checked(80, "/ok"), "db": {"image": "postgres:18"}})).splitlines()
    for key in ("profile:", "extends:", "compose:", "boot_budget:", "web:", "db:", "ready:"):
        line = next(line for line in lines if line.strip().startswith(key))
        assert line.endswith(("(sure)", "(likely)", "(guess)")), line


def test_a_gateway_in_front_of_several_subgraphs(tmp_path: Path):
    speaking = {name: checked(4000, "/graphql") for name in ("gateway", "orders", "stock")}
    speaking["gateway"]["depends_on"] = {"orders": {}, "stock": {}}
    profile = loaded(render(of(speaking)), tmp_path)
    assert profile.stack.gateway
    assert profile.stack.gateway.graphql == "/graphql"
    assert [service.name for service in profile.stack.services] == ["orders", "stock"]
    # In front of one, it is a service like others.
    del speaking["stock"], speaking["gateway"]["depends_on"]["stock"]
    assert loaded(render(of(speaking)), tmp_path).stack.gateway is None


def test_a_variable_in_a_path_is_not_copied():
    services = {"web": checked(80, "/health/hush")}
    raw = {"services": {"web": checked(80, "/health/${TOKEN}")}}
    text = render(of(services, raw=raw))
    assert "hush" not in text
    assert "a variable is part of its path, and no value is copied" in text
    # Unless it can be told that no variable is in it, nothing is copied either.
    assert "hush" not in render(of(services, raw={}))


def test_a_look_is_surer_than_the_file():
    answers = {"web": Answers(well={"/ready": "text/plain"}), "db": Answers("did not come up when it was looked at")}
    services = {"web": checked(80, "/ok"), "db": {"image": "postgres:18", "ports": [{"target": 5432}]}}
    text = render(of(services, answers))
    assert "ready: /ready  # answered when it was looked at (sure)" in text
    assert "# did not come up when it was looked at (sure)" in text
    assert asked(Read({"services": services}, {"services": services})) == {"web": ("/ok",)}
    assert "from outside /ok did not answer well" in text


def test_what_a_health_check_does_is_not_repeated_by_a_look():
    web = checked(80, "/ok")
    web["healthcheck"] = {"test": ["CMD-SHELL", "curl -X DELETE http://localhost/orders"]}
    assert asked(Read({"services": {"web": web}}, {"services": {"web": web}})) == {"web": ()}


def test_hostile_text_stays_in_comments_and_scalars(tmp_path: Path):
    one = Drafted("web", Found(Kind.APPLICATION, HOSTILE, Sure.GUESS), calls=(), remarks=(HOSTILE,))
    other = Drafted("true", Found(Kind.PROXY, HOSTILE, Sure.SURE))
    made = Draft("shop", (HOSTILE,), (one, other), unset=(HOSTILE,), left_out={HOSTILE: HOSTILE}, unnameable=(HOSTILE,))
    text = render(made)
    assert set(yaml.safe_load(text)) == {"profile", "extends", "stack"}
    profile = loaded(text, tmp_path)
    assert [service.name for service in profile.stack.services] == ["web", "true"]
    assert len(profile.stack.compose) == 1


@given(st.text(max_size=80))
def test_a_scalar_is_one_text_for_every_reader(text: str):
    read = yaml.safe_load(f"key: {scalar(text)}\nnext: 1")
    assert list(read) == ["key", "next"]
    assert isinstance(read["key"], str)


@given(st.text(max_size=300), st.text(max_size=40))
def test_a_comment_never_ends_early(text: str, name: str):
    kind = Found(Kind.APPLICATION, text, Sure.GUESS)
    made = Draft("shop", (name,), (Drafted("web", kind, remarks=(text,)),), left_out={name: text}, unset=(text,))
    read = yaml.safe_load(render(made))
    assert read["stack"]["services"] == {"web": None}


def test_names_that_a_profile_cannot_hold_are_told():
    made = of({"_odd": {"image": "acme/x"}, "web": {"image": "acme/x"}})
    assert [one.name for one in made.services] == ["web"]
    assert "Left out: _odd" in render(made)


def test_openapi_beside_the_dockerfile_is_told():
    built = {"web": Built(documents=("openapi.yaml",))}
    assert "OpenAPI: openapi.yaml is beside its Dockerfile (likely)" in render(
        of({"web": checked(80, "/")}, built=built)
    )
