"""Distances in views, and what they add up to."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.ranker.test_rank import sight
from tunekin.errors import InputError, OptionError
from tunekin.features import FEATURES
from tunekin_ranker import kin


def test_a_song_is_no_distance_from_itself_in_any_view():
    distances = kin.apart(sight(1), np.array([sight(1), sight(2)]))
    assert list(distances) == [name for name, _ in FEATURES.views]
    assert all(one[0] == 0 < one[1] for one in distances.values())


def test_distances_are_the_same_both_ways():
    there, back = (kin.apart(sight(a), sight(b)[None]) for a, b in ((1, 2), (2, 1)))
    assert all(there[name] == pytest.approx(back[name]) for name in there)


def test_a_song_at_the_edge_is_no_further_than_its_reach_says():
    far = sight(2)
    far[-len(FEATURES.views) :] = 4.0
    near, reached = kin.apart(sight(1), np.array([sight(2), far])).values().__iter__().__next__()
    assert reached == pytest.approx(near / 2, rel=1e-6)


def test_views_of_another_version_are_refused():
    with pytest.raises(InputError, match="views of 3 numbers"):
        kin.apart(np.ones(3), np.array([sight(1)]))


@given(st.dictionaries(st.sampled_from(sorted(kin.WEIGHTS)), st.floats(0.1, 10)))
def test_weights_add_up_to_one_and_keep_their_proportions(factors):
    weights = kin.balanced(factors)
    assert sum(weights.values()) == pytest.approx(1)
    for view, weight in kin.WEIGHTS.items():
        expected = weight * factors.get(view, 1.0) / (kin.WEIGHTS["style"] * factors.get("style", 1.0))
        assert weights[view] / weights["style"] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("factors", "match"),
    [
        ({"loudness": 1.0}, "no view 'loudness'"),
        ({"rhythm": -1.0}, "weight of rhythm is -1"),
        ({"rhythm": float("nan")}, "weight of rhythm is nan"),
        (dict.fromkeys(kin.WEIGHTS, 0.0), "no view has a weight"),
    ],
)
def test_impossible_weights_are_refused(factors, match):
    with pytest.raises(OptionError, match=match):
        kin.balanced(factors)


def test_the_score_is_the_weighted_mean_of_all_views():
    tracks = np.array([sight(seed) for seed in range(2, 6)])
    distances = kin.apart(sight(1), tracks)
    weights = kin.balanced({})
    scoring = kin.scoring(distances, weights, strangeness=2.0)
    scores = scoring.scores(np.arange(4), np.full(4, 3.0))
    expected = sum(weights[name] * one for name, one in distances.items()) + weights["moment"] * 3.0 / 2.0
    assert scores == pytest.approx(expected)
