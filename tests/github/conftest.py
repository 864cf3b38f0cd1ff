import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import msgspec
import pytest

from certify.seal import canonical

SAMPLE = Path(__file__).parents[1] / "reports" / "conftest.py"


def load_sample() -> ModuleType:
    spec = importlib.util.spec_from_file_location("sample_run", SAMPLE)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def run_folder(tmp_path: Path) -> Callable[[], Path]:
    """The documents of the sample run in a folder."""

    def make() -> Path:
        record, decision, _ = load_sample().make_sample()
        folder = tmp_path / "certification"
        folder.mkdir()
        for name, value in (("release", record.release), ("record", record), ("decision", decision)):
            (folder / f"{name}.json").write_bytes(canonical.pretty(msgspec.to_builtins(value)))
        return folder

    return make
