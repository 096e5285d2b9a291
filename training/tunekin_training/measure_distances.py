"""Measure the constants of `tunekin_ranker.similarity` over music that a manifest lists.

``python -m tunekin_training.measure_distances MANIFEST.csv`` cuts 6 s out of every track, compares them with all tracks
and prints the quantiles and the threshold, as `tunekin_training.distance_constants` defines them.
"""

import csv
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track as progress_bar

from tunekin.features import FEATURES
from tunekin_demo import bad_microphone
from tunekin_featurizer.featurize import featurize
from tunekin_training.distance_constants import measure

__all__ = ["main"]

_CLIP_S = 6.0
# Two clips a track, so that the rare chance resemblances that decide the threshold are not left to one moment each.
_CLIPS_PER_TRACK = 2
_SEED = 20_261_122


def main(arguments: Sequence[str]) -> None:
    """Print the constants for the manifest that the one argument names.

    Parameters
    ----------
    arguments : sequence of str
        The command line without the program's name. The manifest's columns ``file`` and ``artist`` are read; an artist
        whose name begins with "unknown" is nobody.
    """
    if len(arguments) != 1 or not Path(arguments[0]).is_file():
        sys.exit(f"usage: python -m tunekin_training.measure_distances MANIFEST.csv, not {arguments}")
    chance = np.random.default_rng(_SEED)
    tracks: list[NDArray[np.float16]] = []
    artists: list[str | None] = []
    track_of: list[int] = []
    clips: dict[str, list[NDArray[np.float16]]] = {"clean": [], "noise20": [], "quiet": []}
    for artist, signal in progress_bar(list(_music(Path(arguments[0]))), description="listening", console=_stderr()):
        for _ in range(_CLIPS_PER_TRACK):
            cut = _cut(signal, chance)
            noisy = bad_microphone.add_noise(cut, snr_db=20.0, seed=int(chance.integers(2**31)))
            clips["clean"].append(featurize(cut).frames)
            clips["noise20"].append(featurize(noisy).frames)
            clips["quiet"].append(featurize(bad_microphone.gain(noisy, gain_db=-20.0)).frames)
            track_of.append(len(tracks))
        tracks.append(featurize(signal).frames)
        artists.append(artist)
    sys.stdout.write(f"{measure(tracks, artists, clips, track_of=track_of)}\n")


def _music(manifest: Path) -> Iterator[tuple[str | None, NDArray[np.float32]]]:
    """Artist and signal of each track; it is the trainer's own music, so it is read in this process."""
    with manifest.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            signal, rate_hz = soundfile.read(manifest.parent / row["file"], dtype="float32", always_2d=True)
            if rate_hz != FEATURES.sample_rate_hz:
                sys.exit(f"{row['file']} has {rate_hz} Hz, but must have {FEATURES.sample_rate_hz} Hz")
            artist = row["artist"].strip()
            yield None if not artist or artist.startswith("unknown") else artist, signal.mean(axis=1)


def _cut(signal: NDArray[np.float32], chance: np.random.Generator) -> NDArray[np.float32]:
    length_s = signal.size / FEATURES.sample_rate_hz
    return bad_microphone.cut(
        signal,
        start_s=chance.uniform(0.0, max(length_s - _CLIP_S, 0.0)),
        duration_s=min(_CLIP_S, length_s),
        sample_rate_hz=FEATURES.sample_rate_hz,
    )


def _stderr() -> Console:
    return Console(stderr=True)


if __name__ == "__main__":
    main(sys.argv[1:])
