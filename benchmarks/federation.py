"""How long the federation check takes: composing against plain Node, the desk, and many subgraphs that share types.

`./dev bench federation` prints a line each, and fails where a limit is broken. The schemas are those of the reference stack.
"""

import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from certify_checks.federation.engine import ENGINE, Source, compose
from certify_checks.federation.model import Composed
from certify_checks.federation.runtime import find_node
from certify_stack.erp import __file__ as erp
from certify_stack.kit.app import load_service
from certify_stack.kit.schema import build_schema

RUNS = 7
ENGINE_SHARE = 1.2
DESK_SECONDS = 1.5
BUDGET = 10.0
BASELINE = str(Path(__file__).parents[1] / "profiles/baselines/finance.graphql")
LINK = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])\n'


def schemas() -> tuple[Source, ...]:
    """The SDL of the 18 services."""
    names = sorted(path.parent.name.replace("_", "-") for path in Path(erp).parent.glob("*/service.py"))
    return tuple(Source(name, build_schema(load_service(name)).as_str(), f"http://{name}/graphql") for name in names)


def hubs(count: int) -> tuple[Source, ...]:
    """Subgraphs that all add fields to one entity."""
    return tuple(
        Source(
            f"s{number}",
            f'{LINK}type Query {{ hub{number}: Hub }}\ntype Hub @key(fields: "id") {{ id: ID! f{number}: Int }}\n',
        )
        for number in range(count)
    )


def seconds(action: Callable[[], object]) -> float:
    """The median of `RUNS`."""
    taken = []
    for _ in range(RUNS):
        began = time.perf_counter()
        action()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> int:
    """Measure, print, and say whether all limits hold."""
    sources, node = schemas(), asyncio.run(find_node())
    request = json.dumps({"subgraphs": [{"name": s.name, "sdl": s.sdl, "url": s.url} for s in sources]})
    plain = seconds(
        lambda: subprocess.run([str(node), ENGINE], input=request, capture_output=True, text=True, check=True)
    )
    ours = seconds(lambda: asyncio.run(compose(sources, seconds=30)))
    say(f"composing {len(sources)} subgraphs: {ours:.2f} s, plain Node {plain:.2f} s, {ours / plain:.2f} of it")
    with tempfile.TemporaryDirectory() as folder:
        for source in sources:
            Path(folder, f"{source.name}.graphql").write_text(source.sdl)
        command = [str(Path(sys.executable).with_name("certify")), "check", "federation", "--subgraphs", folder]
        desk = seconds(lambda: subprocess.run(command, capture_output=True, check=True))
        # It exits with 1 where something was found, such as a change since the baseline.
        compared = seconds(lambda: subprocess.run([*command, "--baseline", BASELINE], capture_output=True, check=False))
    say(f"certify check federation on them: {desk:.2f} s, with a baseline {compared:.2f} s")
    bounded = True
    for count in (100, 200):
        began = time.perf_counter()
        answer = asyncio.run(compose(hubs(count), seconds=BUDGET))
        taken = time.perf_counter() - began
        bounded = bounded and taken < BUDGET and answer.state is Composed.COMPOSED
        say(f"{count} subgraphs that share a type: {answer.state} after {taken:.1f} s (budget {BUDGET:g} s)")
    good = ours <= plain * ENGINE_SHARE and max(desk, compared) <= DESK_SECONDS and bounded
    say("all limits hold" if good else f"broken: at most {ENGINE_SHARE} of plain Node, {DESK_SECONDS} s, the budget")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
