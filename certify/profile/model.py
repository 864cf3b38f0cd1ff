"""A profile as the engine uses it: resolved, merged, every limit with its position."""

from typing import Any

import msgspec

from certify.model.decision import Waiver
from certify.model.limit import Limit, Origin
from certify.model.outcome import Mode, Severity
from certify.model.stack import Service


class StackSpec(msgspec.Struct, frozen=True, omit_defaults=True):
    """How the stack comes to be.

    Attributes:
        reference: module of a stack that boots itself (`python -m MODULE up`), such as `certify_stack.erp`.
        targets: service name -> address of a stack that runs already (driver `attach`).
        compose: compose files.
        keep_ports: publish the ports that the compose files name, instead of free ones.
        source: root of the certified source, relative to the profile's folder or absolute; empty: none.
        disposable: rules may break and fill things.
        services: what the profile declares of each service; without addresses.
        gateway: the gateway, if any; without address.
        boot_budget_us: time until a stack that is not up counts as failed, in microseconds.
        python: interpreter that has the reference stack installed; empty: the one that runs certify.
        peers: stacks to boot beside it where a control compares with one; by name.
    """

    reference: str = ""
    targets: dict[str, str] = {}
    compose: tuple[str, ...] = ()
    keep_ports: bool = False
    source: str = ""
    disposable: bool = False
    services: tuple[Service, ...] = ()
    gateway: Service | None = None
    boot_budget_us: int = 120_000_000
    python: str = ""
    peers: dict[str, "StackSpec"] = {}


class Control(msgspec.Struct, frozen=True, omit_defaults=True):
    """One requirement.

    Attributes:
        prove: rules, as `CHECK.RULE`; the worst of their outcomes is the control's.
        limits: by name, as the rules name them.
        options: the check's options for this control (`with:` in the file).
        services: names of the services it is about; empty: all. `except:` is resolved already.
        requires: ids of controls that must pass first, else this one is blocked.
        references: requirements of other catalogues, such as `asvs:4.1.3`.
    """

    id: str
    title: str
    source: str = ""
    severity: Severity = Severity.HIGH
    mode: Mode = Mode.BLOCK
    prove: tuple[str, ...] = ()
    limits: dict[str, Limit] = {}
    options: dict[str, Any] = {}
    services: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    owner: str = ""
    origin: Origin = Origin()


class Profile(msgspec.Struct, frozen=True, omit_defaults=True):
    """A loaded profile.

    Attributes:
        digest: sha256 hex over the bytes of all files that it was read from, in order.
        files: those files, as the user would name them; the profile's own is the last.
        folder: where the profile's own file is on this machine; paths of the stack are relative to it.
        checks: check id -> options for all of its controls.
        budgets: check id -> budget in microseconds.
        sign_offs: roles that must sign.
    """

    name: str
    title: str = ""
    digest: str = ""
    files: tuple[str, ...] = ()
    folder: str = ""
    stack: StackSpec = StackSpec()
    checks: dict[str, dict[str, Any]] = {}
    budgets: dict[str, int] = {}
    controls: tuple[Control, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    sign_offs: tuple[str, ...] = ()
