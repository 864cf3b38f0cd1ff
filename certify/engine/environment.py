"""Facts of the machine that a record states, because figures mean little without them."""

import os
import platform
from pathlib import Path


def facts() -> dict[str, str]:
    """Operating system, Python, cores and memory; no host name, no user, no path."""
    return {
        "system": f"{platform.system()} {platform.release()}",
        "distribution": _distribution(),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "cores": str(len(os.sched_getaffinity(0))),
        "memoryBytes": str(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")),
        "processor": _processor(),
        "ci": "yes" if os.environ.get("CI") else "no",
    }


def _distribution() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", "unknown")
    except OSError:
        return "unknown"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return "unknown"
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")
