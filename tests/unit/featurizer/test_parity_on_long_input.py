"""Of a song of minutes, too, which is analysed block by block, each feature is what librosa says of it at once.

Spectra are librosa's own here, so what differs is rounding: of float32 in transforms, some 1e-7 of a column's loudest
bin. It is told apart from what a wrong block would do by tolerances a hundred times below any audible change.
"""

from dataclasses import dataclass

import librosa
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.unit.featurizer.sounds import SAMPLE_RATE_HZ, SOUNDS, clicks, noise
from tunekin.features import FEATURES
from tunekin_featurizer import mfcc, tempo
from tunekin_featurizer.featurize import _KEPT_COLUMNS, Analysis, analyse
from tunekin_featurizer.hpss import BLOCK, KERNEL

BIN_HZ = SAMPLE_RATE_HZ / FEATURES.n_fft
# Columns whose magnitudes are kept: whole blocks.
KEPT = _KEPT_COLUMNS // BLOCK * BLOCK


@dataclass(frozen=True)
class Heard:
    """A long signal, what is said of it here, and librosa's spectrogram."""

    y: NDArray[np.float32]
    analysis: Analysis
    magnitudes: NDArray[np.float32]


@pytest.fixture(scope="module")
def heard() -> Heard:
    """Four minutes of music, loud, quiet and beside a constant, with noise, silence and clicks between."""
    song = SOUNDS["long music"]
    silence = np.zeros(25 * SAMPLE_RATE_HZ, dtype=np.float32)
    between = [noise(duration_s=40), silence, clicks(duration_s=25, every_s=0.5)]
    loud_and_quiet = [song, song * np.float32(0.01), song[::-1]]
    y = np.concatenate((*loud_and_quiet, *between, song, song * np.float32(0.5) + np.float32(0.2), song))
    heard = Heard(y, analyse(y), np.abs(librosa.stft(y)))
    # Long enough that only the beginning of its spectrogram is kept.
    assert heard.magnitudes.shape[1] > KEPT + 2 * BLOCK
    return heard


def librosas_levels(heard: Heard) -> NDArray[np.float32]:
    """Mel levels, none too low to be told from silence by any."""
    powers = librosa.feature.melspectrogram(S=heard.magnitudes**2)
    return np.asarray(librosa.power_to_db(powers, amin=mfcc._SMALLEST_POWER, top_db=None))


def test_centroid_rolloff_and_crossings_of_four_minutes_are_librosas(heard):
    centroid = librosa.feature.spectral_centroid(S=heard.magnitudes)[0]
    np.testing.assert_allclose(heard.analysis.centroid_hz, centroid, rtol=1e-4, atol=0.1)
    rolloff = librosa.feature.spectral_rolloff(S=heard.magnitudes)[0]
    np.testing.assert_allclose(heard.analysis.rolloff_hz, rolloff, rtol=0, atol=1.001 * BIN_HZ)
    crossings = librosa.feature.zero_crossing_rate(heard.y)[0].astype(np.float32)
    np.testing.assert_array_equal(heard.analysis.zero_crossing_rate, crossings)


def test_the_chroma_of_four_minutes_is_librosas(heard):
    theirs = librosa.feature.chroma_stft(S=heard.magnitudes**2)
    np.testing.assert_allclose(heard.analysis.chroma, theirs, rtol=0, atol=1e-3)


def test_levels_and_coefficients_of_four_minutes_are_librosas(heard):
    levels = librosas_levels(heard)
    # Further below the peak of its surroundings a level is rounding noise.
    floor_db = heard.analysis.peak_db - 80
    ours, theirs = np.maximum(heard.analysis.levels, floor_db), np.maximum(levels, floor_db)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-2)
    relative = mfcc.relative_db(levels, peak_db=heard.analysis.peak_db, floor_db=FEATURES.floor_db)
    coefficients = librosa.feature.mfcc(S=relative, n_mfcc=FEATURES.n_mfcc)
    np.testing.assert_allclose(heard.analysis.mfcc, coefficients, rtol=0, atol=1e-2)


def test_onsets_of_four_minutes_are_librosas(heard):
    peak_db = heard.analysis.peak_db
    ours = tempo.onset_strengths(heard.analysis.levels, peak_db=peak_db)[0]
    theirs = librosa.onset.onset_strength(S=np.maximum(librosas_levels(heard), peak_db - 40), center=False)
    np.testing.assert_allclose(ours, theirs[: len(ours)], rtol=0, atol=1e-3)


@pytest.mark.parametrize("seam", [BLOCK, KEPT, KEPT + BLOCK])
def test_both_parts_around_the_seams_of_blocks_are_librosas(heard, seam):
    # librosa's own medians of all four minutes take half a minute; theirs reach no further than these columns.
    reach = KERNEL // 2
    around = slice(seam - 60 - reach, seam + 60 + reach)
    magnitudes = np.ascontiguousarray(heard.magnitudes[:, around])
    energy = (magnitudes**2).sum(axis=0)[reach:-reach]
    shares = (heard.analysis.harmonic_share, heard.analysis.percussive_share)
    for ours, part in zip(shares, librosa.decompose.hpss(magnitudes), strict=True):
        theirs = (part**2).sum(axis=0)[reach:-reach] / energy
        np.testing.assert_allclose(ours[seam - 60 : seam + 60], theirs, rtol=1e-3, atol=1e-6)
