"""What learns on a fold, as steps of `tunekin_training.steps`."""

import numpy as np

from tunekin_training.boosting import fit_trees, predict_trees
from tunekin_training.evaluate import Fold
from tunekin_training.network import fit, predict
from tunekin_training.space import mood_space
from tunekin_training.steps import Arrays

__all__ = ["learn_network", "learn_trees"]


def learn_network(fold: Fold) -> Arrays:
    """Train the network on a fold.

    Parameters
    ----------
    fold : Fold
        What to learn from, and what is asked.

    Returns
    -------
    mapping of str to np.ndarray
        ``probabilities`` [shape=(asked, moods), dtype=float32], ``curves`` as `tunekin_training.network.Fitted` has
        them, ``epochs`` and ``temperature``.
    """
    fitted = fit(fold.learnt, space=mood_space(), lens=fold.lens, moods=fold.moods, seed=fold.seed, valid=fold.valid)
    return {
        "probabilities": predict(fitted.network, fold.asked),
        "curves": fitted.curves,
        "epochs": np.array(fitted.epochs),
        "temperature": np.array(fitted.temperature),
    }


def learn_trees(fold: Fold) -> Arrays:
    """Train the yardstick on a fold.

    Parameters
    ----------
    fold : Fold
        What to learn from, and what is asked.

    Returns
    -------
    mapping of str to np.ndarray
        ``probabilities`` [shape=(asked, moods), dtype=float32].
    """
    space = mood_space()
    trees = fit_trees(fold.learnt, space=space, lens=fold.lens, moods=fold.moods, seed=fold.seed, valid=fold.valid)
    return {"probabilities": predict_trees(trees, fold.asked, space=space, lens=fold.lens)}
