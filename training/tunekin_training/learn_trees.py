"""The yardstick learns on a fold; a step of `tunekin_training.steps`.

Apart from the network, so that processes that only grow trees do not load PyTorch.
"""

from tunekin_training.boosting import fit_trees, predict_trees
from tunekin_training.evaluate import Fold
from tunekin_training.space import mood_space
from tunekin_training.steps import Arrays

__all__ = ["learn_trees"]


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
