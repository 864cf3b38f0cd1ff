import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

SAMPLE = Path(__file__).parents[1] / "reports" / "conftest.py"


@pytest.fixture(scope="session")
def samples() -> ModuleType:
    """The sample run of the reports' tests."""
    spec = importlib.util.spec_from_file_location("sample_run", SAMPLE)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
