"""Runs one test in eight of the nightly ones, another eighth with every commit, so that each is seen within days."""

import subprocess
import sys
import zlib

PARTS = 8
# Takes most of an hour: `drill_part.py` takes a part of that.
WHOLE_DRILL = "tests/drill/test_stack.py::test_every_fault_is_caught_by_its_rule"
_NO_TESTS = 5


def main() -> int:
    """Choose by the commit's number and the test's name; exit with the status of pytest."""
    count = int(_output("git", "rev-list", "--count", "HEAD"))
    listed = _output(sys.executable, "-m", "pytest", "--collect-only", "-q", "-m", "nightly", "--deselect", WHOLE_DRILL)
    tests = [line for line in listed.splitlines() if "::" in line]
    chosen = [test for test in tests if zlib.crc32(test.encode()) % PARTS == count % PARTS]
    print(f"{len(chosen)} of {len(tests)} nightly tests", flush=True)
    if not chosen:
        return 0
    return subprocess.run([sys.executable, "-m", "pytest", "-q", "-n", "2", *chosen], check=False).returncode


def _output(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode not in {0, _NO_TESTS}:
        sys.exit(done.stdout + done.stderr)
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
