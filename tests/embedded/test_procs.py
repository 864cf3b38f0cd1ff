"""What is told of a process holds for all of its threads."""

import mmap
import signal
import subprocess
import sys
import time
from pathlib import Path

from certify_stack.embedded.procs import ProcessId, wait_halted

COUNTING = """
import mmap, sys, threading
file = open(sys.argv[1], "r+b")
shared = mmap.mmap(file.fileno(), 8)
def count(place):
    while True:
        shared[place] = (shared[place] + 1) % 256
for place in range(8):
    threading.Thread(target=count, args=(place,), daemon=True).start()
print("counting", flush=True)
sys.stdin.read()
"""


def test_a_process_stands_still_once_it_is_said_to(tmp_path: Path) -> None:
    file = tmp_path / "counters"
    file.write_bytes(bytes(8))
    command = [sys.executable, "-c", COUNTING, str(file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        counting = ProcessId.of(process.pid)
        assert counting is not None
        assert not counting.halted
        with file.open("r+b") as opened, mmap.mmap(opened.fileno(), 8) as counters:
            for _ in range(20):
                counting.signal(signal.SIGSTOP)
                assert wait_halted(counting, 30)
                seen = bytes(counters)
                time.sleep(0.01)
                assert bytes(counters) == seen
                counting.signal(signal.SIGCONT)
        process.kill()
    assert counting.halted


def test_what_runs_on_is_not_said_to_stand_still() -> None:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], stdin=subprocess.PIPE) as process:
        sleeping = ProcessId.of(process.pid)
        assert sleeping is not None
        assert not wait_halted(sleeping, 0.05)
        process.kill()
