"""Training: how well moods are recognised and felt, how stable they are, and how long a large catalogue takes.

``make bench-training MANIFEST=FILE.csv`` trains on labelled music, with the code and settings of ``tunekin train``.
Without a manifest only the large catalogue is measured: summaries that chance drew around fifty middles, in a catalogue
of its own. Needs the environment of the training.
"""

import argparse
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks import memory, report
from tunekin.catalogue.database import migrate, opened
from tunekin.catalogue.records import Entry
from tunekin.catalogue.writer import CatalogueWriter
from tunekin.features import FEATURES, frames_to_bytes
from tunekin.messages import Track
from tunekin_classifier import manifest as manifests

_KINDS = 50
_TRACKS_PER_ARTIST = 10
_BATCH = 500


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--manifest", type=Path, help="CSV manifest of labelled music")
    parser.add_argument("--tracks", type=int, default=10_000, help="tracks of the large catalogue (default: 10,000)")
    parser.add_argument("--workers", type=int, default=2, help="processes (default: 2)")
    options = parser.parse_args()
    figures: dict[str, float | None] = {}
    if options.manifest is not None:
        out = report.OUT / "training"
        music = ("--music", str(options.manifest), "--clusters", "10", "--out", str(out))
        figures |= _train(*music, workers=options.workers)
        figures = {name: value for name, value in figures.items() if name not in {"took_s", "cpu_s", "peak_mb"}}
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/catalogue.sqlite"
        _fill(url, tracks=options.tracks)
        large = _train("--catalog", url, "--out", f"{folder}/models", workers=options.workers)
    size = f"{options.tracks / 1_000:g}k"
    figures |= {
        f"train_s_{size}": large["took_s"],
        # On a machine that is shared, half of it is what two free cores would take.
        f"train_cpu_s_{size}": large["cpu_s"],
        f"train_peak_mb_{size}": large["peak_mb"],
        f"dnn_accuracy_{size}": large["dnn_accuracy"],
        f"ari_seeds_{size}": large["ari_seeds"],
    }
    report.show("training", figures)
    print(report.write("training", figures))


def _train(*arguments: str, workers: int) -> dict[str, float]:
    """Run ``tunekin train`` as people do, and read its figures."""
    out = Path(arguments[arguments.index("--out") + 1])
    with tempfile.TemporaryDirectory() as home:
        began_s, cpu_s = time.monotonic(), _cpu_s()
        peak_mb = memory.peak_mb(
            [sys.executable, "-m", "tunekin_cli", "--home", home, "train", *arguments],
            env=os.environ | {"TUNEKIN_WORKERS": str(workers)},
        )
        took_s, cpu_s = time.monotonic() - began_s, _cpu_s() - cpu_s
    newest = max(out.glob("*/manifest.json"), key=lambda path: path.stat().st_mtime)
    manifest = manifests.parse(newest.read_bytes())
    return {**manifest.metrics, "took_s": took_s, "cpu_s": cpu_s, "peak_mb": peak_mb}


def _cpu_s() -> float:
    """Processor time of all processes that this one started and that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _fill(url: str, *, tracks: int) -> None:
    """Make a catalogue whose tracks lie around some middles, as far from each other as Hz and shares are."""
    chance = np.random.default_rng(0)
    units = np.geomspace(0.01, 1_000, FEATURES.summary_size)
    middles = chance.normal(0, 1, (_KINDS, FEATURES.summary_size))
    kinds = chance.integers(_KINDS, size=tracks)
    summaries = (middles[kinds] + chance.normal(0, 0.7, (tracks, FEATURES.summary_size))) * units
    frames = frames_to_bytes(np.zeros((1, FEATURES.n_mfcc), np.float16))
    entries = [
        Entry(
            track=Track(track_id=f"t{i:06}", title=f"Title {i}", artist=f"Artist {i // _TRACKS_PER_ARTIST}"),
            feature_version=FEATURES.name,
            frames=frames,
            summary=summaries[i].tolist(),
            model_version="none",
            probabilities=(),
        )
        for i in range(tracks)
    ]
    with opened(url) as engine:
        migrate(engine)
        writer = CatalogueWriter(engine, clock=time.time)
        for begin in range(0, tracks, _BATCH):
            writer.upsert(entries[begin : begin + _BATCH])


if __name__ == "__main__":
    main()
