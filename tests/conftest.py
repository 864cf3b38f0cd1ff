"""What every test may use: required tools, own user folders, the booted reference stack."""

import asyncio
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import hypothesis
import pytest

from certify.api import Context, Stack

# The same examples for every run of one commit, so that a red commit is red for everybody; new ones at night.
hypothesis.settings.register_profile("commit", derandomize=True, deadline=None)
hypothesis.settings.register_profile("nightly", deadline=None, max_examples=1_000)
hypothesis.settings.load_profile("nightly" if os.environ.get("CERTIFY_NIGHTLY") else "commit")

Boot = Callable[..., AbstractContextManager[Stack]]


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


@contextmanager
def _booted(folder: Path, *overlays: str) -> Iterator[Stack]:
    from certify.drivers.embedded import EmbeddedDriver
    from certify.profile.load import load_profile

    driver = EmbeddedDriver(load_profile("finance").stack, folder, overlays)
    with asyncio.Runner() as runner:
        try:
            yield runner.run(driver.start(lambda _: None)).stack
        finally:
            runner.run(driver.stop())


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The finance stack, clean and shared: do not break it."""
    with _booted(tmp_path_factory.mktemp("stack")) as booted:
        yield booted


@pytest.fixture
def boot(tmp_path: Path) -> Boot:
    """Boot a finance stack of one's own: `with boot("certify_faults.owasp:accept_any_token") as stack`."""
    return lambda *overlays: _booted(tmp_path / "stack", *overlays)


@pytest.fixture
def context(tmp_path: Path) -> Callable[..., Context]:
    """A context for a check's `observe`: `context(stack, "owasp", source_root=...)`."""

    def make(stack: Stack, check: str, **more: object) -> Context:
        evidence, scratch = tmp_path / "evidence", tmp_path / "scratch"
        evidence.mkdir(exist_ok=True)
        scratch.mkdir(exist_ok=True)
        return Context(check=check, evidence=evidence, scratch=scratch, stack=stack, **more)  # type: ignore[arg-type]

    return make
