"""What processes have taken of the machine, from Linux's own accounts."""

import os
from collections.abc import Iterator
from pathlib import Path

__all__ = ["cpu_s", "rss_mb"]

_TICK_S = 1 / os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 0.01
_PAGE_MB = os.sysconf("SC_PAGE_SIZE") / 2**20 if hasattr(os, "sysconf") else 0.0
# Of /proc/PID/stat after the command's name: user and system time, of the process and of its children that have ended.
_TIMES = slice(11, 15)


def cpu_s(pid: int) -> float:
    """Processor time that a process and all below it have taken.

    Parameters
    ----------
    pid : int
        The process.

    Returns
    -------
    float
        Seconds; 0 where it has ended.
    """
    return sum(sum(map(int, _stat(one)[_TIMES])) for one in _tree(pid)) * _TICK_S


def rss_mb(pid: int) -> float:
    """Memory that a process and all below it hold.

    Parameters
    ----------
    pid : int
        The process.

    Returns
    -------
    float
        Mebibytes; what several share counts for each.
    """
    return sum(int(_read(one, "statm").split()[1]) for one in _tree(pid)) * _PAGE_MB


def _tree(pid: int) -> Iterator[int]:
    if not _read(pid, "statm"):
        return
    yield pid
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            yield from _tree(int(child))


def _stat(pid: int) -> list[str]:
    return _read(pid, "stat").rpartition(")")[2].split()


def _read(pid: int, name: str) -> str:
    try:
        return Path(f"/proc/{pid}/{name}").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""
