"""What a run leaves that died together with its guardian: noted when its folders are made, removed by the next run."""

import os
import secrets
import shutil
import tempfile
from pathlib import Path

from certify import owner
from certify.processes import RUN_MARK, end_marked

_PREFIX = "certify-"
_NOTE = "owner"
_PRIVATE = 0o700


def scratch_for(run_id: str) -> Path:
    """A name that nobody can guess, in the temporary folder; nothing is made."""
    return Path(tempfile.gettempdir()) / f"{_PREFIX}{run_id}-{secrets.token_hex(4)}"


def make_owned(scratch: Path, run_id: str, staging: Path) -> None:
    """Make the scratch folder, with a note of whose it is and which other folder belongs to it.

    Raises:
        OSError: it cannot be made.
    """
    scratch.mkdir(mode=_PRIVATE)
    (scratch / _NOTE).write_text(f"{owner.own()}\n{run_id}\n{staging}\n", errors="surrogateescape")


def sweep() -> int:
    """End and remove what is left of this user's runs whose process is gone; gives how many there were.

    A folder without a readable note is left alone: another run may just be making it.
    """
    found = [run for run in map(_read, Path(tempfile.gettempdir()).glob(f"{_PREFIX}*")) if run]
    for run_id, folders in found:
        end_marked(RUN_MARK, run_id)
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)
    return len(found)


def _read(scratch: Path) -> tuple[str, tuple[Path, Path]] | None:
    """Run id and folders of a run that was abandoned."""
    try:
        seen = scratch.lstat()
        # The temporary folder is everybody's: only what nobody else can have written is believed.
        if seen.st_uid != os.geteuid() or scratch.is_symlink() or seen.st_mode & 0o777 != _PRIVATE:
            return None
        whose, run_id, staging = (scratch / _NOTE).read_text(errors="surrogateescape").splitlines()
    except (OSError, ValueError):
        return None
    # Another container may share the folder, and its processes are not to be seen from here.
    if owner.lives(whose) or not run_id or not staging.endswith(f"-{run_id}"):
        return None
    return run_id, (Path(staging), scratch)
