"""Compile the numeric kernels for this machine: ``python -m tunekin_embedded.compile``.

Numba compiles at first use and keeps the result beside the code. Done once after installation, nobody's first clip
waits for it.
"""

import numpy as np

from tunekin.features import FEATURES
from tunekin_featurizer.featurize import featurize
from tunekin_ranker.dtw import Clip
from tunekin_ranker.index import Index, Track
from tunekin_ranker.search import search

__all__ = ["main"]


def main() -> None:
    """Run everything that is compiled once, on noise."""
    noise = np.random.default_rng(0).normal(0.0, 0.1, 5 * FEATURES.sample_rate_hz).astype(np.float32)
    frames = featurize(noise).frames
    index = Index.build(Track(track_id=str(number), frames=frames[number:]) for number in range(3))
    search(index, Clip(frames[:20]), k=1)


if __name__ == "__main__":
    main()
