"""Kin by a network that learns from the catalogue's own sound, alone and beside the views.

``make bench-contrast MANIFEST=FILE.csv`` takes labelled music, as the scorecard does, in the environment of training.
Artists are halved twice; what is learned from one half ranks tracks of the other (`tunekin_training.views.halves`), and
neither own song nor own artist counts. Queries are whole tracks, clean cuts of 6 s (``_clips``), and cuts through ten
kinds of damage (``_damaged``).

=====================  =========================================================================================
row                    distance
=====================  =========================================================================================
``views``              the views, learned from the one half
``contrast``           the network, learned from the one half
``fused_W``            the sum of both, the network's distance weighed by W beside 3.1 for all views
``fused_chosen``       the same, W chosen for each fold among 0 and the others, by halves within what is learned from
``bare``               the views that take no labels, so without ``feeling``
``bare_fused_1``       these and the network
``catalogue``          the network, learned from all tracks, those that are ranked included: it sees no labels, so an
                       operator may do so, but it is not held out
``catalogue_fused_1``  this and the views, which are held out
=====================  =========================================================================================

Each row has the figures of `benchmarks.quality`, and ``gain_ROW_FIGURE``: its mean difference from ``views``.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress, TaskID

from benchmarks import report
from benchmarks.quality import metrics
from tunekin.features import FEATURES
from tunekin_featurizer.views import Moments
from tunekin_ranker.kin import WEIGHTS
from tunekin_training.collection import Recording, find
from tunekin_training.contrast import learn_step
from tunekin_training.pictures import hear_step
from tunekin_training.steps import Steps
from tunekin_training.views import Heard, fit, gather, halves, scaled_distances

_SEED = 20_261_129
_K = 5
_WEIGHTS = (0.5, 1.0, 2.0)
# What is heard of a track (`tunekin_training.views.sounds`): whole, then two cuts through ten kinds of damage each.
_KINDS = 10
_QUERIES: Mapping[str, tuple[int, ...]] = {
    "": (0,),
    "_clips": (1, 1 + _KINDS),
    "_damaged": tuple(range(1, 1 + 2 * _KINDS)),
}

_Floats = NDArray[np.float64]
_Rows = NDArray[np.int64]
_TINY = 1e-9
_ALL: Mapping[str, float] = {name: WEIGHTS[name] for name, _ in FEATURES.views}
_BARE: Mapping[str, float] = {name: weight for name, weight in _ALL.items() if name != "feeling"}


@dataclass(frozen=True, kw_only=True, eq=False)
class Music:
    """What was heard.

    Attributes
    ----------
    heard : Heard
        Descriptors, and what is known of the tracks.
    whole : tuple of np.ndarray [shape=(bands, columns), dtype=uint8]
        Pictures of the tracks.
    asked : tuple of np.ndarray [shape=(cuts, bands, columns), dtype=uint8]
        Of the cuts that have descriptors, track by track.
    learnt : np.ndarray [shape=(tracks, cuts, bands, columns), dtype=uint8]
        Of cuts to learn from.
    """

    heard: Heard
    whole: tuple[NDArray[np.uint8], ...]
    asked: tuple[NDArray[np.uint8], ...]
    learnt: NDArray[np.uint8]


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.contrast")
    parser.add_argument("--manifest", type=Path, required=True, help="CSV with file, artist, label and emotions")
    parser.add_argument("--rounds", type=int, default=2, help="how often artists are halved")
    parser.add_argument("--steps", type=int, default=200, help="batches that a network learns from")
    parser.add_argument("--workers", type=int, default=2, help="processes")
    options = parser.parse_args()
    recordings = find(options.manifest)
    with Progress() as progress:
        bars: dict[str, TaskID] = {}

        def show(title: str, done: int, total: int) -> None:
            if title not in bars:
                bars[title] = progress.add_task(title)
            progress.update(bars[title], completed=done, total=total)

        steps = Steps(report.OUT / "contrast", workers=options.workers, on_step=show)
        music = _hear(recordings, steps)
        figures = compare(music, rounds=options.rounds, batches=options.steps, steps=steps)
    report.show(f"contrast, on {len(recordings)} tracks of {options.manifest.name}", figures)
    print(report.write("contrast", figures))


def _hear(recordings: Sequence[Recording], steps: Steps) -> Music:
    tasks = []
    for recording in recordings:
        with recording.path.open("rb") as file:
            tasks.append((str(recording.path), file_digest(file, "sha256").hexdigest(), recording.name))
    parts = steps.run("listening", hear_step, tasks)
    width = min(part["learnt"].shape[2] for part in parts)
    return Music(
        heard=gather(recordings, [part["descriptors"] for part in parts]),
        whole=tuple(part["whole"] for part in parts),
        asked=tuple(part["asked"] for part in parts),
        learnt=np.stack([part["learnt"][:, :, :width] for part in parts]),
    )


def compare(music: Music, *, rounds: int, batches: int, steps: Steps) -> dict[str, float]:
    """Learn from halves, rank the others, and say how well each row does.

    1. Halve the artists; of each half that is learned from, halve the artists once more, to choose a weight by.
    2. Learn the views and networks of all of these, and one network from all tracks.
    3. Choose a weight for each fold by what it does within what is learned from.
    4. Judge every row on what was not learned from.

    Parameters
    ----------
    music : Music
        What was heard.
    rounds : int
        How often artists are halved.
    batches : int
        That a network learns from.
    steps : Steps
        Runs and keeps what takes long.

    Returns
    -------
    dict of str to float
        Figures by name.
    """
    heard = music.heard
    # Step 1
    folds = list(halves(heard, rounds=rounds))
    within = [_within(heard, learned) for learned, _ in folds]
    # Step 2
    networks = _networks(music, folds, title="learning from halves", batches=batches, steps=steps)
    every = np.arange(len(heard.artists)), heard.judged
    (of_all,) = _networks(music, [every], title="learning from all", batches=batches, steps=steps)
    catalogue = [of_all[:, place][:, :, place] for place in (np.searchsorted(heard.judged, rows) for _, rows in folds)]
    views = [_views(heard, learned, ranked) for learned, ranked in folds]
    # Step 3
    trials = _networks(music, within, title="learning from quarters", batches=batches, steps=steps)
    chosen = [_choose(heard, fold, trial) for fold, trial in zip(within, trials, strict=True)]
    # Step 4
    both = list(zip(views, networks, strict=True))
    rows = {
        "views": [_total(apart, _ALL) for apart in views],
        "contrast": networks,
        **{f"fused_{w:g}": [_total(apart, _ALL) + w * network for apart, network in both] for w in _WEIGHTS},
        "fused_chosen": [_total(apart, _ALL) + w * network for (apart, network), w in zip(both, chosen, strict=True)],
        "bare": [_total(apart, _BARE) for apart in views],
        "bare_fused_1": [_total(apart, _BARE) + network for apart, network in both],
        "catalogue": catalogue,
        "catalogue_fused_1": [_total(apart, _ALL) + network for apart, network in zip(views, catalogue, strict=True)],
    }
    figures: dict[str, float] = {f"chosen_weight_{i}": weight for i, weight in enumerate(chosen)}
    ranked = [tracks for _, tracks in folds]
    reference = _judge(heard, ranked, rows["views"])
    for row, apart in rows.items():
        figures |= _figures(heard, row, _judge(heard, ranked, apart), reference)
        figures |= _hubs(ranked, row, apart, heard)
    return figures


# --- distances: [sounds of a track, queries, tracks], the first sound being the track whole ---------------------------


def _views(heard: Heard, learned: _Rows, ranked: _Rows) -> dict[str, _Floats]:
    """Distances in each view."""
    model = fit(heard, learned)
    tracks = model.vectors(heard.descriptors[0, ranked])
    each = [scaled_distances(model.vectors(one), tracks, model.moments) for one in heard.descriptors[:, ranked]]
    return {name: np.array([apart[name] for apart in each]) for name in model.moments}


def _total(apart: Mapping[str, _Floats], weights: Mapping[str, float]) -> _Floats:
    return np.asarray(sum(weight * apart[name] for name, weight in weights.items()))


def _networks(
    music: Music, folds: Sequence[tuple[_Rows, _Rows]], *, title: str, batches: int, steps: Steps
) -> list[_Floats]:
    """Distances by the network that learned from each fold."""
    tasks = []
    for learned, ranked in folds:
        cuts = [cut for row in ranked for cut in music.asked[row]]
        sounds = [*(music.whole[row] for row in learned), *(music.whole[row] for row in ranked), *cuts]
        tasks.append((music.learnt[learned], sounds, _SEED, batches))
    found = steps.run(title, learn_step, tasks)
    return [_apart(one["vectors"], *fold) for one, fold in zip(found, folds, strict=True)]


def _apart(vectors: _Floats, learned: _Rows, ranked: _Rows) -> _Floats:
    """Distances of standardised directions, over the geometric mean of both reaches, as those of views are."""
    known = vectors[: len(learned)]
    standard = (vectors - known.mean(axis=0)) / (known.std(axis=0) + _TINY)
    directions = standard / np.linalg.norm(standard, axis=1, keepdims=True)
    known, whole, cuts = np.split(directions, (len(learned), len(learned) + len(ranked)))
    moments = {"contrast": Moments.of(known)}
    sounds = [whole, *cuts.reshape(len(ranked), -1, whole.shape[1]).swapaxes(0, 1)]
    return np.array([scaled_distances({"contrast": one}, {"contrast": whole}, moments)["contrast"] for one in sounds])


def _within(heard: Heard, rows: _Rows) -> tuple[_Rows, _Rows]:
    """Halve the artists of some tracks; the first of both folds, by the numbers of all tracks."""
    part = Heard(
        descriptors=heard.descriptors[:, rows],
        artists=tuple(heard.artists[row] for row in rows),
        labels=tuple(heard.labels[row] for row in rows),
        emotions=heard.emotions[rows],
    )
    learned, ranked = next(iter(halves(part, rounds=1)))
    return rows[learned], rows[ranked]


def _choose(heard: Heard, fold: tuple[_Rows, _Rows], network: _Floats) -> float:
    """Say how much the network's distance should count beside the views, which may be not at all."""
    total = _total(_views(heard, *fold), _ALL)
    return max((0.0, *_WEIGHTS), key=lambda weight: _merit(heard, fold[1], total + weight * network))


# --- judging ---------------------------------------------------------------------------------------------------------


def _lists(heard: Heard, ranked: _Rows, apart: _Floats) -> NDArray[np.int64]:
    """Five nearest by other artists: [sounds, queries, 5], by the numbers of all tracks."""
    artists = np.array(heard.artists)[ranked]
    others = np.where(artists[:, None] == artists, np.inf, apart)
    return np.asarray(ranked[np.argsort(others, axis=2, kind="stable")[:, :, :_K]])


def _values(heard: Heard, ranked: _Rows, apart: _Floats) -> dict[str, _Floats]:
    """Both measures of every list: [sounds, queries]."""
    labels = np.array(heard.labels)
    judged = np.isin(np.arange(len(labels)), heard.judged)
    directions = metrics.standardised(np.where(judged[:, None], heard.emotions, np.nan))
    lists = _lists(heard, ranked, apart)
    return {
        "precision5": np.array([metrics.precision(one, labels=labels, wanted=labels[ranked]) for one in lists]),
        "emotion_cosine": np.array(
            [metrics.emotion_cosine(one, directions=directions, wanted=directions[ranked]) for one in lists]
        ),
    }


def _judge(heard: Heard, ranked: Sequence[_Rows], apart: Sequence[_Floats]) -> dict[str, _Floats]:
    """Mean of each measure over the rounds: [sounds, judged tracks]."""
    found = [_values(heard, rows, distances) for rows, distances in zip(ranked, apart, strict=True)]
    order = np.concatenate(ranked)
    means = {}
    for name in found[0]:
        values = np.concatenate([one[name] for one in found], axis=1)
        means[name] = np.array([values[:, order == track].mean(axis=1) for track in heard.judged]).T
    return means


def _merit(heard: Heard, ranked: _Rows, apart: _Floats) -> float:
    """Say how good a ranking is, whole tracks counting as much as all cuts: both measures added."""
    values = _values(heard, ranked, apart)
    return float(sum(one[0].mean() + one[1:].mean() for one in values.values()))


def _figures(
    heard: Heard, row: str, found: Mapping[str, _Floats], reference: Mapping[str, _Floats]
) -> dict[str, float]:
    """Means with their intervals, and how far they are from the reference's."""
    artists = np.array(heard.artists)[heard.judged]
    figures: dict[str, float] = {}
    for name, values in found.items():
        for suffix, sounds in _QUERIES.items():
            chosen, other = (one[list(sounds)].mean(axis=0) for one in (values, reference[name]))
            for title, each in ((f"{row}_{name}{suffix}", chosen), (f"gain_{row}_{name}{suffix}", chosen - other)):
                figures[title] = float(each.mean())
                interval = metrics.bootstrap_interval(each, groups=artists)
                if interval is not None:
                    figures[f"{title}_low"], figures[f"{title}_high"] = interval
    return figures


def _hubs(ranked: Sequence[_Rows], row: str, apart: Sequence[_Floats], heard: Heard) -> dict[str, float]:
    """Say how unevenly whole tracks recommend each other, in the mean over the folds."""
    counts = []
    for rows, distances in zip(ranked, apart, strict=True):
        seen = metrics.occurrences(_lists(heard, rows, distances[:1])[0], tracks=len(heard.artists))
        counts.append(seen[rows])
    return {
        f"{row}_never_recommended": float(np.mean([(one == 0).mean() for one in counts])),
        f"{row}_largest_hub": float(np.mean([one.max() for one in counts])),
        f"{row}_hubness_skewness": float(np.mean([metrics.skewness(one) for one in counts])),
    }


if __name__ == "__main__":
    main()
