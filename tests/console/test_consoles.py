"""The three consoles: what they print, that they are thread-safe, and that no event can steer a terminal."""

import io
import json
import os
import pty
import subprocess
import sys
import threading
from pathlib import Path
from types import ModuleType

import msgspec
import pytest

from certify.console.choose import expected_times, open_console
from certify.console.events import BootState, JobEnded, JobProgress, JobStarted, Message, Phase, RunEvent
from certify.console.live import LiveConsole
from certify.console.plain import JsonConsole, PlainConsole

EVENTS: list[RunEvent] = [
    Phase("boot"),
    BootState("finance", "starting"),
    BootState("finance", "ready", 1_234_567),
    BootState("crm", "failed", 400_000),
    Phase("checks"),
    JobStarted("load", "load", 61_000_000),
    JobStarted("debt", "debt"),
    JobProgress("load", "holding 100 users", 30, 300),
    JobEnded("debt", {"pass": 2, "fail": 1}, 1_900_000),
    Message("one core only", "warning"),
]
ATTACK = "a\x1b[2J\x07\u202e\n::error::x ##[group]y"


def poisoned() -> list[RunEvent]:
    return [
        Phase(ATTACK),
        BootState(ATTACK, ATTACK),
        JobStarted(ATTACK, ATTACK),
        JobProgress(ATTACK, ATTACK, 1, 2),
        JobEnded(ATTACK, {"fail": 1}),
        Message(ATTACK, "error"),
    ]


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def feed(console: PlainConsole | JsonConsole | LiveConsole, events: list[RunEvent]) -> None:
    with console:
        for event in events:
            console.event(event)


def test_plain_lines_say_every_event_with_its_time():
    stream, clock = io.StringIO(), Clock()
    console = PlainConsole(stream, clock=clock)
    clock.now += 12.34
    feed(console, EVENTS)
    assert stream.getvalue().splitlines() == [
        "[  12.3 s] == boot",
        "[  12.3 s] boot   finance              starting",
        "[  12.3 s] boot   finance              ready after 1,234 ms",
        "[  12.3 s] boot   crm                  failed after 400 ms",
        "[  12.3 s] == checks",
        "[  12.3 s] start  load (took 61 s last time)",
        "[  12.3 s] start  debt",
        "[  12.3 s] ...    load: holding 100 users (30 of 300)",
        "[  12.3 s] end    debt: 1 fail, 2 pass in 1,900 ms",
        "[  12.3 s] warning: one core only",
    ]


def test_plain_progress_is_told_at_most_every_ten_seconds():
    stream, clock = io.StringIO(), Clock()
    console = PlainConsole(stream, clock=clock)
    for second in range(35):
        clock.now = 100.0 + second
        console.event(JobProgress("load", "x"))
        console.event(JobProgress("debt", "y"))
    assert stream.getvalue().count("load: x") == stream.getvalue().count("debt: y") == 3


def test_json_lines_can_be_read_back():
    stream = io.StringIO()
    feed(JsonConsole(stream), EVENTS)
    assert [msgspec.json.decode(line, type=RunEvent) for line in stream.getvalue().splitlines()] == EVENTS
    assert json.loads(stream.getvalue().splitlines()[1])["event"] == "boot"


def test_json_lines_are_ascii_whatever_comes():
    stream = io.StringIO()
    feed(JsonConsole(stream), [*poisoned(), Message("\ud800\x7f\x9b")])
    assert stream.getvalue().isascii()
    assert all(line.isprintable() for line in stream.getvalue().splitlines())
    assert len(stream.getvalue().splitlines()) == 7


def test_plain_lines_cannot_be_forged():
    stream = io.StringIO()
    console = PlainConsole(stream, clock=iter([0.0, *[20.0] * 20]).__next__)
    feed(console, poisoned())
    lines = stream.getvalue().splitlines()
    assert len(lines) == 6
    for line in lines:
        assert line.isprintable()
        assert line.startswith("[  ")
        assert "##[" not in line


def test_long_text_does_not_fill_the_log():
    stream = io.StringIO()
    PlainConsole(stream).event(Message("x" * 10_000))
    assert len(stream.getvalue()) < 250


@pytest.mark.parametrize("kind", [PlainConsole, JsonConsole])
def test_threads_do_not_mix_their_lines(kind: type[PlainConsole | JsonConsole]):
    stream = io.StringIO()
    console = kind(stream)

    def work(number: int) -> None:
        for _ in range(50):
            console.event(Message(f"<{number}>" * 20))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = stream.getvalue().splitlines()
    assert len(lines) == 200
    assert all(sum(f"<{number}>" * 20 in line for number in range(4)) == 1 for line in lines)


def live_text(events: list[RunEvent], width: int = 100) -> str:
    """The last state of the table, as a terminal of that width would get it."""
    stream = io.StringIO()
    console = LiveConsole(stream, clock=Clock())
    console._rich.width = width
    for event in events:
        console.event(event)
    with console._rich.capture() as shown:
        console._rich.print(console._table())
    return shown.get()


def test_the_live_table_shows_boot_then_checks_in_words():
    text = live_text(EVENTS)
    assert "certify  checks" in text
    assert "services: 1 of 2 ready" in text
    assert "+ finance ready 1,234 ms" in text
    assert "x crm failed" in text
    assert "> running 30 of 300 holding 100 users" in text
    assert "x 1 fail, 2 pass" in text
    load = next(line for line in text.splitlines() if line.startswith("load"))
    debt = next(line for line in text.splitlines() if line.startswith("debt"))
    assert load.split()[-2:] == ["61", "s"]
    assert debt.split()[-1] == "-"


def test_the_live_table_is_not_steered_by_its_text():
    text = live_text([*poisoned(), Message("[bold]x[/bold] :boom:")])
    assert "\x1b[2J" not in text
    assert "\x07" not in text
    assert "\u202e" not in text
    assert "\\x1b[2J" in text


def test_progress_and_end_of_an_unknown_job_are_shown():
    text = live_text([JobProgress("a", "text"), JobEnded("b", {})])
    assert "text" in text
    assert "nothing ruled" in text


def test_the_console_fits_its_stream(monkeypatch: pytest.MonkeyPatch):
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    for name in ("CI", "TERM"):
        monkeypatch.delenv(name, raising=False)
    assert isinstance(open_console("auto", io.StringIO()), PlainConsole)
    assert isinstance(open_console("auto", Terminal()), PlainConsole)
    monkeypatch.setenv("TERM", "xterm")
    assert isinstance(open_console("auto", Terminal()), LiveConsole)
    assert isinstance(open_console("plain", Terminal()), PlainConsole)
    assert isinstance(open_console("json", Terminal()), JsonConsole)
    monkeypatch.setenv("CI", "true")
    assert isinstance(open_console("auto", Terminal()), PlainConsole)


SCRIPT = """
import sys
from certify.console.choose import open_console
from certify.console.events import BootState, JobStarted, Message, Phase
with open_console() as console:
    console.event(Phase("boot"))
    console.event(BootState("finance", "ready", 900_000))
    console.event(Message("hello"))
    console.event(JobStarted("load", "load"))
"""


def test_live_on_a_real_terminal_and_nothing_on_standard_output():
    main, secondary = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "90"}
    environment.pop("CI", None)
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], stdout=subprocess.PIPE, stderr=secondary, env=environment, check=True
    )
    os.close(secondary)
    shown = os.read(main, 1 << 16).decode()
    os.close(main)
    assert done.stdout == b""
    assert "hello" in shown
    assert "finance ready 900 ms" in shown
    assert "\x1b[?25h" in shown  # the cursor is given back


def test_expected_times_come_from_the_last_record(tmp_path: Path, samples: ModuleType):
    record = samples.make_record()
    (tmp_path / "record.json").write_bytes(msgspec.json.encode(record))
    times = expected_times(tmp_path)
    assert times["load"] == 322_000_000
    assert set(times) == {job.id for job in record.jobs}


@pytest.mark.parametrize("text", [None, "", "{", "[]", '{"jobs": 3}', '{"jobs": [{"id": "a"}]}'])
def test_no_record_gives_no_hint_and_no_error(tmp_path: Path, text: str | None):
    if text is not None:
        (tmp_path / "record.json").write_text(text)
    assert expected_times(tmp_path) == {}
