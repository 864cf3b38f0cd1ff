"""The options of the check."""

import msgspec

from certify.api import CheckConfig, Duration
from certify_checks.source_tree import EXCLUDED

_SCALARS = {"Decimal": ("0.01", "1250.00", "-3", "999999999999.99")}


class OwaspConfig(CheckConfig, frozen=True):
    """What is attacked and audited, with what, and for how long.

    Attributes:
        query: the operation that every token is tried with; an authorised caller must get data from it.
        shared: source folders that several services share, relative to the source root.
        exclude: patterns of files that are no production source.
        honour_nosec: let inline `# nosec` comments suppress results (the ledger says how many).
        requirements: pinned requirement files, relative to the source root; none: the installed environment.
        first_party: distributions that are the product itself and in no index.
        max_age: how old a local advisory file (`--advisories`) may be.
        service_timeout: time for one run of the dependency audit.
        mutations: exercise mutations too, where the stack is disposable. They change and delete whatever they reach,
            also users and what other checks of the run look at: give them a run, or a stack, of their own.
        max_examples: inputs for each GraphQL operation.
        schema_budget: time for all of them.
        quick_operations: operations in a shortened run.
        scalars: sample values of custom scalars, as strings.
        error_codes: `extensions.code` values that mean a server error in an answer with status 200.
    """

    query: str = "{ __typename }"
    shared: tuple[str, ...] = ()
    exclude: tuple[str, ...] = EXCLUDED
    honour_nosec: bool = False
    requirements: tuple[str, ...] = ()
    first_party: tuple[str, ...] = ("certify",)
    max_age: Duration = Duration("30 d")
    service_timeout: Duration = Duration("60 s")
    mutations: bool = False
    max_examples: int = 3
    schema_budget: Duration = Duration("90 s")
    quick_operations: int = 24
    scalars: dict[str, tuple[str, ...]] = msgspec.field(default_factory=lambda: dict(_SCALARS))
    error_codes: tuple[str, ...] = (
        "INTERNAL_SERVER_ERROR",
        "DOWNSTREAM_SERVICE_ERROR",
        "SUBGRAPH_UNAVAILABLE",
        "SUBREQUEST_HTTP_ERROR",
    )
