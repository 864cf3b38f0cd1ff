"""What a service's revision files say, read without importing the migration tool.

A serving process only compares revisions; the tool and its SQL toolkit would double the time that its import takes.
"""

import ast
import importlib.util
from pathlib import Path

ENVIRONMENT = Path(__file__).parent / "migrations"


def versions_of(service: str) -> Path:
    """Return the folder of the service's revision files.

    Raises:
        LookupError: There is no such service.
    """
    package = f"certify_stack.erp.{service.replace('-', '_')}"
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise LookupError(f"there is no service {service!r}")
    return Path(spec.origin).parent / "migrations" / "versions"


def source_heads(service: str) -> frozenset[str]:
    """Return the newest revisions in the service's source: those that no other follows."""
    revisions: set[str] = set()
    followed: set[str] = set()
    for path in sorted(versions_of(service).glob("*.py")):
        names = _constants(ast.parse(path.read_bytes()))
        revisions.add(str(names["revision"]))
        if names.get("down_revision") is not None:
            followed.add(str(names["down_revision"]))
    return frozenset(revisions - followed)


def _constants(tree: ast.Module) -> dict[str, object]:
    return {
        target.id: statement.value.value
        for statement in tree.body
        if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Constant)
        for target in statement.targets
        if isinstance(target, ast.Name)
    }
