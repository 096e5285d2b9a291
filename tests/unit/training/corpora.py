"""Music that is easy to tell apart, without any sound."""

import numpy as np

from tunekin.features import FEATURES
from tunekin_training.corpus import Corpus


def corpus(*, kinds: int = 3, tracks: int = 90, cuts: int = 2, spread: float = 0.3, seed: int = 0) -> Corpus:
    """Tracks of several kinds in turn, two tracks an artist; a cut is its track and a little chance."""
    chance = np.random.default_rng(seed)
    centres = chance.normal(0, 2, (kinds, FEATURES.summary_size))
    kind = np.arange(tracks) % kinds
    summaries = centres[kind] + chance.normal(0, spread, (tracks, FEATURES.summary_size))
    # As far from each other as Hz and shares are.
    units = np.geomspace(0.01, 1_000, FEATURES.summary_size)
    noisy = summaries[:, np.newaxis] + chance.normal(0, spread, (2, tracks, cuts, FEATURES.summary_size))
    return Corpus(
        names=tuple(f"track {i}" for i in range(tracks)),
        artists=tuple(f"artist {i // 2}" for i in range(tracks)),
        licences=("CC0",) * tracks,
        summaries=(summaries * units).astype(np.float32),
        clean_cuts=(noisy[0] * units).astype(np.float32),
        noisy_cuts=(noisy[1] * units).astype(np.float32),
        emotion_names=(),
        emotions=np.zeros((tracks, 0)),
    )
