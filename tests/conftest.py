"""What every test may use: required tools, own user folders, the booted reference stack."""

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import hypothesis
import pytest

from certify.api import Context, Disruption, Stack

# The same examples for every run of one commit, so that a red commit is red for everybody; new ones at night.
hypothesis.settings.register_profile("commit", derandomize=True, deadline=None)
hypothesis.settings.register_profile("nightly", deadline=None, max_examples=1_000)
hypothesis.settings.load_profile("nightly" if os.environ.get("CERTIFY_NIGHTLY") else "commit")

Boot = Callable[..., AbstractContextManager[Stack]]
Result = TypeVar("Result")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One worker runs all that uses the shared stack, so that it is booted once."""
    for item in items:
        if "stack" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("shared-stack"))


@pytest.fixture(scope="session")
def require() -> Callable[[str, object], None]:
    """Skip a test for want of a tool, or fail it where `CERTIFY_REQUIRE` says that the tool must be there."""

    def check(name: str, present: object) -> None:
        if present:
            return
        if name in os.environ.get("CERTIFY_REQUIRE", "").split(","):
            pytest.fail(f"{name} is not here, and CERTIFY_REQUIRE names it")
        pytest.skip(f"{name} is not here")

    return check


@pytest.fixture(autouse=True)
def own_user_folders(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test signs with the developer's own key, or waits for another test's hold on the machine."""
    folder: Path = tmp_path_factory.mktemp("user")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder))
    monkeypatch.setenv("CERTIFY_LOCK", str(folder / "machine.lock"))
    for name in ("CERTIFY_KEY", "CERTIFY_KEY_PASSWORD", "CERTIFY_PUBLIC_KEY"):
        monkeypatch.delenv(name, raising=False)


class Running:
    """A booted finance stack. Its driver lives on in a thread, so that it hears the stack and can disturb it meanwhile."""

    def __init__(self, folder: Path, overlays: tuple[str, ...], spans_to: str = "") -> None:
        from certify.drivers.embedded import EmbeddedDriver
        from certify.profile.load import load_profile

        self.driver = EmbeddedDriver(load_profile("finance").stack, folder, overlays)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="driver")
        self._thread.start()
        try:
            self.booted = self._do(self.driver.start(lambda _: None, spans_to=spans_to))
        except BaseException:
            self.close()
            raise

    @property
    def stack(self) -> Stack:
        """The stack as it is now."""
        return self.driver.now()

    async def disrupt(self, disruption: Disruption) -> None:
        """For `Context.disrupt`, from any event loop. Nothing is undone by itself."""
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self.driver.disturb(disruption), self._loop))

    def close(self) -> None:
        self._do(self.driver.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _do(self, work: Coroutine[Any, Any, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()


@contextmanager
def _running(folder: Path, *overlays: str, spans_to: str = "") -> Iterator[Running]:
    running = Running(folder, overlays, spans_to)
    try:
        yield running
    finally:
        running.close()


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The finance stack, clean and shared: do not break it."""
    with _running(tmp_path_factory.mktemp("stack")) as running:
        yield running.stack


@pytest.fixture
def boot(tmp_path: Path) -> Boot:
    """Boot a finance stack of one's own: `with boot("certify_faults.owasp:accept_any_token") as stack`."""

    @contextmanager
    def booted(*overlays: str) -> Iterator[Stack]:
        with _running(tmp_path / "stack", *overlays) as running:
            yield running.stack

    return booted


@pytest.fixture
def running(tmp_path: Path) -> Callable[..., AbstractContextManager[Running]]:
    """Like `boot`, for what disturbs: `with running() as run`, then `context(run.stack, "health", disrupt=run.disrupt)`.

    `running(overlay, ..., spans_to=URL)`; `run.stack` is the stack as it is now, `run.booted.failures` what did not come up.
    """
    return lambda *overlays, **more: _running(tmp_path / "stack", *overlays, **more)


@pytest.fixture
def context(tmp_path: Path) -> Callable[..., Context]:
    """A context for a check's `observe`: `context(stack, "owasp", source_root=...)`."""

    def make(stack: Stack, check: str, **more: object) -> Context:
        evidence, scratch = tmp_path / "evidence", tmp_path / "scratch"
        evidence.mkdir(exist_ok=True)
        scratch.mkdir(exist_ok=True)
        return Context(check=check, evidence=evidence, scratch=scratch, stack=stack, **more)  # type: ignore[arg-type]

    return make
