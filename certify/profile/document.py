"""The grammar of a profile file. The JSON Schema, the checks and the tables of the docs are made from these types."""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from certify.model.duration import DURATION_PATTERN
from certify.model.limit import LIMIT_PATTERN
from certify.model.outcome import Mode, Severity

# `title` is what an error says was expected: "'fast' is not <title>".
Text = Annotated[str, Meta(min_length=1, title="text that is not empty")]
ProfileName = Annotated[
    str, Meta(pattern="^[a-z][a-z0-9-]*$", title="a profile's name: small letters, digits, hyphens", max_length=64)
]
Parent = Annotated[str, Meta(min_length=1, title="a profile's name or path")]
ControlId = Annotated[
    str,
    Meta(pattern="^[A-Za-z][A-Za-z0-9_.-]*$", title="a control's id: letters, digits, '-', '_', '.'", max_length=64),
]
CheckId = Annotated[str, Meta(pattern="^[a-z][a-z0-9-]*$", title="a check's id: small letters, digits, hyphens")]
ServiceName = Annotated[
    str,
    Meta(
        pattern="^[A-Za-z0-9][A-Za-z0-9_.-]*$", title="a service's name: letters, digits, '-', '_', '.'", max_length=64
    ),
]
RuleName = Annotated[
    str,
    Meta(pattern=r"^[a-z][a-z0-9-]*\.[a-z][a-z0-9-]*$", title="a rule's name, CHECK.RULE, such as 'load.latency'"),
]
LimitName = Annotated[str, Meta(pattern="^[a-z][a-z0-9-]*$", title="a limit's name: small letters, digits, hyphens")]
LimitText = Annotated[
    str, Meta(pattern=LIMIT_PATTERN, title="a limit: operator, number, unit, such as '< 300 ms', '>= 80 %' or '== 0'")
]
DurationText = Annotated[str, Meta(pattern=DURATION_PATTERN, title="a length of time, such as '5 s' or '10 m'")]
Path = Annotated[str, Meta(pattern="^/", title="a path that begins with '/', such as '/health/ready'")]
Address = Annotated[str, Meta(pattern="^https?://[^/]", title="an address, such as 'http://127.0.0.1:4001'")]
Date = Annotated[str, Meta(pattern=r"^\d{4}-\d{2}-\d{2}$", title="a date, such as '2026-12-31'")]
Tier = Annotated[int, Meta(ge=1, le=5, title="a tier from 1 (the most critical) to 5")]


class ProbesEntry(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Paths of the health probes."""

    live: Annotated[Path, Meta(description="answers 2xx while the process should not be restarted")] = ""
    ready: Annotated[Path, Meta(description="answers 2xx while the service can do its work")] = ""


class ServiceEntry(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """One deployable. In texts, `{name}` and `{module}` (the name with `_` for `-`) stand for the service's own."""

    tier: Annotated[Tier, Meta(description="1 is the most critical")] = 3
    owner: Annotated[str, Meta(description="who mends it")] = ""
    probes: Annotated[ProbesEntry, Meta(description="paths of the health probes")] = ProbesEntry()
    graphql: Annotated[Path, Meta(description="path of the GraphQL end point")] = ""
    metrics: Annotated[Path, Meta(description="path of the Prometheus metrics")] = ""
    database: Annotated[
        bool | str, Meta(title="true (the driver knows it), false, or a DSN", description="its database: true or a DSN")
    ] = False
    calls: Annotated[list[ServiceName], Meta(description="the services that it calls and waits for")] = []
    consumes: Annotated[list[ServiceName], Meta(description="the services whose events it takes from the broker")] = []
    source: Annotated[
        str | list[str],
        Meta(title="a path or a list of paths", description="folders or files of its source, below the stack's source"),
    ] = []
    migrations: Annotated[str, Meta(description="folder of its migrations, below the stack's source")] = ""
    tests: Annotated[
        str,
        Meta(description="command of its own suite, run in the stack's source; `{suites}`: where suites are shipped"),
    ] = ""


class PeerEntry(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A stack beside the certified one to compare with, such as the version before; its services are the same."""

    reference: Annotated[str, Meta(description="module of a stack that boots itself")] = ""
    python: Annotated[
        str,
        Meta(description="interpreter that has this version of the reference stack installed, relative to this file"),
    ] = ""
    compose: Annotated[
        str | list[str],
        Meta(title="a path or a list of paths", description="compose files, relative to this file"),
    ] = []
    targets: Annotated[
        dict[ServiceName, Address], Meta(description="addresses of a stack that runs already, by service")
    ] = {}


class StackEntry(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The stack to certify: how it comes to be, and its services."""

    reference: Annotated[str, Meta(description="module of a stack that boots itself: `python -m MODULE up`")] = ""
    compose: Annotated[
        str | list[str],
        Meta(title="a path or a list of paths", description="compose files, relative to this file"),
    ] = []
    keep_ports: Annotated[
        bool, Meta(description="publish the ports that the compose files name, instead of free ones")
    ] = False
    targets: Annotated[
        dict[ServiceName, Address], Meta(description="addresses of a stack that runs already, by service")
    ] = {}
    source: Annotated[
        str, Meta(description="root of the certified source, relative to this file; `{reference}`: the reference's own")
    ] = ""
    disposable: Annotated[bool, Meta(description="rules may break and fill things")] = False
    boot_budget: Annotated[DurationText, Meta(description="time to come up, from start to all ready")] = "120 s"
    defaults: Annotated[ServiceEntry, Meta(description="what every service has unless it says otherwise")] = (
        ServiceEntry()
    )
    services: Annotated[
        dict[ServiceName, ServiceEntry | None],
        Meta(description="the services by name; nothing after a name: the defaults"),
    ] = {}
    gateway: Annotated[
        ServiceEntry | UnsetType,
        Meta(description="the one end point in front of the services' GraphQL, if there is one"),
    ] = UNSET
    peers: Annotated[
        dict[ServiceName, PeerEntry],
        Meta(description="stacks to boot beside it where a control compares with one, such as the version before"),
    ] = {}


class ControlEntry(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """One requirement. A control of an extended profile may be repeated with only the keys that change."""

    title: Annotated[Text, Meta(description="what is required, in one line; always wanted")] = ""
    source: Annotated[str, Meta(description="the document that requires it")] = ""
    severity: Annotated[Severity, Meta(description="how much it matters when broken")] = Severity.HIGH
    mode: Annotated[Mode, Meta(description="what it does to the verdict when broken")] = Mode.BLOCK
    prove: Annotated[
        list[RuleName],
        Meta(description="the rules that prove it, the worst outcome wins; always wanted", min_length=1),
    ] = []
    limits: Annotated[dict[LimitName, LimitText], Meta(description="by the names that the rules give them")] = {}
    with_: Annotated[dict[str, Any], Meta(description="options of the check, for this control")] = msgspec.field(
        default_factory=dict, name="with"
    )
    services: Annotated[list[ServiceName], Meta(description="only about these services")] = []
    except_: Annotated[list[ServiceName], Meta(description="about all services but these")] = msgspec.field(
        default_factory=list, name="except"
    )
    requires: Annotated[
        list[ControlId], Meta(description="controls that must pass first, else this one is blocked")
    ] = []
    replaces: Annotated[
        list[ControlId],
        Meta(
            description="inherited controls whose place it takes; their `prove`, `limits` and `with` hold where not given"
        ),
    ] = []
    references: Annotated[list[Text], Meta(description="the same requirement elsewhere, such as `asvs:4.1.3`")] = []
    owner: Annotated[str, Meta(description="who mends it")] = ""


class WaiverEntry(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """An accepted failure, until a date."""

    control: Annotated[ControlId, Meta(description="the control that may fail")]
    reason: Annotated[Text, Meta(description="why that is acceptable")]
    approver: Annotated[Text, Meta(description="who accepted it")]
    expires: Annotated[Date, Meta(description="the last day on which it holds")]
    fingerprint: Annotated[str, Meta(description="only the finding with this fingerprint")] = ""


class Document(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A profile: a stack, what is required of it, and the rules that prove it."""

    profile: Annotated[ProfileName, Meta(description="its name; the file is called NAME.yaml")]
    title: Annotated[str, Meta(description="what it is for, in one line")] = ""
    extends: Annotated[
        list[Parent], Meta(description="profiles that it builds on, by name or path; later ones win")
    ] = []
    stack: Annotated[StackEntry | UnsetType, Meta(description="the stack to certify")] = UNSET
    checks: Annotated[
        dict[CheckId, dict[str, Any]], Meta(description="options of a check, for all of its controls")
    ] = {}
    controls: Annotated[dict[ControlId, ControlEntry], Meta(description="what is required, by id")] = {}
    budgets: Annotated[dict[CheckId, DurationText], Meta(description="time that a check may take, by check")] = {}
    waivers: Annotated[list[WaiverEntry], Meta(description="accepted failures")] = []
    sign_offs: Annotated[list[Text], Meta(description="roles that must sign the certificate")] = []
