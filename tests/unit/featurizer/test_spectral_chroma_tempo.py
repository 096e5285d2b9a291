"""What single features say of sounds whose answer is known."""

import numpy as np
import pytest

from tests.unit.featurizer.sounds import clicks, music, noise, seconds
from tunekin_featurizer import chroma, mfcc, spectral, stft, tempo


def sine(frequency_hz: float, *, duration_s: float = 2.0):
    return (0.5 * np.sin(2 * np.pi * frequency_hz * seconds(duration_s))).astype(np.float32)


@pytest.mark.parametrize("frequency_hz", [220, 1_000, 5_000])
def test_the_centroid_and_the_rolloff_of_a_sine_are_its_frequency(frequency_hz):
    magnitudes = stft.magnitude(sine(frequency_hz))[:, 5:-5]
    np.testing.assert_allclose(spectral.centroid(magnitudes), frequency_hz, rtol=0.05)
    np.testing.assert_allclose(spectral.rolloff(magnitudes), frequency_hz, atol=25)


@pytest.mark.parametrize("frequency_hz", [220, 1_000, 5_000])
def test_a_sine_crosses_zero_twice_a_period(frequency_hz):
    rate = spectral.zero_crossing_rate(sine(frequency_hz))[5:-5]
    np.testing.assert_allclose(rate, 2 * frequency_hz / 22_050, atol=2 / 2_048)


def test_rounding_noise_around_zero_does_not_cross_it():
    assert not spectral.zero_crossing_rate(np.float32(1e-11) * noise(duration_s=1)).any()


@pytest.mark.parametrize("share", [0.0, 1.0, -1.0, 85.0])
def test_an_impossible_roll_share_is_refused_with_its_value(share):
    with pytest.raises(ValueError, match=f"roll_share is {share}"):
        spectral.rolloff(stft.magnitude(noise(duration_s=0.1)), roll_share=share)


def test_a_larger_share_rolls_off_higher():
    magnitudes = stft.magnitude(noise(duration_s=1))
    assert (spectral.rolloff(magnitudes, roll_share=0.95) > spectral.rolloff(magnitudes, roll_share=0.5)).all()


@pytest.mark.parametrize(("frequency_hz", "pitch_class"), [(261.63, 0), (440.0, 9), (493.88, 11), (1_760.0, 9)])
def test_a_tone_is_loudest_in_its_pitch_class(frequency_hz, pitch_class):
    found = chroma.chroma(stft.magnitude(sine(frequency_hz)))
    assert (found[:, 5:-5].argmax(axis=0) == pitch_class).all()
    assert found[:, 5:-5].max() == 1


@pytest.mark.parametrize("deviation", [-0.3, 0.0, 0.25])
def test_music_out_of_tune_is_heard_as_such(deviation):
    y = music(duration_s=8, a4_hz=440 * 2 ** (deviation / 12))
    assert chroma.tuning(stft.magnitude(y)) == pytest.approx(deviation, abs=0.05)


def test_a_given_tuning_is_used():
    magnitudes = stft.magnitude(sine(440 * 2 ** (0.5 / 12)))
    sharp, flat = (chroma.chroma(magnitudes, tuning_semitones=t)[:, 5:-5] for t in (0.45, -0.45))
    assert (sharp.argmax(axis=0) == 9).all()
    assert (flat.argmax(axis=0) == 10).all()


def heard(y):
    levels = mfcc.levels_db(mfcc.mel_power(stft.magnitude(y)))
    return tempo.onset_strengths(levels, peak_db=mfcc.local_peak_db(levels))


@pytest.mark.parametrize("bpm", [70, 90, 120, 150, 175])
def test_the_tempo_of_a_metronome_is_found(bpm):
    assert tempo.tempo_bpm(heard(clicks(duration_s=20, every_s=60 / bpm))) == pytest.approx(bpm, rel=0.02)


@pytest.mark.parametrize("bpm", [80, 104, 125, 160])
def test_the_tempo_of_six_seconds_of_music_is_found(bpm):
    assert tempo.tempo_bpm(heard(music(duration_s=6, bpm=bpm))) == pytest.approx(bpm, rel=0.02)


def test_without_onsets_the_tempo_is_the_usual_one():
    assert tempo.tempo_bpm(np.zeros((2, 100), dtype=np.float32)) == tempo.USUAL_BPM


def test_a_quieter_recording_has_the_same_tempo():
    y = music(duration_s=12, bpm=97)
    assert tempo.tempo_bpm(heard(0.01 * y)) == pytest.approx(tempo.tempo_bpm(heard(y)), rel=1e-3)


@pytest.mark.parametrize("t", [1, 2, 3, 43, 511, 512, 513, 30_000])
def test_onsets_of_any_number_have_a_tempo_that_music_has(t):
    strengths = np.random.default_rng(t).gamma(0.5, size=(2, t)).astype(np.float32)
    assert 0.95 * tempo.TEMPI_BPM[-1] < tempo.tempo_bpm(strengths) < 1.05 * tempo.TEMPI_BPM[0]


def test_onsets_do_not_depend_on_the_blocks_that_they_are_found_in():
    levels = np.random.default_rng(0).normal(size=(128, 2_100)).astype(np.float32)
    peak_db = levels.max(axis=0)
    strengths = tempo.onset_strengths(levels, peak_db=peak_db)
    for first, end in ((1_000, 1_100), (2_040, 2_100)):
        part = tempo.onset_strengths(levels[:, first:end], peak_db=peak_db[first:end])
        np.testing.assert_array_equal(part[:, 1:], strengths[:, first + 1 : end])


def test_an_onset_is_as_strong_as_its_mean_rise():
    levels = np.zeros((128, 20), dtype=np.float32)
    levels[64:, 10:] = 12
    strengths = tempo.onset_strengths(levels, peak_db=levels.max(axis=0))
    assert strengths[0].argmax() == 10
    assert strengths[0].max() == pytest.approx(6)
    assert np.count_nonzero(strengths) == 1
