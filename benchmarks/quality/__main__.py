"""Measure, print, draw and write the scorecard."""

import argparse
import os
from pathlib import Path

from rich.progress import track as progress_bar

import benchmarks.quality as scorecard
from benchmarks import report
from benchmarks.quality.evaluate import FRAME_CONDITIONS, evaluate
from benchmarks.quality.pieces import hear
from benchmarks.quality.plots import draw
from tunekin_training.collection import find

_SEED = 20_261_122


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.quality", description=(scorecard.__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--manifest", type=Path, required=True, help="CSV with the columns file and artist")
    parser.add_argument("--clips", type=int, default=300, help="tracks at most whose clips are damaged")
    parser.add_argument("--part", type=int, default=100, help="clips at most for other frames and for shortlists")
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)), help="processes that listen")
    options = parser.parse_args()
    recordings = find(options.manifest)
    # Evenly, the labelled ones first: only they say something about kin.
    ranked = sorted(range(len(recordings)), key=lambda number: (not recordings[number].label, number % 7, number))
    chosen = set(ranked[: options.clips])
    heard = hear(
        recordings,
        damaged=[number in chosen for number in range(len(recordings))],
        heard=FRAME_CONDITIONS,
        seed=_SEED,
        workers=options.workers,
    )
    pieces = list(progress_bar(heard, description="listening", total=len(recordings)))
    card = evaluate(recordings, pieces, part=options.part)
    title = f"{len(pieces)} tracks of {options.manifest.name}"
    report.show(title, card.figures)
    path = report.write("quality", card.figures)
    draw(card.figures, title=title, path=path.with_suffix(".png"))
    print(path)


if __name__ == "__main__":
    main()
