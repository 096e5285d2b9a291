"""Find the words of `tunekin_ranker.words`, and measure what is near: identity and similarity.

``python -m tunekin_training.words MUSIC --out DIR`` clusters the frames of a folder or CSV manifest by K-means and
writes ``words.npy``. Then it compares cuts of every track, clean and damaged, with all tracks, and prints

- how near clips come to their own songs, and strangers to them, relative to the clip's strangeness: where the threshold
  of `tunekin_ranker.identify` has to lie;
- the quantiles that `tunekin_ranker.similarity` has, over pairs of a clip and a track, and of two tracks, by two known
  artists.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track as progress_bar
from sklearn.cluster import MiniBatchKMeans

from tunekin.features import FEATURES
from tunekin.process_pool import process_pool
from tunekin_demo import bad_microphone
from tunekin_featurizer.featurize import FeatureSet, featurize
from tunekin_ranker import kin
from tunekin_ranker.dtw import Clip, exact_distances
from tunekin_ranker.packed import pack
from tunekin_ranker.reasons import LIKED_VIEW
from tunekin_ranker.words import strangeness
from tunekin_training.collection import Recording, find, read

__all__ = ["WORDS", "learn", "main", "quantiles"]

WORDS = 64
# Close at both ends: the best answers lie below the first percent, misfits above the last.
SHARES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, *(i / 10 for i in range(1, 10)), 0.95, 0.99, 1.0)
_RATE = FEATURES.sample_rate_hz
_CLIP_S = 6.0
_SEED = 20_261_125
_DAMAGES = ("clean", "noise20", "noise5", "phone15", "reverb")


def learn(frames: Sequence[NDArray[np.floating]], *, words: int = WORDS, seed: int = 0) -> NDArray[np.float32]:
    """Cluster frames.

    Parameters
    ----------
    frames : sequence of np.ndarray [shape=(m, d)]
        Frames of each track.
    words : int
        How many clusters.
    seed : int
        Of the random numbers.

    Returns
    -------
    np.ndarray [shape=(words, d), dtype=float32]
        Their centres.
    """
    every = np.concatenate(frames).astype(np.float64)
    means = MiniBatchKMeans(words, random_state=seed, n_init=1, batch_size=4_096, max_iter=30).fit(every)
    return np.asarray(means.cluster_centers_, np.float32)


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


def _damaged(y: NDArray[np.float32], damage: str, *, seed: int) -> NDArray[np.float32]:
    match damage:
        case "clean":
            heard: NDArray[np.floating] = y
        case "noise20":
            heard = bad_microphone.add_noise(y, snr_db=20.0, seed=seed)
        case "noise5":
            heard = bad_microphone.add_noise(y, snr_db=5.0, seed=seed)
        case "phone15":
            narrow = bad_microphone.telephone_band(y, sample_rate_hz=_RATE)
            heard = bad_microphone.add_noise(narrow, snr_db=15.0, seed=seed)
        case _:
            spoken = bad_microphone.small_speaker(y, sample_rate_hz=_RATE)
            heard = bad_microphone.room(spoken, sample_rate_hz=_RATE, rt60_s=0.6, seed=seed)
    return np.asarray(heard, np.float32)


def _hear(recording: Recording) -> tuple[FeatureSet, tuple[FeatureSet, ...]]:
    """Features of a track, and of a cut of it through each damage."""
    chance = np.random.default_rng([_SEED, *recording.name.encode()])
    y = read(recording)
    length_s = y.size / _RATE
    duration_s = min(_CLIP_S, length_s)
    cut = bad_microphone.cut(
        y, start_s=chance.uniform(0.0, length_s - duration_s), duration_s=duration_s, sample_rate_hz=_RATE
    )
    seed = int(chance.integers(2**31))
    return featurize(y), tuple(featurize(_damaged(cut, damage, seed=seed)) for damage in _DAMAGES)


def _identity(near: Mapping[str, tuple[NDArray[np.float64], NDArray[np.float64]]]) -> str:
    """Table of how near clips come to their own songs and to strangers."""
    lines = ["damage    own 50 90 95 97 99 %              strangers 0.2 0.5 1 50 %"]
    for damage, (own, stranger) in near.items():
        of_own = np.quantile(own, (0.5, 0.9, 0.95, 0.97, 0.99)).round(3)
        of_strangers = np.quantile(stranger, (0.002, 0.005, 0.01, 0.5)).round(3)
        lines.append(f"{damage:9s} {of_own} {of_strangers}")
    return "\n".join(lines)


def _between(views: NDArray[np.floating], artists: NDArray[np.str_]) -> list[NDArray[np.float64]]:
    """Distances of whole tracks from those by other artists, as taste has them."""
    weights = kin.balanced({kin.MOMENT: 0.0})
    known = artists != ""
    found = []
    for own, artist in zip(views[known], artists[known], strict=True):
        apart = kin.apart(own, views[known & (artists != artist)])
        found.append(np.asarray(sum(weights[name] * distances for name, distances in apart.items())))
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Learn, measure and print.

    Parameters
    ----------
    arguments : sequence of str or None
        Command line; the program's own unless it is given.
    """
    parser = argparse.ArgumentParser(prog="python -m tunekin_training.words")
    parser.add_argument("music", type=Path, help="folder or CSV manifest")
    parser.add_argument("--out", type=Path, required=True, help="folder for the words")
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args(arguments)
    recordings = find(options.music)
    with process_pool(options.processes) as pool:
        heard = list(
            progress_bar(
                pool.map(_hear, recordings),
                total=len(recordings),
                description="listening",
                console=Console(stderr=True),
            )
        )
    tracks = [whole for whole, _ in heard]
    words = learn([track.frames for track in tracks])
    options.out.mkdir(parents=True, exist_ok=True)
    np.save(options.out / "words.npy", words)

    artists = np.array([recording.artist for recording in recordings])
    packed = pack([track.frames for track in tracks], coefficients=FEATURES.n_mfcc)
    every, views = np.arange(len(tracks)), np.array([track.views for track in tracks])
    exact = words.astype(np.float64)
    weights = kin.balanced({})
    near: dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]] = {}
    samples: dict[str, list[NDArray[np.float64]]] = {}
    for number, damage in enumerate(_DAMAGES):
        own, stranger = [], []
        for row, (_, clips) in enumerate(heard):
            clip = clips[number]
            strange = strangeness(clip.frames, exact)
            aligned = exact_distances(Clip(clip.frames), packed, every) / strange
            others = (artists != artists[row]) & (artists != "") & bool(artists[row])
            own.append(aligned[row])
            stranger.append(aligned[others].min(initial=np.inf))
            if damage == "clean" and others.any():
                apart = kin.apart(clip.views, views) | {kin.MOMENT: aligned}
                apart["all"] = sum((weights[name] * apart[name] for name in weights), np.zeros(len(tracks)))
                for name, distances in apart.items():
                    samples.setdefault(name, []).append(distances[others])
        near[damage] = np.array(own), np.array(stranger)
    samples[LIKED_VIEW] = _between(views, artists)
    sys.stdout.write(_identity(near) + "\n\n")
    for name, parts in samples.items():
        sys.stdout.write(f'    "{name}": {quantiles(np.concatenate(parts))},\n')


if __name__ == "__main__":
    main()
