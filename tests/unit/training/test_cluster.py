"""Clustering: finds groups that are there, the same ones for the same seed."""

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from tests.unit.training.corpora import corpus
from tunekin.errors import InputError, OptionError
from tunekin_training.cluster import agreement, cluster, draw_map, order_by, standardise
from tunekin_training.space import mood_space

POINTS = mood_space().points(corpus().summaries)


def test_groups_that_are_there_are_found() -> None:
    assert adjusted_rand_score(np.arange(90) % 3, cluster(POINTS, clusters=3, seed=0, maps=2)) == 1


def test_the_same_seed_gives_the_same_groups() -> None:
    # Nothing to find, so only the seed can make both alike.
    noise = np.random.default_rng(3).normal(size=(60, 5))
    once, again, other = (cluster(noise, clusters=4, seed=seed, maps=2) for seed in (5, 5, 6))
    assert np.array_equal(once, again)
    assert not np.array_equal(once, other)


def test_no_group_is_lost() -> None:
    assert sorted(set(cluster(POINTS, clusters=10, seed=1, maps=1).tolist())) == list(range(10))


def test_units_do_not_matter() -> None:
    standard = standardise(POINTS)
    np.testing.assert_allclose(standardise(POINTS * 1_000 + 5_000), standard, atol=1e-2)
    assert abs(standard).max() <= 3


def test_what_is_the_same_everywhere_counts_nothing() -> None:
    # A mean of such numbers is rounded, and the rest would be blown up to a deviation of 1.
    same = np.full((7, 1), 0.1, dtype=np.float32)
    assert np.array_equal(standardise(np.hstack((same, same * 1e6))), np.zeros((7, 2)))


def test_a_map_has_a_mean_radius_of_one_around_its_middle() -> None:
    places = draw_map(standardise(POINTS), seed=1)
    assert places.shape == (90, 2)
    np.testing.assert_allclose(places.mean(axis=0), 0, atol=1e-9)
    assert (places**2).sum(axis=1).mean() == pytest.approx(1)


def test_neighbours_stay_neighbours_on_a_map() -> None:
    places = draw_map(standardise(POINTS), seed=2)
    distances = np.linalg.norm(places[:, np.newaxis] - places, axis=2)
    np.fill_diagonal(distances, np.inf)
    assert np.array_equal(distances.argmin(axis=1) % 3, np.arange(90) % 3)


def test_too_few_tracks_are_refused_with_the_number_that_is_needed() -> None:
    with pytest.raises(InputError, match="there are 49 tracks for 10 groups") as refused:
        cluster(POINTS[:49], clusters=10, seed=0)
    assert "at least 50 tracks" in refused.value.hint


def test_one_group_is_none() -> None:
    with pytest.raises(OptionError, match="1 groups"):
        cluster(POINTS, clusters=1, seed=0)


def test_groups_are_numbered_by_the_value() -> None:
    chance = np.random.default_rng(0)
    groups, values = chance.integers(0, 4, 100), chance.normal(size=100)
    numbered = order_by(values, groups=groups)
    assert adjusted_rand_score(groups, numbered) == 1
    means = [values[numbered == i].mean() for i in range(4)]
    assert means == sorted(means)


def test_agreement_is_that_of_all_pairs() -> None:
    one, other = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    assert agreement([one, one, other]) == pytest.approx((1 + 2 * adjusted_rand_score(one, other)) / 3)
