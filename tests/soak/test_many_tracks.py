"""A bulk load of very many tracks in one process: flat in memory, linear in time."""

import contextlib
import os
import subprocess
import sys
import time
import wave
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from benchmarks.memory import family, rollup_mb
from benchmarks.report import write as report_figures
from tests.bulk import rows_of

TRACKS = int(os.environ.get("SOAK_TRACKS", "10000"))
_RATE = 8_000
_TICKS = os.sysconf("SC_CLK_TCK")
_SAMPLE_S = 2.0


@dataclass(frozen=True)
class Sample:
    """The command and its children at a moment.

    Processor time is also that of children that ended; memory is what no file stands behind, so that libraries which
    other programs share, or no longer share, make no difference.
    """

    done: int
    wall_s: float
    cpu_s: float
    memory_mb: float


@pytest.fixture
def music(tmp_path: Path) -> Path:
    """Small sounds, no two alike: two notes each, and a little noise."""
    folder = tmp_path / "music"
    at_s = np.arange(int(1.5 * _RATE)) / _RATE
    for number in range(TRACKS):
        chance = np.random.default_rng(number)
        notes = 110.0 * 2.0 ** (chance.integers(0, 48, 2) / 12)
        sound = sum(np.sin(2 * np.pi * note * at_s) for note in notes) * np.exp(-at_s * chance.uniform(0.5, 4))
        sound = 0.3 * sound + 0.01 * chance.standard_normal(len(at_s))
        path = folder / f"{number // 500:02}" / f"Artist {number % 97} - Song {number}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(_RATE)
            file.writeframes((np.clip(sound, -1, 1) * 32_767).astype("<i2").tobytes())
    return folder


def lines_of(report: Path) -> int:
    """Rows of a report that is being written, without its head."""
    return max(report.read_bytes().count(b"\n") - 1, 0) if report.exists() else 0


def sample(pid: int, *, done: int, began_s: float) -> Sample:
    """Look at a command that runs."""
    cpu = 0
    for one in family(pid):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
            # utime, stime, and those of children that were waited for.
            cpu += sum(int(value) for value in fields[11:15])
    return Sample(done, time.monotonic() - began_s, cpu / _TICKS, rollup_mb(pid, "Anonymous"))


@pytest.mark.timeout(4 * 3_600)
def test_a_load_of_very_many_tracks_is_flat_in_memory_and_linear_in_time(music: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.csv"
    command = [str(Path(sys.executable).parent / "tunekin"), "--home", str(tmp_path / "home"), "catalog", "add"]
    samples: list[Sample] = []
    began_s = time.monotonic()
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen([*command, str(music), "--report", str(report)], stderr=log)
        while process.poll() is None:
            samples.append(sample(process.pid, done=lines_of(report), began_s=began_s))
            time.sleep(_SAMPLE_S)
    assert process.returncode == 0, (tmp_path / "log").read_text()
    rows = rows_of(report)
    assert len(rows) == TRACKS
    assert {row["status"] for row in rows} == {"added"}

    # The last one before children end, and take what they count with them.
    shares = (25, 50, 75, 97)
    moments = [next(one for one in samples if one.done >= share / 100 * TRACKS) for share in shares]
    figures = {
        f"{name}_{share}": value
        for share, one in zip(shares, moments, strict=True)
        for name, value in asdict(one).items()
    }
    report_figures("soak", figures)
    # What is read once at the start is paid by then; from there on every track costs the same.
    costs = [(after.cpu_s - before.cpu_s) / (after.done - before.done) for before, after in pairwise(moments)]
    assert max(costs) < 1.3 * min(costs)
    assert moments[-1].memory_mb < 1.1 * moments[0].memory_mb
