"""``tunekin-featurizer --lane LANE``: composition root."""

import numpy as np

from tunekin.features import FEATURES
from tunekin.process import Process, Role, Root, run
from tunekin_featurizer.featurize import featurize
from tunekin_featurizer.service import service

__all__ = ["ROOTS", "main"]


def _compose(process: Process) -> Role:
    topic = process.of_lane(clips="clips.audio", tracks="tracks.audio")
    return Role(service=service(topics=(topic,)), warm_up=_warm_up)


def _warm_up() -> None:
    featurize(np.random.default_rng(0).normal(0.0, 0.1, FEATURES.sample_rate_hz).astype(np.float32))


ROOTS = Root(compose=_compose, has_lanes=True)


def main() -> None:
    """Run the featurizer."""
    run("tunekin-featurizer", ROOTS)


if __name__ == "__main__":
    main()
