"""What every test may use."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest


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
