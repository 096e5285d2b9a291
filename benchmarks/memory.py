"""Memory of a command and of all that it starts, as Linux tells it.

Conventions
-----------
Memory is the proportional set size: pages that several processes have in common count once among them, each process its
share. So the sum over a family is what the machine has to have, while the sum of resident sizes counts such pages many
times.
"""

import contextlib
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

__all__ = ["family", "peak_mb", "rollup_mb"]

# Telling what a process of a gigabyte has takes it some milliseconds.
_SAMPLE_S = 0.2


def family(pid: int) -> Iterator[int]:
    """Name a process and all below it.

    Parameters
    ----------
    pid : int
        The process.

    Yields
    ------
    int
        It, then those that it started, and so on; some may have ended meanwhile.
    """
    yield pid
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for task in list(Path(f"/proc/{pid}/task").glob("*/children")):
            for child in task.read_text().split():
                yield from family(int(child))


def rollup_mb(pid: int, kind: str) -> float:
    """Add up one kind of memory over a process and all below it.

    Parameters
    ----------
    pid : int
        The process.
    kind : str
        A line of ``/proc/PID/smaps_rollup``, such as ``Pss`` or ``Anonymous``.

    Returns
    -------
    float
        In MiB; 0 of processes that have ended.
    """
    total_kb = 0
    # All are named before the first is asked: one that forks in between would count whole, and again in its child.
    for one in list(family(pid)):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            lines = Path(f"/proc/{one}/smaps_rollup").read_text().splitlines()
            total_kb += next(int(line.split()[1]) for line in lines if line.startswith(f"{kind}:"))
    return total_kb / 1024


def peak_mb(command: Sequence[str], *, env: Mapping[str, str]) -> float:
    """Run a command to its end, and say what it and all that it started took at most.

    Parameters
    ----------
    command : sequence of str
        Program and arguments.
    env : mapping of str to str
        Its environment.

    Returns
    -------
    float
        In MiB, looked at five times a second.

    Raises
    ------
    subprocess.CalledProcessError
        It failed.
    """
    peak = 0.0
    with subprocess.Popen(command, env=env) as process:
        while True:
            peak = max(peak, rollup_mb(process.pid, "Pss"))
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_SAMPLE_S)
                break
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return peak
