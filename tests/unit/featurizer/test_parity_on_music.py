"""On music, too, each feature is what the librosa call that it replaces computes."""

from pathlib import Path

import librosa
import numpy as np
from numpy.typing import NDArray

from tunekin.features import FEATURES
from tunekin_featurizer import hpss, stft
from tunekin_featurizer.featurize import analyse
from tunekin_ingest.audio import DecodeLimits
from tunekin_ingest.decode import decode
from tunekin_ingest.sniff import sniff

SAMPLE_RATE_HZ = FEATURES.sample_rate_hz
BIN_HZ = SAMPLE_RATE_HZ / FEATURES.n_fft


def beginning(path: Path) -> NDArray[np.float32]:
    """Twelve seconds of a file."""
    data = path.read_bytes()
    with path.open("rb") as file:
        sound = decode(file, container=sniff(data, max_bytes=len(data)), limits=DecodeLimits(), duration_s=12.0)
    return sound.signal


def test_an_analysis_of_music_is_what_librosa_says_of_it(test_music):
    for path in test_music.files[:: max(1, len(test_music.files) // 3)][:3]:
        y = beginning(path)
        analysis, magnitudes = analyse(y), np.abs(librosa.stft(y))
        centroid = librosa.feature.spectral_centroid(S=magnitudes)[0]
        np.testing.assert_allclose(analysis.centroid_hz, centroid, rtol=1e-4, atol=0.1)
        rolloff = librosa.feature.spectral_rolloff(S=magnitudes)[0]
        np.testing.assert_allclose(analysis.rolloff_hz, rolloff, rtol=0, atol=1.001 * BIN_HZ)
        crossings = librosa.feature.zero_crossing_rate(y)[0].astype(np.float32)
        np.testing.assert_array_equal(analysis.zero_crossing_rate, crossings)
        chroma = librosa.feature.chroma_stft(S=magnitudes**2)
        np.testing.assert_allclose(analysis.chroma, chroma, rtol=0, atol=1e-3)


def test_both_parts_of_music_are_librosas_separation(test_music):
    y = beginning(test_music.files[0])
    magnitudes = stft.magnitude(y)
    for ours, theirs in zip(hpss.harmonic_percussive(magnitudes), librosa.decompose.hpss(magnitudes), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6 * magnitudes.max())
