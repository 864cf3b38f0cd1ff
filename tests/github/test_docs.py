"""The workflows of docs/github-actions.md are as clean as our own."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_documented_workflows_have_no_finding(tmp_path: Path):
    text = (ROOT / "docs" / "github-actions.md").read_text(encoding="utf-8")
    workflows = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    assert len(workflows) == 2
    folder = tmp_path / ".github" / "workflows"
    folder.mkdir(parents=True)
    for number, source in enumerate(workflows):
        # The reader's own pin stands where the page says COMMIT; workflow_run is what the page explains.
        ready = source.replace("OWNER/certify@COMMIT", f"acme/certify@{'0' * 40}").replace(
            "workflow_run:", "workflow_run: # zizmor: ignore[dangerous-triggers]"
        )
        (folder / f"{number}.yml").write_text(ready, encoding="utf-8")
    tool = shutil.which("zizmor", path=str(Path(sys.executable).parent))
    assert tool
    done = subprocess.run(
        [tool, "--offline", "--no-progress", "--strict-collection", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    pins = set(re.findall(r"actions/\S+@\w{40} # v\S+", text))
    own = "".join(path.read_text() for path in (ROOT / ".github" / "workflows").glob("*.yml"))
    assert pins
    assert all(pin in own for pin in pins)
