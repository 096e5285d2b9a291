"""From music that was heard to a mood model."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import silhouette_score

from tunekin.features import FEATURES, FeatureVersion
from tunekin_training.cluster import (
    agreement,
    check,
    divide,
    draw_maps,
    elbow,
    memberships,
    order_by,
    standardise,
)
from tunekin_training.corpus import Corpus, artist_numbers, examples
from tunekin_training.evaluate import (
    Fold,
    OutOfFold,
    calibration,
    class_weights,
    confusion,
    correlation,
    emotion_correlation,
    folds,
    held_out_correlation,
    interval,
    out_of_fold,
    random_emotion_correlation,
    scores,
)
from tunekin_training.export import export
from tunekin_training.label import TRAITS, Entry, LabelFile, evidence, name_moods
from tunekin_training.learn_network import learn_network
from tunekin_training.learn_trees import learn_trees
from tunekin_training.lens import Lens, borrowed, fit_lens
from tunekin_training.network import fit, predict
from tunekin_training.report import Curves, Judged, MoodReport, Place, Report
from tunekin_training.space import mood_space
from tunekin_training.steps import Steps

__all__ = ["Trained", "measure", "train"]

# Clusterings that are compared for the agreement between seeds: six pairs.
_SEEDS = 4
# Divisions of the artists into folds that figures are averaged over: of a few hundred tracks, one moves the accuracy by
# 0.01 to 0.02; of many, one is enough.
_DIVISIONS, _MANY_TRACKS = 2, 2_000
# Maps of a fold, whose moods only have to be good enough to see whether listeners agree with them.
_FOLD_MAPS = 4
# Tracks that a report lists for a mood.
_TYPICAL = 8
# Shares of the artists that the learning curve is drawn from.
_SHARES = (0.25, 0.5)
_RANDOM_DRAWS = 50
# Of the artists that intervals are drawn from; they differ by less than what they say.
_DRAWS_SEED = 0
# Of plain K-means, whose groups depend on where it starts.
_PLAIN_STARTS = 5
# Silhouettes of more tracks take long, and say the same.
_SILHOUETTE_TRACKS = 2_000


@dataclass(frozen=True, kw_only=True, eq=False)
class Trained:
    """A mood model.

    Attributes
    ----------
    onnx : bytes
        The classifier.
    lens : Lens
        What its moods were looked for through.
    report : Report
        What is known about it.
    """

    onnx: bytes
    lens: Lens
    report: Report


@dataclass(frozen=True, kw_only=True, eq=False)
class _Music:
    """A corpus as the lens looks at it."""

    corpus: Corpus
    points: NDArray[np.float32]
    cuts: NDArray[np.float32]
    summary_names: tuple[str, ...]

    def lens(self, rows: NDArray[np.int64]) -> Lens:
        """Grind a lens on some tracks; where nothing is known of them but their summaries, borrow one."""
        bare = not self.cuts.shape[1] and np.isnan(self.corpus.emotions).all()
        lent = borrowed(self.points[rows], summary_names=self.summary_names) if bare else None
        return lent or fit_lens(self.points[rows], cuts=self.cuts[rows], emotions=self.corpus.emotions[rows])


def train(
    corpus: Corpus,
    *,
    clusters: int | None,
    seed: int,
    labels: LabelFile,
    steps: Steps,
    version: FeatureVersion = FEATURES,
) -> Trained:
    """Find moods in music, and train the classifier that recognises them.

    1. Look at the tracks through a lens that was ground on them, and draw maps of what is seen, for several seeds.
    2. Find how many moods there are, unless that is said.
    3. Divide the tracks, once for each seed, to see how far the groups depend on it; the first stays.
    4. Number the moods from what sounds on to what strikes, and put them into words.
    5. Let network and trees learn on folds of the artists, divided in several ways, and ask them about the others.
    6. Find moods anew without each fold's artists, to see whether listeners agree with what they are given.
    7. Learn on everything, for as many passes as the folds took in the median.
    8. Export, and check the export.

    Parameters
    ----------
    corpus : Corpus
        The music.
    clusters : int or None
        Moods wanted; unset, where the elbow is.
    seed : int
        Fixes the run.
    labels : LabelFile
        Words that people wrote.
    steps : Steps
        Runs what takes long.
    version : FeatureVersion
        Of the summaries.

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
    check(len(corpus.names), clusters=2 if clusters is None else clusters)
    artists = artist_numbers(corpus.artists)
    folds(artists, seed=seed)
    music = _music(corpus, version=version)
    every = np.arange(len(corpus.names))
    # Step 1
    lens = music.lens(every)
    places = lens.look(music.points)
    atlases = draw_maps(places, seeds=[seed + i for i in range(_SEEDS)], steps=steps)
    # Step 2
    bend = elbow(atlases[0], seed=seed)
    count = clusters or bend.clusters
    # Step 3
    partitions = [divide(atlas, clusters=count, seed=seed + i) for i, atlas in enumerate(atlases)]
    # Step 4
    tracks = evidence(corpus.summaries, version=version)
    percussive = [trait.name for trait in TRAITS].index("percussive_share")
    moods = order_by(tracks[:, percussive], groups=partitions[0])
    shares = memberships(atlases[0], groups=moods)
    emotions = dict(zip(corpus.emotion_names, corpus.emotions.T, strict=True))
    words = name_moods(tracks, groups=moods, entries=labels.mood, emotions=emotions)
    # Step 5
    divisions = _DIVISIONS if len(moods) <= _MANY_TRACKS else 1
    network, trees = (
        [
            out_of_fold(
                corpus,
                moods=moods,
                memberships=shares,
                seed=seed + i,
                learn=learn,
                title=title,
                steps=steps,
                grind=music.lens,
            )
            for i in range(divisions)
        ]
        for learn, title in ((learn_network, "training the network"), (learn_trees, "training the yardstick"))
    )
    learning = {
        f"{share:.2f}": scores(
            moods,
            out_of_fold(
                corpus,
                moods=moods,
                memberships=shares,
                seed=seed,
                learn=learn_network,
                title="learning from less",
                steps=steps,
                share=share,
                grind=music.lens,
            ).tracks,
        )["accuracy"]
        for share in _SHARES
    }
    measured = [
        measure(corpus, moods=moods, network=one, trees=other) for one, other in zip(network, trees, strict=True)
    ]
    metrics = {name: float(np.mean([figures[name] for figures in measured])) for name in measured[0]}
    learning["1.00"] = scores(moods, network[0].tracks)["accuracy"]
    # Step 6
    metrics |= _agreement_with_listeners(music, moods=moods, clusters=count, seed=seed, steps=steps)
    # Step 7
    notes = [note for one in network for note in one.notes]
    fitted = fit(
        examples(
            corpus,
            moods=moods,
            memberships=shares,
            rows=every,
            class_weights=class_weights(moods, count=count),
        ),
        space=mood_space(version),
        lens=lens,
        moods=count,
        seed=seed,
        epochs=max(round(float(np.median([note["epochs"] for note in notes]))), 1),
        temperature=float(np.median([note["temperature"] for note in notes])),
    )
    # Step 8
    exported = export(fitted.network, summaries=corpus.summaries)
    metrics |= _stability(music, places=places, partitions=partitions, clusters=count, seed=seed)
    metrics["onnx_max_difference"] = exported.max_difference
    sure = predict(fitted.network, corpus.summaries)
    report = Report(
        tracks=len(moods),
        artists=len(np.unique(artists)),
        licences=dict(Counter(filter(None, corpus.licences)).most_common()),
        cuts_per_track=corpus.cuts.shape[1],
        felt_tracks=int((~np.isnan(corpus.emotions).any(axis=1)).sum()) if corpus.emotion_names else 0,
        lens_felt=lens.felt,
        lens_borrowed=lens.borrowed,
        seed=seed,
        epochs=fitted.epochs,
        divisions=divisions,
        metrics=metrics,
        inertias=bend.inertias,
        elbow=bend.clusters if bend.clear else None,
        stability=tuple(tuple(agreement([one, other]) for other in partitions) for one in partitions),
        judged={"dnn": _judged(moods, network), "xgboost": _judged(moods, trees)},
        curves=tuple(_curves(note["curves"]) for note in network[0].notes),
        learning=learning,
        moods=_mood_reports(corpus, moods=moods, words=words, predicted=network, sure=sure),
        places=_places(corpus, atlas=atlases[0], moods=moods, sure=sure),
    )
    return Trained(onnx=exported.onnx, lens=lens, report=report)


def measure(corpus: Corpus, *, moods: NDArray[np.int64], network: OutOfFold, trees: OutOfFold) -> dict[str, float]:
    """Measure how well moods are recognised.

    Parameters
    ----------
    corpus : Corpus
        The music.
    moods : np.ndarray [shape=(n,), dtype=int64]
        Mood of each track, as clustering found it.
    network, trees : OutOfFold
        Predictions by models that never heard the artist.

    Returns
    -------
    dict of str to float
        ``dnn_`` and ``xgboost_`` with each of ``accuracy``, ``macro_f1``, ``loss`` and ``calibration_error``, on whole
        tracks; ``largest_share``, the accuracy of always saying the largest mood. Where there are cuts, for each
        condition: ``clip_mood_agreement_``, how often a cut gets the mood that the same network gives its whole track;
        ``clip_accuracy_``, how often it gets the mood that clustering gave the track; ``clip_calibration_error_``, how
        far the network's certainty is from that. ``_low`` and ``_high`` are the ends of the 95 % intervals of the
        accuracies on tracks and of the agreements, over draws of artists.
    """
    artists = artist_numbers(corpus.artists)
    found: dict[str, float] = {}
    for name, predicted in (("dnn", network), ("xgboost", trees)):
        found |= {f"{name}_{figure}": value for figure, value in scores(moods, predicted.tracks).items()}
        found[f"{name}_calibration_error"] = calibration(moods, predicted.tracks)[1]
        found |= _ends(f"{name}_accuracy", predicted.tracks.argmax(axis=1) == moods, artists=artists)
    found["largest_share"] = float(np.bincount(moods).max() / len(moods))
    of_track = network.tracks.argmax(axis=1)[:, np.newaxis]
    for condition in corpus.asked_cuts:
        of_cut = network.cuts[condition].argmax(axis=2)
        found[f"clip_mood_agreement_{condition}"] = float(np.mean(of_cut == of_track))
        found |= _ends(f"clip_mood_agreement_{condition}", (of_cut == of_track).mean(axis=1), artists=artists)
        found[f"clip_accuracy_{condition}"] = float(np.mean(of_cut == moods[:, np.newaxis]))
        cuts = network.cuts[condition]
        truth = np.repeat(moods, cuts.shape[1])
        found[f"clip_calibration_error_{condition}"] = calibration(truth, cuts.reshape(len(truth), -1))[1]
    return found


def _ends(name: str, shares: NDArray[Any], *, artists: NDArray[np.int64]) -> dict[str, float]:
    """Name the ends of a figure's interval."""
    low, high = interval(shares, artists=artists, seed=_DRAWS_SEED)
    return {f"{name}_low": low, f"{name}_high": high}


def _music(corpus: Corpus, *, version: FeatureVersion) -> _Music:
    """Place tracks and cuts in mood space."""
    space = mood_space(version)
    cuts = space.points(corpus.cuts.reshape(-1, corpus.summaries.shape[1]))
    return _Music(
        corpus=corpus,
        points=space.points(corpus.summaries),
        cuts=cuts.reshape(*corpus.cuts.shape[:2], space.size),
        summary_names=version.summary_names,
    )


def _agreement_with_listeners(
    music: _Music, *, moods: NDArray[np.int64], clusters: int, seed: int, steps: Steps
) -> dict[str, float]:
    """Compare what listeners felt with the moods that their tracks get from models that never heard the artist.

    1. Leave out the artists of a fold: grind the lens, draw the maps and find the moods without them.
    2. Train a network on these moods, and ask it about the tracks left out.
    3. A mood lets expect the mean of its tracks' emotions; compare with those of the track itself, and with what the
       same moods would let expect if chance gave them.
    """
    corpus = music.corpus
    artists = artist_numbers(corpus.artists)
    inside = emotion_correlation(moods, emotions=corpus.emotions, artists=artists)
    by_chance = random_emotion_correlation(moods, emotions=corpus.emotions, artists=artists, seed=seed)
    if inside is None or by_chance is None:
        return {}
    figures = {"mood_emotion_correlation_inside": inside, "mood_emotion_correlation_inside_random": by_chance}
    divided = folds(artists, seed=seed)
    tasks, means = [], []
    for i, held_out in enumerate(divided):
        # Step 1
        rows = np.setdiff1d(np.arange(len(artists)), held_out)
        lens = music.lens(rows)
        places = lens.look(music.points[rows])
        (atlas,) = draw_maps(places, seeds=[seed], steps=steps, maps=_FOLD_MAPS)
        groups, shares = np.zeros(len(artists), np.int64), np.zeros((len(artists), clusters), np.float32)
        groups[rows] = divide(atlas, clusters=clusters, seed=seed)
        shares[rows] = memberships(atlas, groups=groups[rows])
        means.append(_mean_emotions(corpus.emotions[rows], groups=groups[rows], count=clusters))
        # Step 2
        valid = divided[(i + 1) % len(divided)]
        weights = class_weights(groups[rows], count=clusters)
        learnt, watched = (
            examples(corpus, moods=groups, memberships=shares, rows=part, class_weights=weights)
            for part in (np.setdiff1d(rows, valid), valid)
        )
        asked = corpus.summaries[held_out]
        fold = Fold(learnt=learnt, valid=watched, asked=asked, moods=clusters, seed=seed, lens=lens)
        tasks.append((fold,))
    given = [result["probabilities"].argmax(axis=1) for result in steps.run("asking listeners", learn_network, tasks)]
    # Step 3
    expected = np.full_like(corpus.emotions, np.nan)
    for held_out, mean, mood in zip(divided, means, given, strict=True):
        expected[held_out] = mean[mood]
    found = held_out_correlation(corpus.emotions, expected, artists=artists, seed=seed)
    if found is None:
        return figures
    chance = np.random.default_rng(seed)
    random = []
    for _ in range(_RANDOM_DRAWS):
        for held_out, mean, mood in zip(divided, means, given, strict=True):
            expected[held_out] = mean[chance.permutation(mood)]
        random.append(correlation(corpus.emotions, expected) or 0.0)
    return {
        "mood_emotion_correlation": found[0],
        "mood_emotion_correlation_low": found[1],
        "mood_emotion_correlation_high": found[2],
        "mood_emotion_correlation_random": float(np.mean(random)),
        "mood_emotion_correlation_mfcc": _correlation_of_mfcc(corpus, divided=divided, clusters=clusters, seed=seed),
        **figures,
    }


def _correlation_of_mfcc(
    corpus: Corpus,
    *,
    divided: Sequence[NDArray[np.int64]],
    clusters: int,
    seed: int,
    version: FeatureVersion = FEATURES,
) -> float:
    """Compute the same for the simplest moods there are: K-means on mean MFCC, a track's mood being the nearest."""
    columns = [version.summary_names.index(f"mfcc_{i}_mean") for i in range(version.n_mfcc)]
    mfcc = corpus.summaries[:, columns].astype(np.float64)
    found = []
    for start in range(_PLAIN_STARTS):
        expected = np.full_like(corpus.emotions, np.nan)
        for held_out in divided:
            rows = np.setdiff1d(np.arange(len(mfcc)), held_out)
            groups = divide(mfcc[rows], clusters=clusters, seed=seed + start)
            centres = np.array([mfcc[rows][groups == group].mean(axis=0) for group in range(clusters)])
            nearest = ((mfcc[held_out, np.newaxis] - centres) ** 2).sum(axis=2).argmin(axis=1)
            expected[held_out] = _mean_emotions(corpus.emotions[rows], groups=groups, count=clusters)[nearest]
        found.append(correlation(corpus.emotions, expected) or 0.0)
    return float(np.mean(found))


def _mean_emotions(emotions: NDArray[np.float64], *, groups: NDArray[np.int64], count: int) -> NDArray[np.float64]:
    """Mean emotions of each group; of one that nobody was asked about, those of all tracks."""
    known = ~np.isnan(emotions).any(axis=1)
    overall = emotions[known].mean(axis=0)
    return np.array(
        [
            emotions[known & (groups == group)].mean(axis=0) if (known & (groups == group)).any() else overall
            for group in range(count)
        ]
    )


def _stability(
    music: _Music,
    *,
    places: NDArray[np.float64],
    partitions: Sequence[NDArray[np.int64]],
    clusters: int,
    seed: int,
) -> dict[str, float]:
    """Say how far moods depend on chance, on the maps and on the lens."""
    unmapped, unseen = (divide(where, clusters=clusters, seed=seed) for where in (places, standardise(music.points)))
    sample = min(len(places), _SILHOUETTE_TRACKS)
    return {
        "ari_seeds": agreement(partitions),
        "ari_without_maps": agreement([partitions[0], unmapped]),
        "ari_without_lens": agreement([partitions[0], unseen]),
        "silhouette": float(silhouette_score(places, partitions[0], sample_size=sample, random_state=seed)),
        "silhouette_without_maps": float(silhouette_score(places, unmapped, sample_size=sample, random_state=seed)),
    }


def _judged(moods: NDArray[np.int64], predicted: Sequence[OutOfFold]) -> Judged:
    """Count confusions, and compare certainty with truth, over all divisions."""
    truth = np.tile(moods, len(predicted))
    probabilities = np.concatenate([one.tracks for one in predicted])
    bins, _ = calibration(truth, probabilities)
    return Judged(
        confusion=tuple(map(tuple, confusion(truth, probabilities).tolist())),
        calibration=tuple(tuple(row) for row in bins.tolist() if row[0]),
    )


def _curves(curves: NDArray[np.float64]) -> Curves:
    loss, valid_loss, valid_accuracy = (tuple(column) for column in curves.T.tolist())
    return Curves(loss=loss, valid_loss=valid_loss, valid_accuracy=valid_accuracy)


def _places(
    corpus: Corpus, *, atlas: NDArray[np.float64], moods: NDArray[np.int64], sure: NDArray[np.float32]
) -> tuple[Place, ...]:
    """Put every track on the first map."""
    return tuple(
        Place(name=name, x=round(x, 4), y=round(y, 4), mood=mood, probability=round(float(row[mood]), 4))
        for name, (x, y), mood, row in zip(corpus.names, atlas[:, :2].tolist(), moods.tolist(), sure, strict=True)
    )


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
    albums = artist_numbers(
        tuple(
            f"{artist}\n{album}" if album else "" for artist, album in zip(corpus.artists, corpus.albums, strict=True)
        )
    )
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
                largest_artist=_largest_share(artists[rows]),
                largest_album=_largest_share(albums[rows]),
                recall=float(right[rows].mean()),
                typical=tuple(corpus.names[row] for row in typical),
            )
        )
    return tuple(reports)


def _largest_share(numbers: NDArray[np.int64]) -> float:
    """Share of the most frequent number."""
    return float(np.unique(numbers, return_counts=True)[1].max() / len(numbers))
