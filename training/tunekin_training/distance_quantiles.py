"""Measure the quantiles of `tunekin_ranker.similarity` over music.

``python -m tunekin_training.distance_quantiles MUSIC``, a folder or a CSV manifest, cuts clips of 6 s out of every
track, compares them with all tracks and prints the quantiles of the distances. Only pairs of a clip and a track by two
different, known artists count: they have nothing to do with each other.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track as progress_bar

from tunekin.errors import InputError
from tunekin.features import FEATURES
from tunekin_demo import bad_microphone
from tunekin_featurizer.featurize import featurize
from tunekin_ranker.dtw import Clip, exact_distances
from tunekin_ranker.packed import pack
from tunekin_training.collection import find, read

__all__ = ["SHARES", "main", "quantiles", "stranger_distances"]

# Close at both ends: the best answers lie below the first percent, misfits above the last.
SHARES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, *(i / 10 for i in range(1, 10)), 0.95, 0.99, 1.0)
_CLIP_S = 6.0
_CLIPS_PER_TRACK = 2
_SEED = 20_261_122


def stranger_distances(
    clips: Sequence[NDArray[np.floating]],
    tracks: Sequence[NDArray[np.floating]],
    *,
    clip_artists: Sequence[str | None],
    track_artists: Sequence[str | None],
) -> NDArray[np.float64]:
    """Compute the distance of every clip to every track by another artist.

    Parameters
    ----------
    clips : sequence of np.ndarray [shape=(n, d)]
        Frames of each clip.
    tracks : sequence of np.ndarray [shape=(m, d)]
        Frames of each track.
    clip_artists, track_artists : sequence of str or None
        Artist of each; ``None`` where nobody knows, which is nobody's stranger.

    Returns
    -------
    np.ndarray [shape=(pairs,), dtype=float64]
        Exact distances.

    Raises
    ------
    InputError
        The counts do not fit, or there are no two known artists.
    """
    if len(clips) != len(clip_artists) or len(tracks) != len(track_artists):
        counts = f"{len(clips)} clips by {len(clip_artists)}, {len(tracks)} tracks by {len(track_artists)} artists"
        raise InputError(counts, hint="one artist for each")
    packed = pack(tracks, coefficients=tracks[0].shape[1])
    of = np.array([artist or "" for artist in track_artists])
    rows = [np.flatnonzero((of != (artist or "")) & (of != "") & bool(artist)) for artist in clip_artists]
    distances = np.concatenate(
        [exact_distances(Clip(clip), packed, others) for clip, others in zip(clips, rows, strict=True)]
    )
    if not distances.size:
        raise InputError("no clip has a track by another known artist", hint="music of at least two known artists")
    return distances


def quantiles(distances: NDArray[np.float64], *, shares: Sequence[float] = SHARES) -> tuple[tuple[float, float], ...]:
    """Tabulate how distances are distributed.

    Parameters
    ----------
    distances : np.ndarray [shape=(pairs,)]
        Distances of pairs that have nothing to do with each other.
    shares : sequence of float
        Which quantiles, rising.

    Returns
    -------
    tuple of (float, float)
        Share and distance to four decimals; quantiles that fall together are left out, so both columns rise.

    Examples
    --------
    >>> quantiles(np.arange(101.0), shares=(0.01, 0.5, 1.0))
    ((0.01, 1.0), (0.5, 50.0), (1.0, 100.0))
    """
    table: list[tuple[float, float]] = []
    for share, distance in zip(shares, np.quantile(distances, shares).round(4).tolist(), strict=True):
        if table and table[-1][1] >= distance:
            table.pop()
        table.append((share, distance))
    return tuple(table)


def main(arguments: Sequence[str]) -> None:
    """Print the quantiles for the music that the one argument names.

    Parameters
    ----------
    arguments : sequence of str
        The command line without the program's name.
    """
    if len(arguments) != 1:
        sys.exit(f"usage: python -m tunekin_training.distance_quantiles MUSIC, a folder or a manifest, not {arguments}")
    chance = np.random.default_rng(_SEED)
    tracks: list[NDArray[np.float16]] = []
    artists: list[str | None] = []
    clips: list[NDArray[np.float16]] = []
    clip_artists: list[str | None] = []
    for recording in progress_bar(find(Path(arguments[0])), description="listening", console=Console(stderr=True)):
        signal = read(recording)
        length_s = signal.size / FEATURES.sample_rate_hz
        for _ in range(_CLIPS_PER_TRACK):
            cut = bad_microphone.cut(
                signal,
                start_s=chance.uniform(0.0, max(length_s - _CLIP_S, 0.0)),
                duration_s=min(_CLIP_S, length_s),
                sample_rate_hz=FEATURES.sample_rate_hz,
            )
            clips.append(featurize(cut).frames)
            clip_artists.append(recording.artist or None)
        tracks.append(featurize(signal).frames)
        artists.append(recording.artist or None)
    distances = stranger_distances(clips, tracks, clip_artists=clip_artists, track_artists=artists)
    sys.stdout.write(f"{distances.size} pairs\n{quantiles(distances)}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
