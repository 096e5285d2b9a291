"""The very recording is told from what sounds like it."""

import numpy as np
import pytest

from tests.unit.ranker.test_rank import walk
from tunekin_ranker.dtw import Clip, exact_distances
from tunekin_ranker.identify import identity_distance
from tunekin_ranker.packed import pack
from tunekin_ranker.words import strangeness, vocabulary, word_shares


def distance(clip, track) -> float:
    return float(exact_distances(Clip(clip), pack([track], coefficients=clip.shape[1]), np.arange(1))[0])


@pytest.mark.parametrize("noise", [0.0, 0.2, 0.6])
def test_a_noisy_cut_of_a_track_is_that_track_and_another_track_is_not(noise):
    track = walk(1)
    clip = (track[30:90] + np.random.default_rng(2).normal(0, noise, track[30:90].shape)).astype(np.float16)
    threshold = identity_distance(strangeness(clip))
    assert distance(clip, track) <= threshold < distance(clip, walk(3))


def test_words_are_not_strange_and_what_lies_far_from_all_is():
    words = vocabulary()
    assert strangeness(words) == pytest.approx(0, abs=1e-6)
    assert strangeness(words + 10) > strangeness(words + 1) > 0


def test_each_frame_is_nearest_to_one_word():
    shares = word_shares(vocabulary()[[3, 5, 3]] + 0.01)
    assert shares.shape == (3, len(vocabulary()))
    assert np.flatnonzero(shares.mean(axis=0)).tolist() == [3, 5]
    assert shares.mean(axis=0)[3] == pytest.approx(2 / 3)
