"""The featurizer's handler, whatever the machine does in threads."""

import numpy as np
from threadpoolctl import threadpool_info, threadpool_limits

from tunekin.features import FEATURES
from tunekin.messages import Audio, Features, Track, TrackSubject
from tunekin_featurizer.service import service


def features_with(threads: int) -> Features:
    samples = np.random.default_rng(4).normal(0, 3_000, 2 * FEATURES.sample_rate_hz).astype("<i2")
    audio = Audio(
        subject=TrackSubject(track=Track(track_id="t", title="Title")),
        pcm=samples.tobytes(),
        sample_rate_hz=FEATURES.sample_rate_hz,
    )
    with threadpool_limits(limits=threads, user_api="blas"):
        (features,) = service(topics=("tracks.audio",)).handle(audio)
        assert {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"} == {1}
    assert isinstance(features, Features)
    return features


def test_features_do_not_depend_on_the_threads_that_a_process_may_have() -> None:
    assert features_with(3) == features_with(1)
