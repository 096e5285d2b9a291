"""Frames know the sound, not what recorded it."""

import numpy as np
import pytest

from tests.unit.featurizer.sounds import SAMPLE_RATE_HZ, music, noise
from tunekin.features import FEATURES
from tunekin_demo import bad_microphone
from tunekin_featurizer.band import band_frames, band_levels
from tunekin_featurizer.featurize import featurize
from tunekin_featurizer.mfcc import levels_db, mel_power
from tunekin_featurizer.stft import magnitude


def levels_of(y):
    return levels_db(mel_power(magnitude(y)))


def frames_of(y):
    return featurize(np.asarray(y, np.float32)).frames.astype(float)


def away(a, b) -> float:
    return float(np.linalg.norm(a - b, axis=1).mean())


def test_nothing_outside_of_the_band_changes_a_frame():
    levels = levels_of(music(duration_s=4))
    changed = levels.copy()
    changed[:8] += 30
    changed[-30:] -= 20
    np.testing.assert_array_equal(band_frames(changed), band_frames(levels))


def test_a_constant_colour_changes_frames_little():
    levels = levels_of(music(duration_s=8))
    tilted = levels + np.linspace(-6, 6, len(levels), dtype=np.float32)[:, None]
    plain, coloured = band_frames(levels).astype(float), band_frames(tilted).astype(float)
    other = band_frames(levels_of(music(duration_s=8, bpm=97, a4_hz=466, seed=1))).astype(float)
    assert away(plain, coloured) < away(plain, other) / 4


@pytest.mark.parametrize(
    "damage",
    [
        lambda y: bad_microphone.telephone_band(y, sample_rate_hz=SAMPLE_RATE_HZ),
        lambda y: bad_microphone.add_noise(y, snr_db=20, seed=3),
        lambda y: bad_microphone.small_speaker(y, sample_rate_hz=SAMPLE_RATE_HZ),
    ],
    ids=["telephone", "noise", "speaker"],
)
def test_a_damaged_recording_is_nearer_to_its_own_sound_than_to_another(damage):
    y, other = music(duration_s=8), music(duration_s=8, bpm=97, a4_hz=466, seed=1)
    assert away(frames_of(damage(y)), frames_of(y)) < away(frames_of(damage(y)), frames_of(other)) * 0.8


def test_levels_lie_between_the_floor_and_the_peak():
    inside = band_levels(levels_of(noise(duration_s=2)), floor_db=12.0)
    assert inside.max() <= 0
    assert inside.min() >= -12
    assert len(inside) < FEATURES.n_mels
