"""From music that was heard to a mood model."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tunekin.features import FEATURES, FeatureVersion
from tunekin_training.cluster import agreement, cluster, order_by
from tunekin_training.corpus import Corpus, Examples, artist_numbers, examples
from tunekin_training.evaluate import (
    FOLDS,
    OutOfFold,
    class_weights,
    emotion_correlation,
    out_of_fold,
    random_emotion_correlation,
    scores,
)
from tunekin_training.export import export
from tunekin_training.label import TRAITS, Entry, LabelFile, evidence, name_moods
from tunekin_training.network import fit, predict
from tunekin_training.report import MoodReport, Report
from tunekin_training.space import mood_space

__all__ = ["Trained", "measure", "train"]

# Clusterings that are compared for the agreement between seeds: six pairs.
_SEEDS = 4
# Divisions of the artists into folds that figures are averaged over: one of them moves the accuracy by 0.01 to 0.02.
_DIVISIONS = 3
# Tracks that a report lists for a mood.
_TYPICAL = 8


@dataclass(frozen=True, kw_only=True, eq=False)
class Trained:
    """A mood model.

    Attributes
    ----------
    onnx : bytes
        The classifier.
    report : Report
        What is known about it.
    """

    onnx: bytes
    report: Report


def train(
    corpus: Corpus,
    *,
    clusters: int,
    seed: int,
    labels: LabelFile,
    version: FeatureVersion = FEATURES,
    on_step: Callable[[str], None] = lambda _: None,
) -> Trained:
    """Find moods in music, and train the classifier that recognises them.

    1. Group the tracks, once for each of several seeds, to see how far the groups depend on it; the first stays.
    2. Number the moods from what sounds on to what strikes.
    3. Put them into words.
    4. Learn on folds of the artists, divided in several ways, and measure on the artists left out.
    5. Learn on everything, for as many epochs as the folds took in the median.
    6. Export, and check the export.

    Parameters
    ----------
    corpus : Corpus
        The music.
    clusters : int
        Moods wanted.
    seed : int
        Fixes the run.
    labels : LabelFile
        Words that people wrote.
    version : FeatureVersion
        Of the summaries.
    on_step : callable
        Called with the name of each step before it begins.

    Returns
    -------
    Trained
        The same for the same corpus and seed, on the same machine and versions of its libraries.

    Raises
    ------
    OptionError
        Fewer than two moods are wanted.
    InputError
        There are too few tracks or artists.
    """
    space = mood_space(version)
    points = space.points(corpus.summaries)
    # Step 1
    partitions = []
    for i in range(_SEEDS):
        on_step(f"clustering {i + 1} of {_SEEDS}")
        partitions.append(cluster(points, clusters=clusters, seed=seed + i))
    # Step 2
    tracks = evidence(corpus.summaries, version=version)
    percussive = [trait.name for trait in TRAITS].index("percussive_share")
    moods = order_by(tracks[:, percussive], groups=partitions[0])
    # Step 3
    emotions = dict(zip(corpus.emotion_names, corpus.emotions.T, strict=True))
    words = name_moods(tracks, groups=moods, entries=labels.mood, emotions=emotions)
    # Step 4
    epochs: list[int] = []

    def learn(learnt: Examples, valid: Examples) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
        on_step(f"fold {len(epochs) + 1} of {_DIVISIONS * FOLDS}")
        fitted = fit(learnt, space=space, moods=clusters, seed=seed, valid=valid)
        epochs.append(fitted.epochs)
        return lambda summaries: predict(fitted.network, summaries)

    predicted = [out_of_fold(corpus, moods=moods, seed=seed + i, learn=learn) for i in range(_DIVISIONS)]
    # Step 5
    on_step("learning from everything")
    every = examples(
        corpus, moods=moods, rows=np.arange(len(moods)), class_weights=class_weights(moods, count=clusters)
    )
    fitted = fit(every, space=space, moods=clusters, seed=seed, epochs=round(float(np.median(epochs))))
    # Step 6
    on_step("exporting")
    exported = export(fitted.network, summaries=corpus.summaries)
    measured = [measure(corpus, moods=moods, predicted=one, seed=seed) for one in predicted]
    metrics = {name: float(np.mean([figures[name] for figures in measured])) for name in measured[0]}
    metrics |= {"ari_seeds": agreement(partitions), "onnx_max_difference": exported.max_difference}
    report = Report(
        tracks=len(moods),
        artists=len(np.unique(artist_numbers(corpus.artists))),
        licences=dict(Counter(filter(None, corpus.licences)).most_common()),
        cuts_per_track=corpus.clean_cuts.shape[1] + corpus.noisy_cuts.shape[1],
        seed=seed,
        epochs=fitted.epochs,
        divisions=_DIVISIONS,
        metrics=metrics,
        moods=_mood_reports(
            corpus, moods=moods, words=words, predicted=predicted, sure=predict(fitted.network, corpus.summaries)
        ),
    )
    return Trained(onnx=exported.onnx, report=report)


def measure(corpus: Corpus, *, moods: NDArray[np.int64], predicted: OutOfFold, seed: int) -> dict[str, float]:
    """Measure moods and their classifier.

    Parameters
    ----------
    corpus : Corpus
        The music.
    moods : np.ndarray [shape=(n,), dtype=int64]
        Mood of each track, as clustering found it.
    predicted : OutOfFold
        Predictions by models that never heard the artist.
    seed : int
        Of the random groups.

    Returns
    -------
    dict of str to float
        ``dnn_accuracy``, ``dnn_macro_f1``, ``dnn_loss`` on whole tracks; ``largest_share``, the accuracy of always
        saying the largest mood. Where there are cuts: ``clip_mood_agreement_clean`` and ``_noise20``, how often a cut
        gets the mood that the same model gives its whole track; ``clip_accuracy_clean`` and ``_noise20``, how often it
        gets the mood that clustering gave the track. Where emotions are known: ``mood_emotion_correlation`` and
        ``mood_emotion_correlation_random``.
    """
    found = {f"dnn_{name}": value for name, value in scores(moods, predicted.tracks).items()}
    found["largest_share"] = float(np.bincount(moods).max() / len(moods))
    of_track = predicted.tracks.argmax(axis=1)[:, np.newaxis]
    for kind, cuts in (("clean", predicted.clean_cuts), ("noise20", predicted.noisy_cuts)):
        if cuts.shape[1]:
            of_cut = cuts.argmax(axis=2)
            found[f"clip_mood_agreement_{kind}"] = float(np.mean(of_cut == of_track))
            found[f"clip_accuracy_{kind}"] = float(np.mean(of_cut == moods[:, np.newaxis]))
    artists = artist_numbers(corpus.artists)
    felt = emotion_correlation(moods, emotions=corpus.emotions, artists=artists)
    by_chance = random_emotion_correlation(moods, emotions=corpus.emotions, artists=artists, seed=seed)
    if felt is not None and by_chance is not None:
        found |= {"mood_emotion_correlation": felt, "mood_emotion_correlation_random": by_chance}
    return found


def _mood_reports(
    corpus: Corpus,
    *,
    moods: NDArray[np.int64],
    words: tuple[Entry, ...],
    predicted: Sequence[OutOfFold],
    sure: NDArray[np.float32],
) -> tuple[MoodReport, ...]:
    """Say what is known about each mood."""
    artists = artist_numbers(corpus.artists)
    right = np.mean([one.tracks.argmax(axis=1) == moods for one in predicted], axis=0)
    reports = []
    for mood, entry in enumerate(words):
        rows = np.flatnonzero(moods == mood)
        typical = rows[np.argsort(-sure[rows, mood], kind="stable")][:_TYPICAL]
        reports.append(
            MoodReport(
                id=mood,
                words=entry,
                tracks=len(rows),
                artists=len(np.unique(artists[rows])),
                recall=float(right[rows].mean()),
                typical=tuple(corpus.names[row] for row in typical),
            )
        )
    return tuple(reports)
