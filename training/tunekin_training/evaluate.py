"""Judge a mood classifier by artists that it never heard.

Conventions
-----------
``truth`` is the mood of each track, as clustering found it; ``probabilities`` are [n, moods], rows sum to 1. The moods
themselves were found on all tracks: what is judged is how well they are recognised, not whether they exist.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import f1_score, log_loss
from sklearn.model_selection import GroupKFold
from sklearn.utils.class_weight import compute_class_weight

from tunekin.errors import InputError
from tunekin_training.corpus import Corpus, Examples, artist_numbers, examples

__all__ = [
    "FOLDS",
    "OutOfFold",
    "class_weights",
    "emotion_correlation",
    "folds",
    "out_of_fold",
    "random_emotion_correlation",
    "scores",
]

FOLDS = 5
# Of the random groups that emotions are compared with: their mean then is certain to 0.01.
_RANDOM_GROUPS = 20

Predict = Callable[[NDArray[np.float32]], NDArray[np.float32]]
Learn = Callable[[Examples, Examples], Predict]


@dataclass(frozen=True, kw_only=True, eq=False)
class OutOfFold:
    """Predictions for every track by a model that never heard its artist.

    Attributes
    ----------
    tracks : np.ndarray [shape=(n, moods), dtype=float32]
        For whole tracks.
    clean_cuts, noisy_cuts : np.ndarray [shape=(n, c, moods), dtype=float32]
        For cuts of them.
    """

    tracks: NDArray[np.float32]
    clean_cuts: NDArray[np.float32]
    noisy_cuts: NDArray[np.float32]


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
    corpus: Corpus, *, moods: NDArray[np.int64], seed: int, learn: Learn, on_fold: Callable[[], None] = lambda: None
) -> OutOfFold:
    """Let models predict what they never heard.

    1. Divide the artists into folds.
    2. Of those that stay, keep the artists of the next fold for validation, such as early stopping.
    3. Learn, then predict the fold's tracks and cuts.

    Parameters
    ----------
    corpus : Corpus
        The music.
    moods : np.ndarray [shape=(n,), dtype=int64]
        Mood of each track.
    seed : int
        Of the folds.
    learn : callable
        Takes examples to learn from and examples to validate with, gives a function from summaries to probabilities.
    on_fold : callable
        Called after each fold.

    Returns
    -------
    OutOfFold
        Predictions.

    Raises
    ------
    InputError
        There are fewer artists than folds.
    """
    count = int(moods.max()) + 1
    predicted = [
        np.zeros((*summaries.shape[:-1], count), dtype=np.float32)
        for summaries in (corpus.summaries, corpus.clean_cuts, corpus.noisy_cuts)
    ]
    # Step 1
    divided = folds(artist_numbers(corpus.artists), seed=seed)
    for i, held_out in enumerate(divided):
        # Step 2
        valid = divided[(i + 1) % len(divided)]
        train = np.setdiff1d(np.arange(len(moods)), np.concatenate((held_out, valid)))
        weights = class_weights(moods[train], count=count)
        # Step 3
        predict = learn(*(examples(corpus, moods=moods, rows=rows, class_weights=weights) for rows in (train, valid)))
        for out, summaries in zip(predicted, (corpus.summaries, corpus.clean_cuts, corpus.noisy_cuts), strict=True):
            asked = summaries[held_out].reshape(-1, summaries.shape[-1])
            if len(asked):
                out[held_out] = predict(asked).reshape(out[held_out].shape)
        on_fold()
    return OutOfFold(tracks=predicted[0], clean_cuts=predicted[1], noisy_cuts=predicted[2])


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
    if len(pairs) < 2:  # noqa: PLR2004 -- a correlation needs two points
        return None
    felt, expected = (np.array(side) for side in zip(*pairs, strict=True))
    felt, expected = felt - felt.mean(axis=0), expected - expected.mean(axis=0)
    spread = np.sqrt((felt**2).sum(axis=0) * (expected**2).sum(axis=0))
    return float(np.mean((felt * expected).sum(axis=0)[spread > 0] / spread[spread > 0])) if spread.any() else None


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
