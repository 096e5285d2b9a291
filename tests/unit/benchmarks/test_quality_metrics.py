"""The metrics of the quality scorecard say what their names say."""

import numpy as np
import pytest

from benchmarks.quality import metrics

LABELS = np.array(["rock", "rock", "pop", ""])


def test_precision_counts_an_empty_place_as_wrong_and_says_nothing_of_a_query_without_a_label():
    lists = np.array([[0, 1], [0, metrics.EMPTY], [0, 1]])
    found = metrics.precision(lists, labels=LABELS, wanted=np.array(["rock", "rock", ""]))
    np.testing.assert_array_equal(found, [1.0, 0.5, np.nan])


def test_emotions_agree_with_themselves_and_disagree_with_their_opposite():
    directions = metrics.standardised(np.array([[0.9, 0.1], [0.9, 0.1], [0.1, 0.9], [np.nan, np.nan]]))
    lists = np.array([[1, metrics.EMPTY], [2, 2 + 1], [0, 1]])
    found = metrics.emotion_cosine(lists, directions=directions, wanted=directions[[0, 0, 3]])
    np.testing.assert_allclose(found, [0.5, -0.5, np.nan])


def test_a_list_keeps_what_it_shares_with_its_reference():
    lists = np.array([[4, 5, 6], [1, 2, 3]])
    reference = np.array([[6, 5, 9], [metrics.EMPTY] * 3])
    np.testing.assert_allclose(metrics.kept(lists, reference=reference), [2 / 3, np.nan])


def test_hubs_skew_the_occurrences():
    even = metrics.occurrences(np.array([[0, 1], [1, 2], [2, 0]]), tracks=3)
    hub = metrics.occurrences(np.array([[0, 1], [0, 2], [0, 3], [0, 4]]), tracks=5)
    assert even.tolist() == [2, 2, 2]
    assert hub.tolist() == [4, 1, 1, 1, 1]
    assert metrics.skewness(even) == 0
    assert metrics.skewness(hub) > 1


@pytest.mark.parametrize(
    ("lists", "message"),
    [
        (np.array([0, 1]), "shape"),
        (np.array([[0, 7]]), "but there are 4"),
        (np.array([[-2, 0]]), "but there are 4"),
        (np.array([[1, 1]]), "twice"),
    ],
)
def test_lists_that_make_no_sense_are_refused(lists, message):
    with pytest.raises(ValueError, match=message):
        metrics.validate(lists, tracks=4)


def test_the_interval_draws_whole_artists():
    values = np.repeat([0.0, 1.0], 50)
    by_artist = metrics.bootstrap_interval(values, groups=np.repeat(["a", "b"], 50))
    by_clip = metrics.bootstrap_interval(values, groups=np.array([str(i) for i in range(100)]))
    assert by_artist == (0.0, 1.0)
    assert by_clip is not None
    assert 0.35 < by_clip[0] < 0.5 < by_clip[1] < 0.65


def test_no_interval_comes_of_a_single_artist_or_of_nothing():
    assert metrics.bootstrap_interval(np.array([0.0, 1.0]), groups=np.array(["a", "a"])) is None
    assert metrics.bootstrap_interval(np.array([np.nan]), groups=np.array(["a"])) is None
