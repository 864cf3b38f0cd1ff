"""docs/drill.md: its table is that of the installed faults. `UPDATE_DOCS=1 ./dev test tests/drill/test_docs.py` writes it anew."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from certify.drill.catalogue import discover_faults
from certify.engine.registry import discover_checks

PAGE = Path(__file__).parents[2] / "docs" / "drill.md"
BLOCK = re.compile(r"(<!-- faults -->\n).*?(<!-- end -->)", re.DOTALL)


def table() -> Iterator[str]:
    yield "| fault | how | target | what is wrong | caught by |"
    yield "|---|---|---|---|---|"
    for fault in sorted(discover_faults().values(), key=lambda one: (one.caught_by, one.name)):
        rules = ", ".join(f"`{rule}`" for rule in fault.caught_by)
        yield f"| `{fault.name}` | {fault.kind} | {fault.target or '-'} | {fault.breaks} | {rules} |"


def test_the_table_is_that_of_the_installed_faults():
    page = PAGE.read_text()
    wanted = BLOCK.sub(lambda found: found[1] + "\n".join(table()) + "\n" + found[2], page)
    if os.environ.get("UPDATE_DOCS"):
        PAGE.write_text(wanted)
    assert page == wanted or os.environ.get("UPDATE_DOCS"), "run: UPDATE_DOCS=1 ./dev test tests/drill/test_docs.py"
    assert len(BLOCK.findall(page)) == 1


def test_every_family_has_a_fault_and_every_fault_a_rule_that_exists():
    checks = discover_checks()
    rules = {f"{check.id}.{rule.id}" for check in checks.values() for rule in check.description.rules}
    expected = {rule for fault in discover_faults().values() for rule in fault.caught_by}
    assert expected <= rules
    assert {rule.partition(".")[0] for rule in expected} == set(checks)
