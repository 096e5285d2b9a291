"""The yardstick beside the network: gradient-boosted trees on the same examples, through the same lens."""

import numpy as np
import xgboost
from numpy.typing import NDArray

from tunekin_training.corpus import Examples
from tunekin_training.lens import Lens
from tunekin_training.space import MoodSpace

__all__ = ["fit_trees", "predict_trees"]

_DEPTH = 4
_LEARNING_RATE = 0.1
_MAX_ROUNDS = 300
# Rounds without a smaller loss on the validation part before training ends.
_PATIENCE = 20
_SHARE = 0.7
_LEAF_WEIGHT = 3.0


def fit_trees(
    train: Examples, *, space: MoodSpace, lens: Lens, moods: int, seed: int, valid: Examples
) -> xgboost.Booster:
    """Train trees; they stop when the loss on `valid` does not get smaller any more.

    Parameters
    ----------
    train : Examples
        What they learn from.
    space : MoodSpace
        Where moods live.
    lens : Lens
        What they see of it.
    moods : int
        How many there are.
    seed : int
        Which examples and dimensions each tree sees.
    valid : Examples
        What the loss is watched on.

    Returns
    -------
    xgboost.Booster
        Cut back to its best round.
    """
    parameters = {
        "objective": "multi:softprob",
        "num_class": moods,
        "eval_metric": "mlogloss",
        "tree_method": "hist",
        "max_depth": _DEPTH,
        "eta": _LEARNING_RATE,
        "subsample": _SHARE,
        "colsample_bytree": _SHARE,
        "min_child_weight": _LEAF_WEIGHT,
        # One thread, so that sums are added up in one order.
        "nthread": 1,
        "seed": seed,
        "verbosity": 0,
    }
    booster = xgboost.train(
        parameters,
        _matrix(train, space=space, lens=lens),
        num_boost_round=_MAX_ROUNDS,
        evals=[(_matrix(valid, space=space, lens=lens), "valid")],
        early_stopping_rounds=_PATIENCE,
        verbose_eval=False,
    )
    return booster[: booster.best_iteration + 1]


def predict_trees(
    booster: xgboost.Booster, summaries: NDArray[np.float32], *, space: MoodSpace, lens: Lens
) -> NDArray[np.float32]:
    """Compute probabilities.

    Parameters
    ----------
    booster : xgboost.Booster
        Trained trees.
    summaries : np.ndarray [shape=(n, d), dtype=float32]
        Summaries.
    space : MoodSpace
        As in training.
    lens : Lens
        As in training.

    Returns
    -------
    np.ndarray [shape=(n, moods), dtype=float32]
        Rows sum to 1.
    """
    return np.asarray(booster.predict(xgboost.DMatrix(lens.show(space.points(summaries)), nthread=1)), dtype=np.float32)


def _matrix(examples: Examples, *, space: MoodSpace, lens: Lens) -> xgboost.DMatrix:
    shown = lens.show(space.points(examples.summaries))
    return xgboost.DMatrix(shown, label=examples.moods, weight=examples.weights, nthread=1)
