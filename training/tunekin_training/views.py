"""Learn the views of a feature version from music, and say how well they rank music that they have not heard.

``python -m tunekin_training.views MUSIC --out DIR`` hears every track of a folder or CSV manifest whole, and cuts of it
through many kinds of damage. It writes ``weights.npz``, what `tunekin_featurizer.views` loads, and ``report.json``.

- Axes of ``timbre``, ``rhythm``, ``harmony`` and ``style`` are linear discriminants [1]_. Classes of the first three
  are the tracks, so that what a recording does to a track counts little. For ``style`` artists are the classes as well.
- ``feeling`` is a ridge regression of genre and emotions on random cosines, over the tracks that have both.

Figures come from folds split by artist: views are learned from the one half and rank the other.

References
----------
.. [1] R. A. Fisher, "The use of multiple measurements in taxonomic problems", Annals of Eugenics 7(2), 1936.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track as progress_bar

from tunekin.features import FEATURES
from tunekin.process_pool import process_pool
from tunekin_featurizer.descriptor import aspect_of_each, describe
from tunekin_featurizer.featurize import analyse, columns_of
from tunekin_featurizer.views import Moments, ViewModel, cosines
from tunekin_ingest.adapters.sandboxed_decoder import SandboxedDecoder
from tunekin_ingest.audio import DecodeLimits
from tunekin_training.collection import Recording, find, read
from tunekin_training.damages import cut, damages

__all__ = ["Heard", "fit", "gather", "halves", "hear", "main", "scaled_distances", "sounds"]

Floats = NDArray[np.float64]
_CUTS = 2
_SEED = 20_261_125
# Shrinks covariances towards a multiple of the identity: there are about as many numbers as tracks.
_SHRINKAGE = 0.1
# What a track deviates from its artist's mean by, beside what a recording deviates from its track by.
_WITHIN_ARTIST = 0.5
_RIDGE = 100.0
_EMOTION_WEIGHT, _GENRE_WEIGHT = 1.0, 1.5
_SMALLEST_SCALE = 1e-6


@dataclass(frozen=True, kw_only=True, eq=False)
class Heard:
    """Music as learning of views knows it.

    Attributes
    ----------
    descriptors : np.ndarray [shape=(c, n, d)]
        Of each track whole, first, and of some cuts through each kind of damage.
    artists : tuple of str [n]
        Unknown ones by a name of their own.
    labels : tuple of str [n]
        Genre; empty where unknown.
    emotions : np.ndarray [shape=(n, e)]
        Share of listeners who felt each; NaN where nobody was asked.
    """

    descriptors: Floats
    artists: tuple[str, ...]
    labels: tuple[str, ...]
    emotions: Floats

    @property
    def judged(self) -> NDArray[np.int64]:
        """Tracks with a genre and emotions."""
        has_label = np.array([bool(label) for label in self.labels])
        return np.flatnonzero(has_label & np.isfinite(self.emotions).all(axis=1) & (self.emotions.shape[1] > 0))


# --- hearing ---------------------------------------------------------------------------------------------------------


def sounds(recording: Recording, decoder: SandboxedDecoder) -> list[NDArray[np.float32]]:
    """Hear a track, and cuts of it through each kind of damage.

    Parameters
    ----------
    recording : Recording
        The track; its name decides where it is cut.
    decoder : SandboxedDecoder
        For what codecs make.

    Returns
    -------
    list of np.ndarray [shape=(n,), dtype=float32]
        The track whole, then two cuts, each through all kinds of damage in turn.
    """
    chance = np.random.default_rng([_SEED, *recording.name.encode()])
    y = read(recording)
    cuts = [cut(y, chance) for _ in range(_CUTS)]
    kinds = damages(decoder)
    return [y, *(np.asarray(damage(one, chance), np.float32) for one in cuts for damage in kinds)]


def _descriptors(recording: Recording) -> Floats:
    """Descriptors of a track and of cuts of it through each kind of damage."""
    # A decoder for each recording: a second of starting it is little beside a dozen featurizations.
    with SandboxedDecoder(DecodeLimits()) as decoder:
        heard = sounds(recording, decoder)
    return np.array([describe(columns_of(analyse(one))) for one in heard])


def hear(recordings: Sequence[Recording], *, processes: int) -> Heard:
    """Describe music, whole and damaged.

    Parameters
    ----------
    recordings : sequence of Recording
        The music.
    processes : int
        How many work at a time.

    Returns
    -------
    Heard
        In the order of the recordings.
    """
    with process_pool(processes) as pool:
        described = list(
            progress_bar(
                pool.map(_descriptors, recordings),
                total=len(recordings),
                description="listening",
                console=Console(stderr=True),
            )
        )
    return gather(recordings, described)


def gather(recordings: Sequence[Recording], described: Sequence[Floats]) -> Heard:
    """Put together what was heard.

    Parameters
    ----------
    recordings : sequence of Recording
        The music.
    described : sequence of np.ndarray [shape=(c, d)]
        Descriptors of `sounds` of each.

    Returns
    -------
    Heard
        In the same order.
    """
    names = sorted({name for recording in recordings for name in recording.emotions})
    return Heard(
        descriptors=np.stack(described, axis=1),
        artists=tuple(recording.artist or f"? {number}" for number, recording in enumerate(recordings)),
        labels=tuple(recording.label for recording in recordings),
        emotions=np.array(
            [[recording.emotions.get(name, np.nan) for name in names] for recording in recordings]
        ).reshape(len(recordings), len(names)),
    )


# --- learning --------------------------------------------------------------------------------------------------------


def fit(heard: Heard, rows: NDArray[np.int64]) -> ViewModel:
    """Learn the views.

    Parameters
    ----------
    heard : Heard
        Music.
    rows : np.ndarray [shape=(tracks,), dtype=int64]
        Tracks to learn from.

    Returns
    -------
    ViewModel
        The model.
    """
    descriptors = heard.descriptors[:, rows]
    whole = descriptors[0]
    mean, scale = whole.mean(axis=0), whole.std(axis=0) + _SMALLEST_SCALE
    bare = ViewModel(
        mean=mean, scale=scale, projections={}, cosine_mean=np.zeros(0), regression=np.zeros(0), moments={}
    )
    standard = bare.standardised(descriptors)
    artists = np.unique([heard.artists[row] for row in rows], return_inverse=True)[1]
    aspects = aspect_of_each()
    lengths = dict(FEATURES.views)
    projections: dict[str, NDArray[np.floating]] = {}
    for name, length in lengths.items():
        if name == "style":
            projections[name] = _discriminants(standard, artists, length=length, within_artist=_WITHIN_ARTIST)
        elif name != "feeling":
            chosen = np.flatnonzero(aspects == name)
            projections[name] = np.zeros((standard.shape[2], length))
            projections[name][chosen] = _discriminants(standard[:, :, chosen], None, length=length, within_artist=0.0)
    judged = np.isin(rows, heard.judged)
    cosine_mean, regression = _regression(
        standard[:, judged],
        labels=[heard.labels[row] for row in rows[judged]],
        emotions=heard.emotions[rows[judged]],
    )
    made = ViewModel(
        mean=mean, scale=scale, projections=projections, cosine_mean=cosine_mean, regression=regression, moments={}
    )
    moments = {name: Moments.of(vectors) for name, vectors in made.vectors(whole).items()}
    return ViewModel(
        mean=mean, scale=scale, projections=projections, cosine_mean=cosine_mean, regression=regression, moments=moments
    )


def _discriminants(
    standard: Floats, artists: NDArray[np.int64] | None, *, length: int, within_artist: float
) -> NDArray[np.float64]:
    """Axes along which classes differ most for what differs within: tracks, or artists where they are given."""
    tracks = standard.mean(axis=0)
    away = (standard - tracks).reshape(-1, standard.shape[2])
    within = away.T @ away / len(away)
    centres = tracks
    if artists is not None:
        count = artists.max() + 1
        centres = np.array([tracks[artists == number].mean(axis=0) for number in range(count)])
        apart = tracks - centres[artists]
        within = within + within_artist * (apart.T @ apart) / max(len(tracks) - count, 1)
    whitening = _inverse_root(within)
    between = (centres - tracks.mean(axis=0)) @ whitening
    _, axes = np.linalg.eigh(between.T @ between)
    return np.asarray(whitening @ axes[:, ::-1][:, :length], np.float64)


def _inverse_root(covariance: Floats) -> Floats:
    """Whiten by a shrunken covariance."""
    size = len(covariance)
    level = np.trace(covariance) / size
    values, axes = np.linalg.eigh((1 - _SHRINKAGE) * covariance + _SHRINKAGE * level * np.eye(size))
    return np.asarray(axes / np.sqrt(values))


def _regression(standard: Floats, *, labels: Sequence[str], emotions: Floats) -> tuple[Floats, Floats]:
    """Ridge regression of emotions and genre on random cosines, over whole tracks and damaged cuts alike."""
    names = sorted(set(labels))
    genres = np.array([[label == name for name in names] for label in labels], float)
    genres = (genres - genres.mean(axis=0)) / genres.std()
    felt = emotions / emotions.std(axis=0)
    felt = felt - felt.mean(axis=0)
    wanted = np.tile(np.column_stack([felt * _EMOTION_WEIGHT, genres * _GENRE_WEIGHT]), (len(standard), 1))
    given = cosines(standard.reshape(-1, standard.shape[2]))
    mean = given.mean(axis=0)
    given = given - mean
    weights = np.linalg.solve(
        given.T @ given / len(standard) + _RIDGE * np.eye(given.shape[1]), given.T @ wanted / len(standard)
    )
    return mean, np.asarray(weights)


# --- judging ---------------------------------------------------------------------------------------------------------


def halves(heard: Heard, *, rounds: int) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Halve the artists of judged tracks: learn from all music by nobody of one half, and rank that half.

    Parameters
    ----------
    heard : Heard
        Music.
    rounds : int
        How often; each gives two folds.

    Yields
    ------
    (np.ndarray [dtype=int64], np.ndarray [dtype=int64])
        Tracks to learn from, and judged tracks to rank.
    """
    judged = heard.judged
    artists = np.array(heard.artists)
    known = np.unique(artists[judged])
    for seed in range(rounds):
        order = np.random.default_rng(seed).permutation(known)
        for held in (order[: len(order) // 2], order[len(order) // 2 :]):
            out = np.isin(artists, held)
            yield np.flatnonzero(~out), judged[out[judged]]


def scaled_distances(
    queries: Mapping[str, Floats], tracks: Mapping[str, Floats], moments: Mapping[str, Moments]
) -> dict[str, Floats]:
    """Compute distances in every view, over the geometric mean of both reaches.

    Parameters
    ----------
    queries, tracks : mapping of str to np.ndarray [shape=(n, k)] and [shape=(m, k)]
        Vectors by view.
    moments : mapping of str to Moments
        By view.

    Returns
    -------
    dict of str to np.ndarray [shape=(n, m)]
        Distances by view.
    """
    found = {}
    for name, one in moments.items():
        q, t = queries[name], tracks[name]
        squares = (q**2).sum(axis=1)[:, None] + (t**2).sum(axis=1) - 2 * q @ t.T
        reach_q, reach_t = (np.array([one.reach(vector) for vector in vectors]) for vectors in (q, t))
        found[name] = np.sqrt(np.maximum(squares, 0)) / np.sqrt(reach_q[:, None] * reach_t)
    return found


def judge(heard: Heard, weights: Mapping[str, float], *, rounds: int) -> dict[str, float]:
    """Say how well views rank music by artists that they were not learned from.

    Parameters
    ----------
    heard : Heard
        Music.
    weights : mapping of str to float
        Of each view in the sum of distances.
    rounds : int
        How often the artists are halved; each gives two folds.

    Returns
    -------
    dict of str to float
        ``precision5`` (share of the five nearest of one's genre), ``emotion_cosine`` (mean agreement of their
        emotions) and ``never_recommended``, of whole tracks and of each kind of damage, by its number.
    """
    artists, labels = np.array(heard.artists), np.array(heard.labels)
    figures: dict[str, list[float]] = {}
    felt = np.full(heard.emotions.shape, np.nan)
    judged = heard.judged
    away = heard.emotions[judged] - heard.emotions[judged].mean(axis=0)
    away /= away.std(axis=0)
    felt[judged] = away / np.linalg.norm(away, axis=1, keepdims=True)
    for learned, ranked in halves(heard, rounds=rounds):
        model = fit(heard, learned)
        tracks = model.vectors(heard.descriptors[0, ranked])
        same = artists[ranked][:, None] == artists[ranked]
        for kind in range(len(heard.descriptors)):
            apart = scaled_distances(model.vectors(heard.descriptors[kind, ranked]), tracks, model.moments)
            total = sum(weight * apart[name] for name, weight in weights.items())
            top = np.argsort(np.where(same, np.inf, total), axis=1, kind="stable")[:, :5]
            agree = np.take_along_axis(felt[ranked] @ felt[ranked].T, top, axis=1)
            seen = np.bincount(top.ravel(), minlength=len(ranked))
            for name, value in (
                ("precision5", (labels[ranked][top] == labels[ranked][:, None]).mean()),
                ("emotion_cosine", agree.mean()),
                ("never_recommended", (seen == 0).mean()),
            ):
                figures.setdefault(f"{name}_{kind}", []).append(float(value))
    return {name: float(np.mean(values)) for name, values in figures.items()}


def main(arguments: Sequence[str] | None = None) -> None:
    """Learn, judge and write.

    Parameters
    ----------
    arguments : sequence of str or None
        Command line; the program's own unless it is given.
    """
    from tunekin_ranker.kin import WEIGHTS  # noqa: PLC0415

    parser = argparse.ArgumentParser(prog="python -m tunekin_training.views")
    parser.add_argument("music", type=Path, help="folder or CSV manifest")
    parser.add_argument("--out", type=Path, required=True, help="folder for weights and report")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3, help="how often artists are halved")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    heard = hear(find(options.music), processes=options.processes)
    np.savez(options.out / "heard.npz", descriptors=heard.descriptors)
    weights = {name: WEIGHTS[name] for name, _ in FEATURES.views}
    report = judge(heard, weights, rounds=options.rounds)
    np.savez_compressed(options.out / "weights.npz", **fit(heard, np.arange(len(heard.artists))).arrays())  # type: ignore[arg-type]
    (options.out / "report.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    sys.stdout.write(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
