"""What a study ran on: machine, Python, and the versions of the packages."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
from pathlib import Path
from typing import Any


def machine() -> dict[str, Any]:
    """The operating system, processor, cores that this process may use, memory in MB of 2**20 bytes, and Python."""
    return {
        "system": platform.platform(aliased=True, terse=True),
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_mb": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20,
        "python": platform.python_version(),
    }


def package_versions() -> dict[str, str]:
    """The installed version of this package, of what it requires, and of the workflow engine where there is one."""
    required = importlib.metadata.requires("fooling") or []
    plain = [requirement for requirement in required if "extra ==" not in requirement]
    names = {"fooling", "snakemake", *(re.split(r"[^\w.-]", requirement, maxsplit=1)[0] for requirement in plain)}
    versions = {}
    for name in sorted(names):
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def _processor() -> str:
    described = Path("/proc/cpuinfo")
    if described.is_file():
        for line in described.read_text().splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()
