"""Compile the numeric kernels for this machine: ``python -m tunekin_embedded.compile``.

Numba compiles at first use and keeps the result beside the code. Done once after installation, nobody's first clip
waits for it.
"""

import numpy as np

from tunekin.features import FEATURES
from tunekin_featurizer.featurize import featurize
from tunekin_ranker.warm import warm_up

__all__ = ["main"]


def main() -> None:
    """Run everything that is compiled once, on noise."""
    noise = np.random.default_rng(0).normal(0.0, 0.1, 5 * FEATURES.sample_rate_hz).astype(np.float32)
    featurize(noise)
    warm_up()


if __name__ == "__main__":
    main()
