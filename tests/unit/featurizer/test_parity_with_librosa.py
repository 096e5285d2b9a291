"""Each feature is what the librosa call that it replaces computes."""

import librosa
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.unit.featurizer.sounds import SOUNDS
from tunekin.features import FEATURES
from tunekin_featurizer import chroma, hpss, mfcc, spectral, stft, tempo

pytestmark = [
    pytest.mark.parametrize("y", SOUNDS.values(), ids=SOUNDS),
    # librosa warns of what these tests mean to ask it.
    pytest.mark.filterwarnings("ignore:n_fft=2048 is too large"),
    pytest.mark.filterwarnings("ignore:Trying to estimate tuning from empty"),
]
BIN_HZ = FEATURES.sample_rate_hz / FEATURES.n_fft


def levels_like_librosa(y: NDArray[np.float32]) -> NDArray[np.float32]:
    """Levels with librosa's smallest power, none more than 80 dB below the loudest."""
    levels = mfcc.levels_db(mfcc.mel_power(stft.magnitude(y)), smallest_power=1e-10)
    return np.asarray(np.maximum(levels, levels.max() - 80))


def test_magnitudes_equal_librosas_stft(y):
    ours, theirs = stft.magnitude(y), np.abs(librosa.stft(y))
    assert ours.shape == theirs.shape
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-6 * max(theirs.max(), 1e-30))


def test_the_centroid_equals_librosas(y):
    magnitudes = stft.magnitude(y)
    theirs = librosa.feature.spectral_centroid(S=magnitudes)[0]
    np.testing.assert_allclose(spectral.centroid(magnitudes), theirs, rtol=1e-5)


def test_the_rolloff_equals_librosas_within_a_bin(y):
    magnitudes = stft.magnitude(y)
    theirs = librosa.feature.spectral_rolloff(S=magnitudes)[0]
    np.testing.assert_allclose(spectral.rolloff(magnitudes), theirs, rtol=0, atol=1.001 * BIN_HZ)


def test_the_zero_crossing_rate_is_exactly_librosas(y):
    theirs = librosa.feature.zero_crossing_rate(y)[0]
    np.testing.assert_array_equal(spectral.zero_crossing_rate(y), theirs.astype(np.float32))


def test_the_tuning_is_librosas(y):
    magnitudes = stft.magnitude(y)
    assert chroma.tuning(magnitudes) == pytest.approx(librosa.estimate_tuning(S=magnitudes**2), abs=1e-9)


def test_the_chroma_equals_librosas(y):
    magnitudes = stft.magnitude(y)
    theirs = librosa.feature.chroma_stft(S=magnitudes**2)
    np.testing.assert_allclose(chroma.chroma(magnitudes), theirs, rtol=0, atol=1e-5)


def test_both_parts_equal_librosas_separation(y):
    magnitudes = stft.magnitude(y)
    ours, theirs = hpss.harmonic_percussive(magnitudes), librosa.decompose.hpss(magnitudes)
    for our_part, their_part in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(our_part, their_part, rtol=1e-6, atol=1e-6 * max(magnitudes.max(), 1e-30))


def test_mel_powers_equal_librosas(y):
    magnitudes = stft.magnitude(y)
    theirs = librosa.feature.melspectrogram(S=magnitudes**2)
    np.testing.assert_allclose(mfcc.mel_power(magnitudes), theirs, rtol=1e-5, atol=1e-30)


def test_the_onset_strength_equals_librosas(y):
    levels = mfcc.levels_db(mfcc.mel_power(stft.magnitude(y)))
    peak_db = mfcc.local_peak_db(levels)
    ours = tempo.onset_strengths(levels, peak_db=peak_db)[0]
    theirs = librosa.onset.onset_strength(S=np.maximum(levels, peak_db - 40), center=False)
    # librosa's are late by the lag that it subtracts, as ours are, and it ends where the signal does.
    np.testing.assert_allclose(ours, theirs[: len(ours)], rtol=0, atol=1e-4)


def test_coefficients_with_a_global_floor_equal_librosas_mfcc(y):
    ours, theirs = mfcc.cepstrum(levels_like_librosa(y)), librosa.feature.mfcc(y=y)
    # Where rounding noise is above the floor, in the spectrum of a constant, it is float32's here and float64's there.
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-2)
