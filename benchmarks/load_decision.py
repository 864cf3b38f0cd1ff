"""How often the verdict on a percentile is wrong, on samples whose true percentile is known.

    ./dev bench load_decision [--draws 10000] [--processes 2]

Response times are drawn from three distributions (normal, lognormal, bimodal with 6 % slow), scaled so that their true 95th
percentile is 285, 295, 305 or 315 ms, and judged by the rule `load.latency` against "< 300 ms". `quick` are the requests of a
quick run of 100 users; `extended` begin with as many and are lengthened, up to eight times, until the percentile is known to 5 %.
Neighbours depend on each other by `correlation`. Wrong: pass above the limit or fail below. Ends with 1 when more than 1 % of any
row are wrong.
"""

import argparse
import math
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import accumulate, product
from statistics import NormalDist

from msgspec.structs import replace

from certify.api import Criteria, Limit, Outcome
from certify_checks.load.check import CHECK
from certify_checks.load.model import Generator, LoadSeen, OperationSeen
from certify_checks.load.rules import latency
from certify_checks.load.rules.planting import sound
from certify_checks.load.statistics import sequential
from certify_checks.load.statistics.intervals import CONFIDENCE

LIMIT_US, WRONG_PPM = 300_000, 10_000
TRUE_MS = (285, 295, 305, 315)
SIZES = {"quick": 1_100, "extended": 1_100}
LONGER, PRECISION_PPM = 8, 50_000
FAR, FINE = 12, 1000
P95 = 0.95
SLOW = 0.06
LATENCY = CHECK.rules[0]
CRITERIA = Criteria({"p95": Limit.parse("< 300 ms")})
# What is drawn for people decides nothing, and would take half of the time.
setattr(latency, "curves", lambda *_: ())  # noqa: B010 - a type checker takes it for a name of another module


def normal(uniform: float) -> float:
    """Mean 100, deviation 20."""
    return NormalDist(100, 20).inv_cdf(uniform)


def lognormal(uniform: float) -> float:
    """Median 1, shape 0.5."""
    return math.exp(0.5 * NormalDist().inv_cdf(uniform))


def bimodal(uniform: float) -> float:
    """94 % around 100, 6 % around 400: the percentile lies just inside the slow ones."""
    fast = uniform < 1 - SLOW
    return (
        NormalDist(100, 15).inv_cdf(uniform / (1 - SLOW))
        if fast
        else NormalDist(400, 30).inv_cdf((uniform - 1 + SLOW) / SLOW)
    )


DISTRIBUTIONS: dict[str, Callable[[float], float]] = {"normal": normal, "lognormal": lognormal, "bimodal": bimodal}


def table(inverse: Callable[[float], float], steps: int = 20_000) -> list[float]:
    """Values at evenly spaced probabilities, in units of the true percentile: drawing from it is a look-up."""
    true = inverse(P95)
    return [inverse((step + 0.5) / steps) / true for step in range(steps)]


class Source:
    """Response times one after the other, neighbours correlated by `rho` on the scale of the normal distribution.

    Everything that is looked up is made once: 20,000 quantiles of the noise, and the value of each state to a thousandth.
    """

    def __init__(self, chance: random.Random, values: list[float], rho: float) -> None:
        self._chance, self._values, self._rho = chance, values, rho
        normal, steps = NormalDist(), len(values)
        self._state, keep = chance.gauss(0, 1), math.sqrt(1 - rho * rho)
        self._noise = [keep * normal.inv_cdf((step + 0.5) / steps) for step in range(steps)]
        self._by_state = [
            values[min(steps - 1, int(normal.cdf(at / FINE) * steps))] for at in range(-FAR * FINE, FAR * FINE + 1)
        ]

    def draw(self, count: int) -> list[float]:
        """The next `count` values."""
        if not self._rho:
            return self._chance.choices(self._values, k=count)
        rho, by_state, middle = self._rho, self._by_state, FAR * FINE
        noise = self._chance.choices(self._noise, k=count)
        states = list(accumulate(noise, lambda state, step: rho * state + step, initial=self._state))
        self._state = states.pop()
        return [by_state[middle + int(FINE * state)] for state in states]


def judged(case: tuple[str, str, float, int, int, int]) -> Counter[Outcome]:
    """Outcomes of some draws of one case: distribution, size, correlation, true percentile, draws, seed."""
    name, size, rho, true_ms, draws, seed = case
    chance = random.Random(seed)  # noqa: S311 - a repeatable simulation
    source = Source(chance, table(DISTRIBUTIONS[name]), rho)
    outcomes: Counter[Outcome] = Counter()
    base = sound(LoadSeen("simulated", 100, 1, 10_000_000, generator=Generator(users=100)))
    for _ in range(draws):
        times, looks = run(source, size, 1000 * true_ms)
        seen = replace(base, operations=(OperationSeen("all", times, began_us=tuple(range(len(times)))),), looks=looks)
        outcomes[LATENCY.judge(seen, CRITERIA).outcome] += 1
    return outcomes


def run(source: Source, size: str, true_us: int) -> tuple[tuple[int, ...], int]:
    """Response times of one run, and at how many lengths it could have ended."""
    times = [int(true_us * value) for value in source.draw(SIZES[size])]
    if size != "extended":
        return tuple(times), 1
    looks = sequential.lengths(SIZES[size], LONGER * SIZES[size])
    for length in looks:
        times += [int(true_us * value) for value in source.draw(int(length) - len(times))]
        if sequential.narrow(times, sequential.shared(CONFIDENCE, len(looks)), PRECISION_PPM):
            break
    return tuple(times), len(looks)


def cases() -> Iterator[tuple[str, str, float, int]]:
    """Every row of the table."""
    for size, name, rho, true_ms in product(SIZES, DISTRIBUTIONS, (0.0, 0.9), TRUE_MS):
        if rho or size == "quick":
            yield size, name, rho, true_ms


def row(pool: ProcessPoolExecutor, case: tuple[str, str, float, int], draws: int, processes: int) -> int:
    """Judge one row's draws and tell it; returns how many of them were wrong, in ppm."""
    size, name, rho, true_ms = case
    part = -(-draws // processes)
    parts = [(name, size, rho, true_ms, part, seed) for seed in range(processes)]
    found = sum(pool.map(judged, parts), Counter[Outcome]())
    total = found.total()
    wrong = found[Outcome.PASS if 1000 * true_ms >= LIMIT_US else Outcome.FAIL]
    shares = (100 * found[outcome] / total for outcome in (Outcome.PASS, Outcome.FAIL, Outcome.INCONCLUSIVE))
    told = "  ".join(f"{share:6.2f} %" for share in (*shares, 100 * wrong / total))
    sys.stdout.write(f"{name:12}  {size:8}  {rho:11}  {true_ms:5} ms  {total:6}  {told}\n")
    sys.stdout.flush()
    return 1_000_000 * wrong // total


def main() -> int:
    """Tell the table; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--draws", type=int, default=10_000, help="a row of a quick run; a fifth of them of an extended one"
    )
    parser.add_argument("--processes", type=int, default=2)
    given = parser.parse_args()
    sys.stdout.write("distribution  run       correlation  true p95   draws      pass      fail  undecided     wrong\n")
    with ProcessPoolExecutor(given.processes) as pool:
        worst = max(
            row(pool, case, given.draws if case[0] == "quick" else max(1, given.draws // 5), given.processes)
            for case in cases()
        )
    sys.stdout.write(f"wrong in the worst row: {worst / 10_000:.2f} % (at most {WRONG_PPM / 10_000:g} %)\n")
    return int(worst > WRONG_PPM)


if __name__ == "__main__":
    sys.exit(main())
