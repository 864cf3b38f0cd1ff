"""All that a check or a report may use of certify. What is not here may change without notice."""

from certify.model.chart import Axis, Chart, Curve
from certify.model.check import (
    Action,
    Capability,
    Check,
    CheckConfig,
    Context,
    Criteria,
    Disruption,
    DisruptionRefusedError,
    Rule,
    Seeded,
)
from certify.model.decision import Blocker, ControlDecision, Decision, PreviousCertificate, SignOff, Waiver
from certify.model.duration import Duration
from certify.model.escape import clip, comment_marker, markdown, markdown_code, terminal, visible
from certify.model.exit_codes import ExitCode
from certify.model.fault import Fault, FaultKind
from certify.model.limit import Limit, Origin
from certify.model.outcome import Mode, Outcome, Severity, Verdict
from certify.model.quantity import Quantity, format_quantity, parse_quantity
from certify.model.record import (
    Component,
    ControlResult,
    JobResult,
    LedgerEntry,
    Record,
    Release,
    RuleResult,
    SelfTest,
    ServiceResult,
    Tool,
)
from certify.model.report import ReportContext, ReportFormat
from certify.model.resources import Resources, Usage
from certify.model.ruling import Finding, Location, Measurement, Network, Part, Ruling, Way
from certify.model.schema import SCHEMAS, schema_of
from certify.model.span import Span, Spans, read_spans
from certify.model.stack import Container, Happened, Probes, Service, Stack
from certify.outside import kept, listening, served

__all__ = [
    "SCHEMAS",
    "Action",
    "Axis",
    "Blocker",
    "Capability",
    "Chart",
    "Check",
    "CheckConfig",
    "Component",
    "Container",
    "Context",
    "ControlDecision",
    "ControlResult",
    "Criteria",
    "Curve",
    "Decision",
    "Disruption",
    "DisruptionRefusedError",
    "Duration",
    "ExitCode",
    "Fault",
    "FaultKind",
    "Finding",
    "Happened",
    "JobResult",
    "LedgerEntry",
    "Limit",
    "Location",
    "Measurement",
    "Mode",
    "Network",
    "Origin",
    "Outcome",
    "Part",
    "PreviousCertificate",
    "Probes",
    "Quantity",
    "Record",
    "Release",
    "ReportContext",
    "ReportFormat",
    "Resources",
    "Rule",
    "RuleResult",
    "Ruling",
    "Seeded",
    "SelfTest",
    "Service",
    "ServiceResult",
    "Severity",
    "SignOff",
    "Span",
    "Spans",
    "Stack",
    "Tool",
    "Usage",
    "Verdict",
    "Waiver",
    "Way",
    "clip",
    "comment_marker",
    "format_quantity",
    "kept",
    "listening",
    "markdown",
    "markdown_code",
    "parse_quantity",
    "read_spans",
    "schema_of",
    "served",
    "terminal",
    "visible",
]
