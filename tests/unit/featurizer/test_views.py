"""Descriptors, and the views that are made of them."""

import numpy as np
import pytest

from tests.unit.featurizer.sounds import SOUNDS, music
from tunekin.features import FEATURES
from tunekin_featurizer.descriptor import BLOCKS, SIZE, aspect_of_each, describe
from tunekin_featurizer.featurize import analyse, columns_of
from tunekin_featurizer.views import Moments, ViewModel, cosines, shipped


@pytest.mark.parametrize("y", SOUNDS.values(), ids=SOUNDS)
def test_every_sound_has_a_finite_descriptor(y):
    described = describe(columns_of(analyse(y)))
    assert described.shape == (SIZE,)
    assert np.isfinite(described).all()


def test_a_gain_changes_no_descriptor():
    y = music(duration_s=6)
    quiet, loud = (describe(columns_of(analyse(y * np.float32(gain)))) for gain in (0.01, 1.0))
    np.testing.assert_allclose(quiet, loud, atol=2e-3, rtol=1e-3)


def test_harmony_is_the_same_in_another_key_and_timbre_is_not():
    aspects = aspect_of_each()
    low, high = (describe(columns_of(analyse(music(duration_s=12, a4_hz=440 * 2 ** (steps / 12))))) for steps in (0, 2))
    scale = shipped().scale
    change = np.abs(low - high) / scale
    assert np.median(change[aspects == "harmony"]) < np.median(change[aspects == "timbre"])


def test_each_number_belongs_to_one_aspect():
    assert len(aspect_of_each()) == SIZE == sum(size for _, _, size in BLOCKS)
    assert set(aspect_of_each()) == {"timbre", "rhythm", "harmony"}


def test_the_shipped_model_makes_the_views_that_the_version_names():
    vectors = shipped().vectors(np.zeros((3, SIZE)))
    assert {name: made.shape for name, made in vectors.items()} == {
        name: (3, length) for name, length in FEATURES.views
    }


def test_a_model_comes_back_from_its_arrays():
    model = shipped()
    again = ViewModel.load(model.arrays())
    descriptor = np.random.default_rng(0).normal(model.mean, model.scale)
    np.testing.assert_array_equal(model.of(descriptor), again.of(descriptor))


def test_a_twentieth_of_the_music_lies_within_reach():
    chance = np.random.default_rng(0)
    vectors = chance.normal(size=(4_000, 8)) * np.linspace(0.5, 2, 8)
    moments = Moments.of(vectors)
    for vector in (vectors.mean(axis=0), *vectors[:5]):
        within = (np.linalg.norm(vectors - vector, axis=1) <= moments.reach(vector)).mean()
        assert within == pytest.approx(0.05, abs=0.02)


def test_the_middle_of_all_music_reaches_less_far_than_its_edge():
    vectors = np.random.default_rng(0).normal(size=(2_000, 8))
    moments = Moments.of(vectors)
    assert moments.reach(np.zeros(8)) < moments.reach(np.full(8, 3.0))


def test_random_cosines_are_the_same_for_everybody():
    given = cosines(np.ones((2, SIZE)))
    assert given.shape == (2, 512 + SIZE)
    np.testing.assert_array_equal(given[0], given[1])
