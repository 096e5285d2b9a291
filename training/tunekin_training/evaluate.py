"""Judge a mood classifier by artists that it never heard.

Conventions
-----------
``truth`` is the mood of each track, as clustering found it; ``probabilities`` are [n, moods], rows sum to 1. The moods
themselves were found on all tracks: what is judged is how well they are recognised, not whether they exist.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix, f1_score, log_loss
from sklearn.model_selection import GroupKFold
from sklearn.utils.class_weight import compute_class_weight

from tunekin.errors import InputError
from tunekin_training.corpus import Corpus, Examples, artist_numbers, examples
from tunekin_training.lens import Lens
from tunekin_training.steps import Arrays, Steps

__all__ = [
    "FOLDS",
    "Fold",
    "OutOfFold",
    "calibration",
    "class_weights",
    "confusion",
    "correlation",
    "emotion_correlation",
    "folds",
    "held_out_correlation",
    "interval",
    "out_of_fold",
    "random_emotion_correlation",
    "scores",
]

FOLDS = 5
# Of the random groups that emotions are compared with: their mean then is certain to 0.01.
_RANDOM_GROUPS = 20
# Draws of artists that an interval is made of.
_BOOTSTRAPS = 500
_BINS = 10


@dataclass(frozen=True, kw_only=True, eq=False)
class Fold:
    """What a model learns from, and what it is asked.

    Attributes
    ----------
    learnt, valid : Examples
        To learn from, and to watch the learning on, such as for early stopping.
    asked : np.ndarray [shape=(q, d), dtype=float32]
        Summaries of artists that are in neither.
    moods : int
        How many there are.
    seed : int
        Fixes the learning.
    lens : Lens
        What a model sees music through; ground on nothing that is asked.
    """

    learnt: Examples
    valid: Examples
    asked: NDArray[np.float32]
    moods: int
    seed: int
    lens: Lens


@dataclass(frozen=True, kw_only=True, eq=False)
class OutOfFold:
    """Predictions for every track by a model that never heard its artist.

    Attributes
    ----------
    tracks : np.ndarray [shape=(n, moods), dtype=float32]
        For whole tracks.
    cuts : mapping of str to np.ndarray [shape=(n, q, moods), dtype=float32]
        For the cuts in each condition.
    notes : list of mapping of str to np.ndarray
        What else each fold's model said of itself.
    """

    tracks: NDArray[np.float32]
    cuts: Mapping[str, NDArray[np.float32]]
    notes: list[dict[str, NDArray[Any]]]


def folds(groups: NDArray[np.int64], *, count: int = FOLDS, seed: int) -> list[NDArray[np.int64]]:
    """Divide rows so that no group is divided.

    Parameters
    ----------
    groups : np.ndarray [shape=(n,), dtype=int64]
        Such as the artist of each track.
    count : int
        Folds wanted.
    seed : int
        Which groups come together.

    Returns
    -------
    list of np.ndarray [dtype=int64]
        Rows of each fold.

    Raises
    ------
    InputError
        There are fewer groups than folds.
    """
    artists = len(np.unique(groups))
    if artists < count:
        raise InputError(
            f"the music is by {artists} artists", hint=f"{count} folds need at least {count}, best many more; add music"
        )
    splits = GroupKFold(count, shuffle=True, random_state=seed).split(groups, groups=groups)
    return [np.asarray(rows, dtype=np.int64) for _, rows in splits]


def class_weights(moods: NDArray[np.int64], *, count: int) -> NDArray[np.float64]:
    """Weigh moods by the inverse root of their frequency: rare ones are learnt, without being announced too often.

    Parameters
    ----------
    moods : np.ndarray [shape=(n,), dtype=int64]
        Mood of each track.
    count : int
        Moods there are.

    Returns
    -------
    np.ndarray [shape=(count,), dtype=float64]
        Weights; 0 for a mood without a track.
    """
    weights = np.zeros(count)
    present = np.unique(moods)
    weights[present] = np.sqrt(compute_class_weight("balanced", classes=present, y=moods))
    return weights


def out_of_fold(
    corpus: Corpus,
    *,
    moods: NDArray[np.int64],
    memberships: NDArray[np.float32],
    seed: int,
    learn: Callable[[Fold], Arrays],
    title: str,
    steps: Steps,
    grind: Callable[[NDArray[np.int64]], Lens],
    share: float = 1.0,
) -> OutOfFold:
    """Let models predict what they never heard.

    1. Divide the artists into folds.
    2. Grind a lens on those that stay. Of these, keep the artists of the next fold for validation, such as early
       stopping.
    3. Learn, and predict the fold's tracks and cuts.

    Parameters
    ----------
    corpus : Corpus
        The music.
    moods : np.ndarray [shape=(n,), dtype=int64]
        Mood of each track.
    memberships : np.ndarray [shape=(n, moods), dtype=float32]
        How far each track belongs to each mood.
    seed : int
        Of the folds, and of learning.
    learn : callable
        A step of `tunekin_training.steps`: takes a `Fold`, gives ``probabilities`` [shape=(asked, moods)] and notes.
    title : str
        What people are told meanwhile.
    steps : Steps
        Runs it for each fold.
    grind : callable
        Grinds a lens on the tracks of some rows.
    share : float
        Share of the artists that stay which is learnt from; less shows what more music would bring.

    Returns
    -------
    OutOfFold
        Predictions.

    Raises
    ------
    InputError
        There are fewer artists than folds.
    """
    count = memberships.shape[1]
    # Step 1
    artists = artist_numbers(corpus.artists)
    divided = folds(artists, seed=seed)
    conditions = list(corpus.asked_cuts)
    heard = np.concatenate([corpus.summaries[:, np.newaxis], *(corpus.asked_cuts[name] for name in conditions)], axis=1)
    tasks = []
    for i, held_out in enumerate(divided):
        # Step 2
        valid = divided[(i + 1) % len(divided)]
        train = np.setdiff1d(np.arange(len(moods)), np.concatenate((held_out, valid)))
        train, valid = (_some(rows, artists=artists, share=share, seed=seed) for rows in (train, valid))
        lens = grind(np.sort(np.concatenate((train, valid))))
        weights = class_weights(moods[train], count=count)
        learnt, watched = (
            examples(corpus, moods=moods, memberships=memberships, rows=rows, class_weights=weights)
            for rows in (train, valid)
        )
        asked = heard[held_out].reshape(-1, heard.shape[2])
        tasks.append((Fold(learnt=learnt, valid=watched, asked=asked, moods=count, seed=seed, lens=lens),))
    # Step 3
    predicted = np.zeros((*heard.shape[:2], count), dtype=np.float32)
    notes = []
    for held_out, result in zip(divided, steps.run(title, learn, tasks), strict=True):
        predicted[held_out] = result["probabilities"].reshape(len(held_out), -1, count)
        notes.append({name: value for name, value in result.items() if name != "probabilities"})
    ends = np.cumsum([1] + [corpus.asked_cuts[name].shape[1] for name in conditions])
    cuts = {name: predicted[:, begin:end] for name, begin, end in zip(conditions, ends, ends[1:], strict=False)}
    return OutOfFold(tracks=predicted[:, 0], cuts=cuts, notes=notes)


def _some(rows: NDArray[np.int64], *, artists: NDArray[np.int64], share: float, seed: int) -> NDArray[np.int64]:
    """Keep the rows of a share of their artists."""
    order = np.random.default_rng(seed).permutation(np.unique(artists[rows]))
    return rows[np.isin(artists[rows], order[: math.ceil(share * len(order))])]


def scores(truth: NDArray[np.int64], probabilities: NDArray[np.float32]) -> dict[str, float]:
    """Compare predictions with the truth.

    Parameters
    ----------
    truth : np.ndarray [shape=(n,), dtype=int64]
        Mood of each track.
    probabilities : np.ndarray [shape=(n, moods), dtype=float32]
        Predicted.

    Returns
    -------
    dict of str to float
        ``accuracy``; ``macro_f1``, the mean over the moods; ``loss``, the mean negative logarithm (base e) of the
        probability of the truth.

    Examples
    --------
    >>> scores(np.array([0, 1]), np.array([[0.5, 0.5], [0.5, 0.5]], dtype=np.float32))["loss"]
    0.6931...
    """
    moods = np.arange(probabilities.shape[1])
    predicted = probabilities.argmax(axis=1)
    # In float64 rows sum to 1 as exactly as scikit-learn asks.
    exact = probabilities.astype(np.float64)
    return {
        "accuracy": float(np.mean(predicted == truth)),
        "macro_f1": float(f1_score(truth, predicted, labels=moods, average="macro", zero_division=0.0)),
        "loss": float(log_loss(truth, exact / exact.sum(axis=1, keepdims=True), labels=moods)),
    }


def confusion(truth: NDArray[np.int64], probabilities: NDArray[np.float32]) -> NDArray[np.int64]:
    """Count which mood is taken for which.

    Parameters
    ----------
    truth : np.ndarray [shape=(n,), dtype=int64]
        Mood of each track.
    probabilities : np.ndarray [shape=(n, moods), dtype=float32]
        Predicted.

    Returns
    -------
    np.ndarray [shape=(moods, moods), dtype=int64]
        Rows are the truth.
    """
    labels = np.arange(probabilities.shape[1])
    return np.asarray(confusion_matrix(truth, probabilities.argmax(axis=1), labels=labels), dtype=np.int64)


def calibration(truth: NDArray[np.int64], probabilities: NDArray[np.float32]) -> tuple[NDArray[np.float64], float]:
    """Compare how sure a model is with how often it is right.

    Parameters
    ----------
    truth : np.ndarray [shape=(n,), dtype=int64]
        Mood of each track.
    probabilities : np.ndarray [shape=(n, moods), dtype=float32]
        Predicted.

    Returns
    -------
    bins : np.ndarray [shape=(10, 3), dtype=float64]
        For tenths of certainty: how many tracks, how sure the model is in the mean, how often it is right; NaN for the
        latter two where there is no track.
    error : float
        Expected calibration error: mean distance of the latter two, over the tracks.

    Examples
    --------
    >>> calibration(np.array([0, 1]), np.array([[0.75, 0.25], [0.75, 0.25]], dtype=np.float32))[1]
    0.25
    """
    sure, right = probabilities.max(axis=1).astype(np.float64), probabilities.argmax(axis=1) == truth
    places = np.minimum((sure * _BINS).astype(np.int64), _BINS - 1)
    counts = np.bincount(places, minlength=_BINS)
    with np.errstate(invalid="ignore"):
        means = [np.bincount(places, weights=values, minlength=_BINS) / counts for values in (sure, right)]
    bins = np.column_stack((counts, *means))
    return bins, float(np.nansum(np.abs(means[0] - means[1]) * counts) / max(len(truth), 1))


def held_out_correlation(
    felt: NDArray[np.float64], expected: NDArray[np.float64], *, artists: NDArray[np.int64], seed: int
) -> tuple[float, float, float] | None:
    """Correlate what listeners felt with what a track's mood lets expect, and say how certain that is.

    Parameters
    ----------
    felt : np.ndarray [shape=(n, e)]
        Share of listeners who felt each emotion; NaN where nobody was asked.
    expected : np.ndarray [shape=(n, e)]
        Mean of the mood's tracks by other artists; NaN where it is unknown.
    artists : np.ndarray [shape=(n,), dtype=int64]
        Artist of each track: the interval is over draws of artists, since tracks of one are alike.
    seed : int
        Of the draws.

    Returns
    -------
    (float, float, float) or None
        Correlation over the tracks, averaged over the emotions, and the ends of its 95 % interval; None where fewer
        than two tracks are known.
    """
    found = correlation(felt, expected)
    if found is None:
        return None
    known = np.flatnonzero(~np.isnan(np.hstack((felt, expected))).any(axis=1))
    draws = [correlation(felt[rows], expected[rows]) for rows in _draws(known, artists=artists, seed=seed)]
    low, high = _middle([value for value in draws if value is not None] or [found])
    return found, low, high


def interval(shares: NDArray[np.floating], *, artists: NDArray[np.int64], seed: int) -> tuple[float, float]:
    """Say how certain a mean over tracks is.

    Parameters
    ----------
    shares : np.ndarray [shape=(n,)]
        Of each track, such as how many of its cuts were recognised.
    artists : np.ndarray [shape=(n,), dtype=int64]
        Artist of each track: the interval is over draws of artists, since tracks of one are alike.
    seed : int
        Of the draws.

    Returns
    -------
    (float, float)
        Ends of the 95 % interval of the mean.
    """
    return _middle([float(shares[rows].mean()) for rows in _draws(np.arange(len(shares)), artists=artists, seed=seed)])


def _draws(rows: NDArray[np.int64], *, artists: NDArray[np.int64], seed: int) -> Iterator[NDArray[np.int64]]:
    """Draw as many artists as there are, with replacement, and take their rows; often."""
    numbers, of_artist = np.unique(artists[rows], return_inverse=True)
    rows_of = [rows[of_artist == i] for i in range(len(numbers))]
    chance = np.random.default_rng(seed)
    for _ in range(_BOOTSTRAPS):
        yield np.concatenate([rows_of[i] for i in chance.integers(len(numbers), size=len(numbers))])


def _middle(draws: list[float]) -> tuple[float, float]:
    """Leave out a fortieth at either end."""
    low, high = np.percentile(draws, (2.5, 97.5)).tolist()
    return float(low), float(high)


def correlation(felt: NDArray[np.float64], expected: NDArray[np.float64]) -> float | None:
    """Correlate what listeners felt with what was expected.

    Parameters
    ----------
    felt, expected : np.ndarray [shape=(n, e)]
        Share of listeners for each track and emotion; tracks with a NaN are left out.

    Returns
    -------
    float or None
        Correlation over the tracks, averaged over the emotions in which both sides differ; None where there is none.
    """
    known = ~np.isnan(np.hstack((felt, expected))).any(axis=1)
    if known.sum() < 2:  # noqa: PLR2004 -- a correlation needs two points
        return None
    felt, expected = (side[known] - side[known].mean(axis=0) for side in (felt, expected))
    spread = np.sqrt((felt**2).sum(axis=0) * (expected**2).sum(axis=0))
    return float(np.mean((felt * expected).sum(axis=0)[spread > 0] / spread[spread > 0])) if spread.any() else None


def emotion_correlation(
    groups: NDArray[np.int64], *, emotions: NDArray[np.float64], artists: NDArray[np.int64]
) -> float | None:
    """Say whether groups of tracks are groups of feelings.

    Parameters
    ----------
    groups : np.ndarray [shape=(n,), dtype=int64]
        Group of each track.
    emotions : np.ndarray [shape=(n, e)]
        Share of listeners who felt each emotion; NaN where nobody was asked.
    artists : np.ndarray [shape=(n,), dtype=int64]
        Artist of each track.

    Returns
    -------
    float or None
        Correlation of a track's emotions with the mean of the tracks of its group by other artists, averaged over the
        emotions; None where emotions of fewer than two tracks are known.
    """
    asked = np.flatnonzero(~np.isnan(emotions).any(axis=1)) if emotions.shape[1] else np.array([], dtype=np.int64)
    pairs = []
    for i in asked:
        others = asked[(groups[asked] == groups[i]) & (artists[asked] != artists[i])]
        if len(others):
            pairs.append((emotions[i], emotions[others].mean(axis=0)))
    if not pairs:
        return None
    felt, expected = (np.array(side) for side in zip(*pairs, strict=True))
    return correlation(felt, expected)


def random_emotion_correlation(
    groups: NDArray[np.int64], *, emotions: NDArray[np.float64], artists: NDArray[np.int64], seed: int
) -> float | None:
    """Compute `emotion_correlation` for groups of the same sizes that chance made.

    Parameters
    ----------
    groups : np.ndarray [shape=(n,), dtype=int64]
        Group of each track.
    emotions : np.ndarray [shape=(n, e)]
        Share of listeners who felt each emotion; NaN where nobody was asked.
    artists : np.ndarray [shape=(n,), dtype=int64]
        Artist of each track.
    seed : int
        Of chance.

    Returns
    -------
    float or None
        Mean over several draws.
    """
    chance = np.random.default_rng(seed)
    found = [
        emotion_correlation(chance.permutation(groups), emotions=emotions, artists=artists)
        for _ in range(_RANDOM_GROUPS)
    ]
    known = [value for value in found if value is not None]
    return float(np.mean(known)) if known else None
