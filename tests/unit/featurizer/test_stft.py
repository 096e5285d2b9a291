"""Magnitudes of the short-time Fourier transform."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.featurizer.sounds import SAMPLE_RATE_HZ, noise, seconds
from tunekin.features import FEATURES
from tunekin_featurizer import stft


@given(samples=st.integers(1, 20_000))
def test_there_is_a_column_for_every_hop(samples):
    magnitudes = stft.magnitude(np.ones(samples, dtype=np.float32))
    assert magnitudes.shape == (1 + FEATURES.n_fft // 2, stft.column_count(samples))


def test_a_sine_peaks_in_its_own_bin():
    frequency_hz = stft.frequencies_hz()[200]
    magnitudes = stft.magnitude(np.sin(2 * np.pi * frequency_hz * seconds(1)).astype(np.float32))
    assert (magnitudes[:, 3:-3].argmax(axis=0) == 200).all()


def test_a_column_is_centred_on_its_sample():
    y = np.zeros(SAMPLE_RATE_HZ, dtype=np.float32)
    y[10 * FEATURES.hop] = 1
    assert stft.magnitude(y).sum(axis=0).argmax() == 10


def test_the_version_sets_window_and_hop():
    version = replace(FEATURES, n_fft=1_024, hop=256)
    assert stft.magnitude(noise(duration_s=1), version=version).shape == (513, 1 + SAMPLE_RATE_HZ // 256)


def test_the_bins_frequencies_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        stft.frequencies_hz()[0] = 1
