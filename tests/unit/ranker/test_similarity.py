"""A similarity is a share of pairs: it falls from 1 to 0 as the distance grows."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunekin_ranker.kin import WEIGHTS
from tunekin_ranker.reasons import LIKED_VIEW
from tunekin_ranker.similarity import QUANTILES, similarity, similarity_in


@given(st.floats(0, 1e9), st.floats(0, 1e9))
def test_the_nearer_is_never_the_less_alike(a, b):
    near, far = sorted([a, b])
    assert 0 <= similarity(far) <= similarity(near) <= 1


def test_similarity_falls_at_every_step_up_to_the_largest_distance_measured():
    largest = QUANTILES["all"][-1][1]
    values = [similarity(largest * i / 1_000) for i in range(1_001)]
    assert all(near > far for near, far in itertools.pairwise(values))
    assert (values[0], values[-1]) == (1, 0)


@pytest.mark.parametrize("view", QUANTILES)
def test_a_quantiles_similarity_is_the_share_beyond_it(view):
    for share, distance in QUANTILES[view]:
        assert similarity_in(view, distance) == pytest.approx(1 - share)


def test_every_view_has_a_scale():
    assert set(QUANTILES) == {*WEIGHTS, "all", LIKED_VIEW}


@pytest.mark.parametrize("view", QUANTILES)
def test_quantiles_rise_in_both_columns_and_end_with_every_pair(view):
    shares, distances = zip(*QUANTILES[view], strict=True)
    assert all(a < b for a, b in itertools.pairwise(shares))
    assert all(a < b for a, b in itertools.pairwise(distances))
    assert shares[-1] == 1
