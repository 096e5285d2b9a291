"""Filter banks are librosa's."""

import librosa
import numpy as np
import pytest

from tunekin_featurizer import filters


@pytest.mark.parametrize(
    ("rate_hz", "n_fft", "n_mels"), [(22_050, 2_048, 128), (16_000, 1_024, 40), (44_100, 4_096, 80)]
)
def test_the_mel_bank_is_librosas(rate_hz, n_fft, n_mels):
    ours = filters.mel_bank(sample_rate_hz=rate_hz, n_fft=n_fft, n_mels=n_mels)
    theirs = librosa.filters.mel(sr=rate_hz, n_fft=n_fft, n_mels=n_mels)
    np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-9)
    np.testing.assert_array_equal(ours > 0, theirs > 0)


@pytest.mark.parametrize("tuning", [-0.5, -0.13, 0.0, 0.01, 0.49])
@pytest.mark.parametrize(("rate_hz", "n_fft"), [(22_050, 2_048), (16_000, 1_024)])
def test_the_chroma_bank_is_librosas(rate_hz, n_fft, tuning):
    ours = filters.chroma_bank(sample_rate_hz=rate_hz, n_fft=n_fft, tuning_semitones=tuning)
    theirs = librosa.filters.chroma(sr=rate_hz, n_fft=n_fft, tuning=tuning)
    np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(("count", "highest_hz"), [(130, 11_025.0), (42, 8_000.0), (2, 1_000.0)])
def test_mel_frequencies_are_librosas(count, highest_hz):
    theirs = librosa.mel_frequencies(count, fmin=0.0, fmax=highest_hz)
    np.testing.assert_allclose(filters.mel_frequencies_hz(count, highest_hz=highest_hz), theirs, rtol=1e-12)


def test_a_cached_bank_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        filters.mel_bank(sample_rate_hz=22_050, n_fft=2_048, n_mels=128)[0, 0] = 1
