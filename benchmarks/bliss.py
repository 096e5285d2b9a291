"""bliss-audio, a featurizer in Rust: built where there is cargo, and timed on the same files or samples as ours."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from benchmarks.report import OUT

__all__ = ["built", "seconds"]

_SOURCE = Path(__file__).with_name("bliss_rounds")


def built() -> Path | None:
    """Build the program that times it, in a scratch directory that later runs find again.

    Returns
    -------
    Path or None
        The program; None where there is no cargo, or where it can't build, which is said.
    """
    cargo = shutil.which("cargo")
    if cargo is None:
        print("bliss-audio is absent: there is no cargo")
        return None
    scratch = OUT / "bliss"
    shutil.copytree(_SOURCE, scratch, dirs_exist_ok=True)
    done = subprocess.run(
        [cargo, "build", "--release", "--quiet"], cwd=scratch, check=False, capture_output=True, text=True
    )
    if done.returncode:
        print(f"bliss-audio is absent: cargo could not build it\n{done.stderr.strip()[-1_000:]}")
        return None
    return scratch / "target" / "release" / "bliss-rounds"


def seconds(program: Path, what: Literal["files", "samples"], paths: Sequence[Path], *, threads: int) -> float:
    """Time it once.

    Parameters
    ----------
    program : Path
        As `built` returns it.
    what : {"files", "samples"}
        Whether to decode `paths`, or to read raw float32 at 22,050 Hz from them before the clock starts.
    paths : sequence of Path
        What to analyse.
    threads : int
        How many files at once; samples are taken one after another, by as many threads as it likes.

    Returns
    -------
    float
        Seconds for all of them, without the program's start.
    """
    command = [str(program), what, str(threads), *map(str, paths)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
