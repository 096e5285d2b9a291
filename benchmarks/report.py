"""Show the figures of a benchmark, and keep them with the machine that they were measured on."""

import json
import os
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

__all__ = ["OUT", "machine", "show", "write"]

OUT = Path(__file__).parent / "out"


def machine() -> dict[str, str | int | None]:
    """Describe what the figures depend on.

    Returns
    -------
    dict
        ``cpu`` (model), ``cores`` (that this process may use) and ``python`` (version).
    """
    models = {
        line.partition(":")[2].strip()
        for line in _lines(Path("/proc/cpuinfo"))
        if line.partition(":")[0].strip() == "model name"
    }
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "cpu": ", ".join(sorted(models)) or platform.processor() or platform.machine(),
        "cores": cores,
        "python": platform.python_version(),
    }


def show(title: str, figures: Mapping[str, float | None]) -> None:
    """Print figures as a table.

    Parameters
    ----------
    title : str
        What was measured.
    figures : mapping of str to float or None
        Figures by name; None where a peer is absent.
    """
    table = Table("figure", title=title)
    table.add_column("value", justify="right")
    for name, value in figures.items():
        table.add_row(name, "absent" if value is None else f"{value:,.4g}")
    Console().print(table)


def write(name: str, figures: Mapping[str, float | None], *, folder: Path = OUT) -> Path:
    """Write figures to ``NAME.json``, with the machine and the date.

    Parameters
    ----------
    name : str
        The benchmark's name.
    figures : mapping of str to float or None
        Figures by name; None where a peer is absent.
    folder : Path
        Where the file goes; made if it is missing.

    Returns
    -------
    Path
        The file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    report = {
        "name": name,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "figures": dict(figures),
    }
    # NaN is no JSON: a figure that is not a number has to fail here, not in whoever reads it.
    path.write_text(json.dumps(report, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    return path


def _lines(path: Path) -> list[str]:
    """Lines of a file that only some systems have."""
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []
