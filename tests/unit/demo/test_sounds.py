"""Instruments, drums and effects: in tune, free of aliases, silent at the end."""

import numpy as np
import pytest

from tunekin_demo.compose.drums import DRUMS
from tunekin_demo.compose.effects import band, convolve, diffuse_tail, drive, echo, pump, tremolo, wobble
from tunekin_demo.compose.instruments import VOICES

RATE_HZ = 22_050


def spectrum_db(y, *, sample_rate_hz=RATE_HZ):
    n = 1 << 18
    magnitudes = np.abs(np.fft.rfft(y * np.blackman(len(y)), n))
    return np.fft.rfftfreq(n, 1.0 / sample_rate_hz), 20.0 * np.log10(magnitudes / magnitudes.max() + 1e-12)


def sine(hz, *, duration_s=1.0, sample_rate_hz=RATE_HZ):
    return np.sin(2.0 * np.pi * hz * np.arange(round(duration_s * sample_rate_hz)) / sample_rate_hz).astype(np.float32)


def rms(y):
    return float(np.sqrt(np.mean(np.square(y, dtype=np.float64))))


@pytest.mark.parametrize("hz", [82.4, 220.0, 659.3])
@pytest.mark.parametrize("name", VOICES)
def test_a_voice_is_in_tune(name, hz):
    y = VOICES[name](hz=hz, length_s=1.5, sample_rate_hz=RATE_HZ, brightness=1.0)
    sounding_hz = 2.0 * hz if name == "glass pad" else hz
    frequencies, levels = spectrum_db(y)
    near = np.abs(frequencies / sounding_hz - 1.0) < 0.03
    strongest = frequencies[near][np.argmax(levels[near])]
    # Detuned oscillators and vibrato lie up to 15 cents beside the pitch.
    assert abs(1_200.0 * np.log2(strongest / sounding_hz)) < 16.0
    assert levels[near].max() > -20.0


@pytest.mark.parametrize("sample_rate_hz", [8_000, 22_050, 44_100])
@pytest.mark.parametrize("name", VOICES)
def test_a_voice_lasts_as_long_as_the_note_and_ends_in_silence(name, sample_rate_hz):
    y = VOICES[name](hz=440.0, length_s=1.0, sample_rate_hz=sample_rate_hz, brightness=1.3)
    assert y.dtype == np.float32
    assert np.all(np.isfinite(y))
    assert len(y) >= sample_rate_hz
    assert 0.3 < np.max(np.abs(y)) < 3.0
    assert abs(y[-1]) < 1e-3


def test_an_oscillator_has_no_partial_that_is_no_multiple_of_its_pitch():
    hz = 1_234.5
    y = VOICES["pulse 12"](hz=hz, length_s=2.0, sample_rate_hz=RATE_HZ, brightness=1.0)
    frequencies, levels = spectrum_db(y[: 2 * RATE_HZ])
    distance = np.abs(frequencies / hz - np.round(frequencies / hz)) * hz
    assert levels[(distance > 60.0) & (frequencies > 100.0)].max() < -55.0


def test_a_brighter_voice_has_more_treble():
    def treble(brightness):
        y = VOICES["strings"](hz=220.0, length_s=1.0, sample_rate_hz=RATE_HZ, brightness=brightness)
        return rms(band(y, low_hz=3_000.0, sample_rate_hz=RATE_HZ)) / rms(y)

    assert treble(0.7) < treble(1.0) < treble(1.4)


@pytest.mark.parametrize("sample_rate_hz", [8_000, 22_050, 44_100])
@pytest.mark.parametrize("name", DRUMS)
def test_a_drum_peaks_at_1_and_ends_in_silence(name, sample_rate_hz):
    y = DRUMS[name](sample_rate_hz=sample_rate_hz, tuning=1.1)
    assert y.dtype == np.float32
    assert np.max(np.abs(y)) == pytest.approx(1.0)
    assert abs(y[-1]) < 0.05
    assert len(y) < 3 * sample_rate_hz


def test_a_bass_drum_is_low_and_a_cymbal_high():
    def centroid_hz(name):
        frequencies, levels = spectrum_db(DRUMS[name](sample_rate_hz=RATE_HZ, tuning=1.0))
        power = 10.0 ** (levels / 10.0)
        return float(np.sum(frequencies * power) / np.sum(power))

    assert centroid_hz("house kick") < 200.0
    assert 700.0 < centroid_hz("clap") < 5_000.0 < centroid_hz("hat")


@pytest.mark.parametrize(
    ("edges", "kept_hz", "cut_hz"),
    [
        ({"low_hz": 1_000.0}, 4_000.0, 125.0),
        ({"high_hz": 1_000.0}, 125.0, 8_000.0),
        ({"low_hz": 500.0, "high_hz": 2_000.0}, 1_000.0, 60.0),
    ],
)
def test_a_filter_keeps_its_band_and_takes_the_rest(edges, kept_hz, cut_hz):
    keep, take = sine(kept_hz), sine(cut_hz)
    assert rms(band(keep, sample_rate_hz=RATE_HZ, **edges)) == pytest.approx(rms(keep), rel=0.05)
    assert rms(band(take, sample_rate_hz=RATE_HZ, **edges)) < 0.03 * rms(take)


def test_a_filter_with_open_edges_changes_nothing():
    y = sine(440.0)
    np.testing.assert_array_equal(band(y, sample_rate_hz=RATE_HZ), y)
    np.testing.assert_array_equal(band(y, sample_rate_hz=RATE_HZ, high_hz=20_000.0), y)


def test_an_impulse_response_of_one_sample_changes_nothing():
    y = sine(440.0)
    np.testing.assert_allclose(convolve(y, response=np.ones(1)), y, atol=1e-6)


def test_a_diffuse_tail_falls_by_60_db_in_its_reverberation_time():
    tail = diffuse_tail(rt60_s=1.0, sample_rate_hz=RATE_HZ, seed=3).astype(np.float64)
    assert np.sum(tail**2) == pytest.approx(1.0, rel=1e-5)
    windows = np.sqrt(np.mean(tail[: RATE_HZ // 10 * 10].reshape(10, -1) ** 2, axis=1))
    slope_db, _ = np.polyfit(np.arange(10) / 10.0, 20.0 * np.log10(windows), 1)
    assert slope_db == pytest.approx(-60.0, abs=1.5)


def test_saturation_keeps_the_peak_and_adds_odd_harmonics():
    y = 0.5 * sine(441.0)
    driven = drive(y, amount=8.0)
    assert np.max(np.abs(driven)) == pytest.approx(np.max(np.abs(y)))
    frequencies, levels = spectrum_db(driven)
    assert levels[np.abs(frequencies - 3 * 441.0) < 5.0].max() > -20.0
    assert levels[np.abs(frequencies - 2 * 441.0) < 5.0].max() < -60.0


def test_saturation_leaves_silence_silent():
    np.testing.assert_array_equal(drive(np.zeros(8, dtype=np.float32), amount=5.0), np.zeros(8))


def test_an_echo_comes_back_weaker_each_time():
    y = np.zeros(RATE_HZ, dtype=np.float32)
    y[0] = 1.0
    heard = echo(y, delay_s=0.3, feedback=0.5, sample_rate_hz=RATE_HZ)
    np.testing.assert_array_equal(np.flatnonzero(heard), [0, 6_615, 13_230, 19_845])
    np.testing.assert_allclose(heard[heard > 0.0], [1.0, 0.5, 0.25, 0.125])


def test_pumping_is_deepest_on_the_beat():
    y = np.ones(RATE_HZ, dtype=np.float32)
    pumped = pump(y, beat_s=0.5, offset_s=0.1, depth=0.8, sample_rate_hz=RATE_HZ)
    np.testing.assert_allclose(pumped[[round(0.1 * RATE_HZ), round(0.6 * RATE_HZ)]], 0.2, atol=1e-3)
    assert pumped.max() > 0.99


def test_a_tremolo_comes_and_goes_at_its_rate():
    swayed = tremolo(np.ones(RATE_HZ, dtype=np.float32), rate_hz=4.0, depth=0.5, sample_rate_hz=RATE_HZ)
    assert swayed.min() == pytest.approx(0.5, abs=1e-3)
    assert swayed.max() == pytest.approx(1.0, abs=1e-3)
    assert int(np.argmax(np.abs(np.fft.rfft(swayed - swayed.mean())))) == 4


def test_a_worn_tape_bends_the_pitch_and_keeps_the_length():
    y = sine(1_000.0, duration_s=2.0)
    worn = wobble(y, rate_hz=1.0, depth_s=0.002, sample_rate_hz=RATE_HZ)
    assert worn.shape == y.shape
    frequencies, levels = spectrum_db(worn)
    beside = np.abs(np.abs(frequencies - 1_000.0) - 5.0) < 2.0
    assert levels[beside].max() > -20.0
