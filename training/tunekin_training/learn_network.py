"""The network learns on a fold; a step of `tunekin_training.steps`."""

import numpy as np

from tunekin_training.evaluate import Fold
from tunekin_training.network import fit, predict
from tunekin_training.space import mood_space
from tunekin_training.steps import Arrays

__all__ = ["learn_network"]


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
