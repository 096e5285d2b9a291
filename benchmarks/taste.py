"""How far taste shifts a list: ``make bench-taste MANIFEST=FILE.csv``, of music with genres and listeners' emotions.

Genre stands for taste, since nobody's likes are at hand: a listener likes some songs of one genre, and asks with a clip
of the same genre or of another one. Artists are halved; views are learned from one half and rank the other, both ways,
several times. Neither the songs that are liked nor other songs by the clip's artist are counted. How long shifts take
is measured on views that chance gives.
"""

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.progress import track as progress_bar

from benchmarks import report
from tunekin.features import FEATURES
from tunekin.process_pool import process_pool
from tunekin_demo import bad_microphone
from tunekin_featurizer.descriptor import describe
from tunekin_featurizer.featurize import analyse, columns_of
from tunekin_ranker import kin
from tunekin_ranker.index import Index, Track
from tunekin_ranker.taste import CAP, DISLIKED, LIKED, Song, Taste
from tunekin_training.collection import Recording, find, read
from tunekin_training.views import Heard, fit

_RATE = FEATURES.sample_rate_hz
_CLIP_S, _CUTS, _ROUNDS, _PLACES = 6.0, 2, 3, 5
# A clip that finds no more songs of its genre by itself says little of it.
_LITTLE = 0.4
_MANY, _TIMED_LIKES, _TIMES = 100_000, 50, 5


@dataclass
class _Counted:
    """Of each list its share of the liked genre, before and after, and what else became of it."""

    before: list[float] = field(default_factory=list)
    after: list[float] = field(default_factory=list)
    own_lost: list[float] = field(default_factory=list)
    kept: list[float] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Half:
    """Songs by artists that the views were not learned from, and how far each clip (a row) is from each."""

    labels: NDArray[np.str_]
    artists: NDArray[np.str_]
    views: NDArray[np.float16]
    index: Index
    sounds: NDArray[np.float64]


def main() -> None:
    """Measure, print and keep the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.taste")
    parser.add_argument("--manifest", type=Path, required=True, help="CSV with file, artist, label and emotions")
    parser.add_argument("--workers", type=int, default=2, help="processes that listen")
    options = parser.parse_args()
    recordings = find(options.manifest)
    with process_pool(options.workers) as pool:
        described = list(progress_bar(pool.map(_described, recordings), description="listening", total=len(recordings)))
    names = sorted({name for recording in recordings for name in recording.emotions})
    halves = list(
        _halves(
            Heard(
                descriptors=np.stack(described, axis=1),
                artists=tuple(one.artist or f"? {number}" for number, one in enumerate(recordings)),
                labels=tuple(one.label for one in recordings),
                emotions=np.array([[one.emotions.get(name, np.nan) for name in names] for one in recordings]),
            )
        )
    )
    figures: dict[str, float] = {}
    for weight in (LIKED, 0.1, 0.5, 0.8):
        figures |= _of_lists(halves, count=5, liked=weight, name=f"liked_{weight:g}")
    for count in (1, 10):
        figures |= _of_lists(halves, count=count, liked=LIKED, name=f"likes_{count}")
    for weight in (DISLIKED, 0.3):
        figures |= _of_lists(halves, count=5, disliked=weight, name=f"disliked_{weight:g}")
    figures |= _speed()
    report.show(f"Taste, on {len(recordings)} tracks of {options.manifest.name}", figures)
    report.write("taste", figures)


def _described(recording: Recording) -> NDArray[np.float64]:
    """Descriptors of a track, and of cuts of it: clean, through noise, and by telephone."""
    chance = np.random.default_rng([1, *recording.name.encode()])
    y = read(recording)
    length_s = y.size / _RATE
    duration_s = min(_CLIP_S, length_s)
    cuts = [
        bad_microphone.cut(
            y, start_s=chance.uniform(0.0, length_s - duration_s), duration_s=duration_s, sample_rate_hz=_RATE
        )
        for _ in range(_CUTS)
    ]
    noisy = [
        bad_microphone.add_noise(cut, snr_db=chance.uniform(8.0, 25.0), colour="white", seed=number)
        for number, cut in enumerate(cuts)
    ]
    narrow = [
        bad_microphone.add_noise(
            bad_microphone.telephone_band(cut, sample_rate_hz=_RATE), snr_db=15.0, colour="white", seed=number
        )
        for number, cut in enumerate(cuts)
    ]
    return np.array([describe(columns_of(analyse(np.asarray(one, np.float32)))) for one in [y, *cuts, *noisy, *narrow]])


def _halves(heard: Heard) -> Iterator[_Half]:
    artists = np.array(heard.artists)
    judged = heard.judged
    known = np.unique(artists[judged])
    weights = kin.balanced({})
    frames = np.zeros((1, FEATURES.n_mfcc), np.float16)
    for seed in range(_ROUNDS):
        order = np.random.default_rng(seed).permutation(known)
        for held in np.array_split(order, 2):
            out = np.isin(artists, held)
            model, rows = fit(heard, np.flatnonzero(~out)), judged[out[judged]]
            views = np.array([model.of(descriptor) for descriptor in heard.descriptors[0, rows]])
            clips = [model.of(descriptor) for descriptor in heard.descriptors[1, rows]]
            yield _Half(
                labels=np.array(heard.labels)[rows],
                artists=artists[rows],
                views=views,
                index=Index.build(Track(track_id=f"{n:05}", frames=frames, views=row) for n, row in enumerate(views)),
                sounds=np.array(
                    [
                        np.sum([weights[name] * apart for name, apart in kin.apart(clip, views).items()], axis=0)
                        for clip in clips
                    ]
                ),
            )


def _of_lists(
    halves: Sequence[_Half], *, count: int, name: str, liked: float = 0.0, disliked: float = 0.0
) -> dict[str, float]:
    """Ask with every clip for every genre that so many songs of are liked, or disliked, by some weight."""
    chance = np.random.default_rng(0)
    same, other = _Counted(), _Counted()
    for half in halves:
        for row, sounds in enumerate(half.sounds):
            others = half.artists != half.artists[row]
            for genre in np.unique(half.labels):
                pool = np.flatnonzero(others & (half.labels == genre))
                if len(pool) < count + _PLACES:
                    continue
                chosen = chance.choice(pool, count, replace=False)
                songs = {f"{number:05}": Song(title="", views=half.views[number]) for number in chosen}
                allowed = others.copy()
                allowed[chosen] = False
                near = (Taste(likes=songs, dislikes={}).shifts(half.index) + DISLIKED * CAP) / LIKED
                lists = [
                    np.argsort(np.where(allowed, scores, np.inf), kind="stable")[:_PLACES]
                    for scores in (sounds, sounds + (liked - disliked) * near)
                ]
                counted = same if genre == half.labels[row] else other
                plain, shifted = ((half.labels[places] == genre).mean() for places in lists)
                own = [(half.labels[places] == half.labels[row]).mean() for places in lists]
                counted.before.append(float(plain))
                counted.after.append(float(shifted))
                counted.own_lost.append(float(own[0] - own[1]))
                counted.kept.append(len({*lists[0].tolist()} & {*lists[1].tolist()}))
    little = np.array(same.before) <= _LITTLE
    return {
        f"{name}_own_genre_before": float(np.mean(same.before)),
        f"{name}_own_genre_after": float(np.mean(same.after)),
        f"{name}_own_genre_little_before": float(np.mean(np.array(same.before)[little])),
        f"{name}_own_genre_little_after": float(np.mean(np.array(same.after)[little])),
        f"{name}_other_genre_before": float(np.mean(other.before)),
        f"{name}_other_genre_after": float(np.mean(other.after)),
        f"{name}_clips_genre_lost": float(np.mean(other.own_lost)),
        f"{name}_songs_kept": float(np.mean([*same.kept, *other.kept])),
    }


def _speed() -> dict[str, float]:
    """Time shifts of many songs by many likes, beside the distances of one clip that every search computes."""
    views = np.random.default_rng(0).normal(size=(_MANY, FEATURES.views_size)).astype(np.float16)
    views[:, -len(FEATURES.views) :] = 6.0
    frames = np.zeros((1, FEATURES.n_mfcc), np.float16)
    index = Index.build(Track(track_id=str(number), frames=frames, views=row) for number, row in enumerate(views))
    taste = Taste(likes={f"other {n}": Song(title="", views=views[n]) for n in range(_TIMED_LIKES)}, dislikes={})
    took_s: dict[str, list[float]] = {"shifts": [], "one_clip": []}
    for _ in range(_TIMES + 1):
        began_s = time.perf_counter()
        taste.shifts(index)
        between_s = time.perf_counter()
        kin.apart(views[0], index.views)
        took_s["shifts"].append(between_s - began_s)
        took_s["one_clip"].append(time.perf_counter() - between_s)
    # The first compiles, and lays the views out.
    return {f"{name}_of_{_MANY}_ms": 1000 * float(np.median(times[1:])) for name, times in took_s.items()}


if __name__ == "__main__":
    main()
