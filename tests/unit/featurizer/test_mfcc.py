"""Coefficients of levels relative to the local peak."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.fft
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.featurizer.sounds import SAMPLE_RATE_HZ, music, noise
from tunekin.features import FEATURES
from tunekin_featurizer import mfcc, stft

REACH = round(FEATURES.peak_window_s / 2 * FEATURES.sample_rate_hz / FEATURES.hop)


def levels_of(y):
    return mfcc.levels_db(mfcc.mel_power(stft.magnitude(y)))


@pytest.mark.parametrize("t", [1, 5, REACH, 2 * REACH + 50])
def test_the_local_peak_is_the_loudest_band_around_each_column(t):
    levels = np.random.default_rng(t).normal(size=(4, t)).astype(np.float32)
    expected = [levels[:, max(0, i - REACH) : i + REACH + 1].max() for i in range(t)]
    np.testing.assert_array_equal(mfcc.local_peak_db(levels), np.array(expected, dtype=np.float32))


def test_levels_lie_between_the_floor_and_the_peak():
    levels = levels_of(music(duration_s=8))
    relative = mfcc.relative_db(levels, peak_db=mfcc.local_peak_db(levels), floor_db=40.0)
    assert relative.max() == 0
    assert relative.min() == -40


def test_silence_is_at_the_floor():
    levels = levels_of(np.zeros(SAMPLE_RATE_HZ, dtype=np.float32))
    assert (mfcc.relative_db(levels, peak_db=mfcc.local_peak_db(levels), floor_db=40.0) == -40).all()


def test_silence_beside_music_is_at_the_same_floor_as_silence_alone():
    levels = levels_of(np.concatenate((music(duration_s=1), np.zeros(SAMPLE_RATE_HZ, dtype=np.float32))))
    relative = mfcc.relative_db(levels, peak_db=mfcc.local_peak_db(levels), floor_db=40.0)
    assert (relative[:, -10:] == -40).all()


@given(gain_db=st.floats(-60, 0))
def test_a_gain_changes_no_coefficient(gain_db):
    y = music(duration_s=1)
    quieter = y * np.float32(10 ** (gain_db / 20))
    np.testing.assert_allclose(mfcc.mfcc(levels_of(quieter)), mfcc.mfcc(levels_of(y)), rtol=0, atol=5e-3)


def test_a_passage_has_the_same_coefficients_within_a_louder_song():
    hop_s = FEATURES.hop / SAMPLE_RATE_HZ
    passage = 0.1 * music(duration_s=12)
    passage = passage[: len(passage) // FEATURES.hop * FEATURES.hop]
    song = np.concatenate((passage, noise(duration_s=8, deviation=0.3)))
    alone, within = (mfcc.mfcc(levels_of(y)) for y in (passage, song))
    unaffected = round((12 - FEATURES.peak_window_s / 2 - 0.2) / hop_s)
    np.testing.assert_allclose(within[:, :unaffected], alone[:, :unaffected], rtol=0, atol=5e-3)
    assert np.abs(within[0, unaffected + 30] - alone[0, unaffected + 30]) > 10


def test_noise_below_the_floor_is_not_heard():
    y = music(duration_s=4)
    hiss = noise(duration_s=4, deviation=float(y.std()) * 10 ** (-70 / 20), seed=5)
    moved = np.abs(mfcc.mfcc(levels_of(y + hiss)) - mfcc.mfcc(levels_of(y)))
    unfloored = np.abs(mfcc.cepstrum(levels_of(y + hiss)) - mfcc.cepstrum(levels_of(y)))
    assert moved.mean() < 0.1
    assert unfloored.mean() > 10 * moved.mean()


def test_the_cepstrum_is_the_orthonormal_dct():
    levels = np.random.default_rng(0).normal(-20, 10, size=(128, 7)).astype(np.float32)
    expected = scipy.fft.dct(levels.astype(np.float64), axis=0, norm="ortho")[:20]
    np.testing.assert_allclose(mfcc.cepstrum(levels), expected, rtol=0, atol=1e-4)


def test_the_version_says_how_many_coefficients_there_are():
    levels = levels_of(music(duration_s=1))
    assert mfcc.mfcc(levels, version=replace(FEATURES, n_mfcc=13)).shape == (13, levels.shape[1])


def test_no_power_at_all_has_a_finite_level():
    assert np.isfinite(mfcc.levels_db(np.zeros(3, dtype=np.float32))).all()
