"""The folders of a run: evidence that is sealed, scratch that is removed, and the swap into the user's folder."""

import os
import secrets
import shutil
from datetime import UTC, datetime
from pathlib import Path

from certify.engine import abandoned
from certify.engine.component import digest_file
from certify.engine.exchange import exchange
from certify.engine.guardian import Guardian
from certify.model.escape import visible
from certify.seal.tree import sealable

EVIDENCE = "evidence"
RUNLOG = "runlog.jsonl"
_STACK_LOGS = "stack"
# Enough of a service's log to explain a failure, without drowning the evidence in it.
_LOG_TAIL = 1 << 20


class OutputFolderError(Exception):
    """The folder for the results cannot be used; the message says why and what to do."""


def new_run_id() -> str:
    """Sorts by time, unique on any machine."""
    return datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ-") + secrets.token_hex(3)


class Workspace:
    """All folders of one run. Nothing appears in `out` before `publish`."""

    def __init__(self, out: Path, run_id: str) -> None:
        self.out = out.absolute()
        _refuse_foreign(self.out)
        abandoned.sweep()
        self.staging = self.out.parent / f".{self.out.name}-{run_id}"
        self.evidence = self.staging / EVIDENCE
        self.scratch = abandoned.scratch_for(run_id)
        self.guardian = Guardian(run_id, [self.staging, self.scratch])
        try:
            abandoned.make_owned(self.scratch, run_id, self.staging)
            self.evidence.mkdir(parents=True)
        except BaseException:
            self.close()
            raise
        self.stack = self.scratch / "stack"
        self.spans = self.scratch / "spans.jsonl"
        self._jobs: set[str] = set()

    def job_folders(self, job: str) -> tuple[Path, Path]:
        """Make and give the evidence and the scratch folder of a job."""
        self._jobs.add(job)
        evidence, scratch = self.evidence / job, self.scratch / "jobs" / job
        evidence.mkdir()
        scratch.mkdir(parents=True)
        return evidence, scratch

    def job_digests(self, job: str) -> tuple[dict[str, str], list[str]]:
        """SHA-256 of each evidence file of a job, by path relative to its folder, and what could not be sealed.

        Links, devices and names with control characters are removed: one of them would keep the run from being sealed.
        """
        root = self.evidence / job
        digests, odd = {}, []
        for path in sorted(root.rglob("*")):
            name = path.relative_to(root).as_posix()
            if path.is_symlink() or not (path.is_file() or path.is_dir()) or (path.is_file() and not sealable(name)):
                path.unlink()
                odd.append(visible(name))
            elif path.is_file():
                digests[name] = digest_file(path)
        return digests, odd

    def remove_strays(self) -> list[str]:
        """Remove what lies outside every job's folder and is not the engine's; gives the names."""
        known = {self.evidence / job for job in self._jobs} | {self.evidence, self.evidence / RUNLOG}
        strays = [path for path in (*self.staging.iterdir(), *self.evidence.iterdir()) if path not in known]
        for path in strays:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
        return [path.relative_to(self.staging).as_posix() for path in strays]

    def keep_logs(self, logs: dict[str, Path]) -> None:
        """Copy the last part of each service's log into the evidence."""
        folder = self.evidence / _STACK_LOGS
        for name, path in logs.items():
            if path.is_file() and not path.is_symlink():
                folder.mkdir(exist_ok=True)
                with path.open("rb") as file:
                    file.seek(max(0, path.stat().st_size - _LOG_TAIL))
                    (folder / f"{name}.log").write_bytes(file.read())

    def publish(self) -> None:
        """Put the results in their place, in one step that is seen whole or not at all."""
        if self.out.exists():
            # What was there goes where the guardian will find it, should this process not live to remove it.
            exchange(self.staging, self.out)
            shutil.rmtree(self.staging, ignore_errors=True)
        else:
            self.staging.rename(self.out)

    def clean(self) -> None:
        """Remove scratch, and staging if it was not published."""
        shutil.rmtree(self.scratch, ignore_errors=True)
        shutil.rmtree(self.staging, ignore_errors=True)

    def close(self) -> None:
        """Clean, and let the guardian go; nothing happens the second time."""
        self.clean()
        self.guardian.release()


def _refuse_foreign(out: Path) -> None:
    """Only an empty folder or one of certify's own results may be replaced."""
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        raise OutputFolderError(f"{out} is not a folder: choose another with --out DIR")
    if out.is_dir() and any(out.iterdir()) and not (out / "record.json").is_file():
        raise OutputFolderError(f"{out} holds files that are not certify's: choose another with --out DIR")
    if not os.access(_nearest(out.parent), os.W_OK):
        raise OutputFolderError(f"{out.parent} cannot be written: choose another with --out DIR")


def _nearest(folder: Path) -> Path:
    return folder if folder.exists() else _nearest(folder.parent)
