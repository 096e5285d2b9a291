"""Clustering: finds groups that are there, the same ones for the same seed, and how many there are."""

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import adjusted_rand_score

from tests.unit.training.corpora import corpus
from tunekin.errors import InputError, OptionError
from tunekin_training import cluster
from tunekin_training.cluster import (
    agreement,
    check,
    divide,
    draw_maps,
    elbow,
    map_step,
    memberships,
    order_by,
    standardise,
)
from tunekin_training.space import mood_space
from tunekin_training.steps import Steps

POINTS = standardise(mood_space().points(corpus().summaries))
KINDS = np.arange(90) % 3


def moods(points: NDArray[np.float64], *, clusters: int, seed: int, maps: int = 2) -> NDArray[np.int64]:
    (atlas,) = draw_maps(points, seeds=[seed], steps=Steps(), maps=maps)
    return divide(atlas, clusters=clusters, seed=seed)


def test_groups_that_are_there_are_found() -> None:
    assert adjusted_rand_score(KINDS, moods(POINTS, clusters=3, seed=0)) == 1


def test_the_same_seed_gives_the_same_groups() -> None:
    # Nothing to find, so only the seed can make both alike.
    noise = np.random.default_rng(3).normal(size=(60, 5))
    once, again, other = (moods(noise, clusters=4, seed=seed) for seed in (5, 5, 6))
    assert np.array_equal(once, again)
    assert not np.array_equal(once, other)


def test_no_group_is_lost() -> None:
    assert sorted(set(moods(POINTS, clusters=10, seed=1, maps=1).tolist())) == list(range(10))


def test_units_do_not_matter() -> None:
    points = mood_space().points(corpus().summaries)
    np.testing.assert_allclose(standardise(points * 1_000 + 5_000), POINTS, atol=1e-2)
    assert abs(POINTS).max() <= 3


def test_what_is_the_same_everywhere_counts_nothing() -> None:
    # A mean of such numbers is rounded, and the rest would be blown up to a deviation of 1.
    same = np.full((7, 1), 0.1, dtype=np.float32)
    assert np.array_equal(standardise(np.hstack((same, same * 1e6))), np.zeros((7, 2)))


def test_a_map_has_a_mean_radius_of_one_around_its_middle() -> None:
    places = map_step(POINTS, 1, 50.0)["places"]
    assert places.shape == (90, 2)
    np.testing.assert_allclose(places.mean(axis=0), 0, atol=1e-9)
    assert (places**2).sum(axis=1).mean() == pytest.approx(1)


def test_neighbours_stay_neighbours_on_a_map() -> None:
    assert are_neighbours(map_step(POINTS, 2, 50.0)["places"])


def test_a_large_map_is_drawn_by_its_landmarks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "_LANDMARKS", 60)
    assert are_neighbours(map_step(POINTS, 2, 50.0)["places"])


def are_neighbours(places: NDArray[np.float64]) -> bool:
    distances = np.linalg.norm(places[:, np.newaxis] - places, axis=2)
    np.fill_diagonal(distances, np.inf)
    return np.array_equal(distances.argmin(axis=1) % 3, KINDS)


def test_too_few_tracks_are_refused_with_the_number_that_is_needed() -> None:
    with pytest.raises(InputError, match="there are 49 tracks for 10 groups") as refused:
        check(49, clusters=10)
    assert "at least 50 tracks" in refused.value.hint


def test_one_group_is_none() -> None:
    with pytest.raises(OptionError, match="1 groups"):
        divide(POINTS, clusters=1, seed=0)


# --- how many ---


@pytest.mark.parametrize("kinds", [4, 7, 12])
def test_as_many_groups_as_there_are_make_the_elbow(kinds: int) -> None:
    chance = np.random.default_rng(1)
    centres = 8 * chance.normal(size=(kinds, 6))
    bend = elbow(centres[np.arange(240) % kinds] + chance.normal(size=(240, 6)), seed=0)
    assert (bend.clusters, bend.clear) == (kinds, True)


@pytest.mark.parametrize("dimensions", [2, 5])
@pytest.mark.parametrize("spread", ["normal", "uniform"])
def test_where_there_are_no_groups_the_elbow_is_not_clear_and_ten_are_made(dimensions: int, spread: str) -> None:
    chance = np.random.default_rng(0)
    bend = elbow(getattr(chance, spread)(size=(300, dimensions)), seed=0)
    assert (bend.clusters, bend.clear) == (10, False)
    assert len(bend.inertias) == 20
    assert list(bend.inertias) == sorted(bend.inertias, reverse=True)


@pytest.mark.parametrize(("tracks", "kinds"), [(15, 3), (20, 4), (30, 5)])
def test_few_tracks_have_an_elbow_too(tracks: int, kinds: int) -> None:
    chance = np.random.default_rng(2)
    centres = 8 * chance.normal(size=(kinds, 6))
    bend = elbow(centres[np.arange(tracks) % kinds] + chance.normal(size=(tracks, 6)), seed=0)
    assert (bend.clusters, bend.clear) == (kinds, True)


@pytest.mark.parametrize(("tracks", "made"), [(100, 7), (30, 4), (14, 2), (1, 2)])
def test_few_tracks_make_few_groups(tracks: int, made: int) -> None:
    bend = elbow(np.random.default_rng(0).normal(size=(tracks, 8)), seed=0)
    assert (bend.clusters, bend.clear) == (made, False)


# --- groups ---


def test_a_track_between_two_groups_belongs_to_both_and_one_in_the_middle_to_its_own() -> None:
    places = np.array([[0.0], [1.0], [2.0], [6.0], [9.0], [10.0], [11.0]])
    groups = np.array([0, 0, 0, 1, 1, 1, 1])
    shares = memberships(places, groups=groups)
    np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-6)
    assert np.array_equal(shares.argmax(axis=1), groups)
    assert shares[1, 0] > 0.999
    assert shares[3, 1] < shares[4, 1]


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
