"""Tells every complaint once, whoever found it and however often."""

from collections.abc import Iterable

from msgspec.structs import replace

from certify_checks.federation.model import Complaint

_PATHS = "SATISFIABILITY_ERROR"


def once(complaints: Iterable[Complaint]) -> tuple[Complaint, ...]:
    """Leave out what is told already: by another in the same words, at the same place, or along another path.

    A field that the gateway cannot reach is one defect, however many queries lead to it.
    """
    kept: list[Complaint] = []
    paths: dict[tuple[str, str], int] = {}
    for complaint in complaints:
        if complaint.code == _PATHS and complaint.coordinate:
            key = (complaint.subgraph, complaint.coordinate)
            paths[key] = paths.get(key, 0) + 1
            if paths[key] > 1:
                continue
        if not any(_same(complaint, other) for other in kept):
            kept.append(complaint)
    return tuple(_with_paths(complaint, paths) for complaint in kept)


def _with_paths(complaint: Complaint, paths: dict[tuple[str, str], int]) -> Complaint:
    more = paths.get((complaint.subgraph, complaint.coordinate), 1) - 1 if complaint.code == _PATHS else 0
    return (
        replace(complaint, message=f"{complaint.message.rstrip()} (and {more} more ways to it)") if more else complaint
    )


def _same(one: Complaint, other: Complaint) -> bool:
    if (one.code, one.subgraph) != (other.code, other.subgraph):
        return False
    if one.by != other.by:
        return (one.line, one.column) == (other.line, other.column) or one.coordinate == other.coordinate
    # The engine tells some defects twice, the second time shorter.
    return (one.line, one.column) == (other.line, other.column) and other.message.startswith(one.message.rstrip("."))
