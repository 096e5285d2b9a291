"""The bad microphone: every fault is as large as it says."""

import io

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunekin.errors import OptionError, SilentAudioError
from tunekin_demo import bad_microphone
from tunekin_demo.bad_microphone import CODECS

RATE_HZ = 22_050


def music(*, duration_s=6.0, sample_rate_hz=RATE_HZ, seed=0):
    """Chords and strokes over noise: every octave has something to lose."""
    rng = np.random.default_rng(seed)
    time_s = np.arange(round(duration_s * sample_rate_hz)) / sample_rate_hz
    tones = sum(np.sin(2.0 * np.pi * hz * time_s + hz) for hz in (55.0, 110.0, 220.0, 440.0, 660.0, 1_320.0, 2_640.0))
    y = (0.3 * tones + rng.standard_normal(len(time_s))) * (0.2 + np.exp(-6.0 * (time_s % 0.5)))
    return (0.7 * y / np.max(np.abs(y))).astype(np.float32)


def power(y):
    return float(np.mean(np.square(y, dtype=np.float64)))


def band_db(y, low_hz, high_hz, *, sample_rate_hz=RATE_HZ):
    spectrum = np.abs(np.fft.rfft(y * np.hanning(len(y)))) ** 2
    frequencies = np.fft.rfftfreq(len(y), 1.0 / sample_rate_hz)
    return 10.0 * np.log10(np.sum(spectrum[(frequencies >= low_hz) & (frequencies < high_hz)]))


def decode(data):
    """Samples [channels, n] and sample rate."""
    with av.open(io.BytesIO(data)) as container:
        frames = list(container.decode(audio=0))
    assert all(frame.format.is_planar for frame in frames)
    return np.concatenate([frame.to_ndarray() for frame in frames], axis=1), frames[0].sample_rate


def test_the_telephone_band_is_kept_and_the_rest_cut():
    y = music()
    heard = bad_microphone.telephone_band(y, sample_rate_hz=RATE_HZ)
    assert heard.dtype == np.float32
    assert heard.shape == y.shape
    for low_hz, high_hz in ((400, 800), (800, 1_600), (1_600, 3_000)):
        assert band_db(heard, low_hz, high_hz) == pytest.approx(band_db(y, low_hz, high_hz), abs=0.5)
    for low_hz, high_hz in ((20, 210), (4_850, 11_000)):
        assert band_db(heard, low_hz, high_hz) < band_db(y, low_hz, high_hz) - 30.0


@pytest.mark.parametrize("edges", [(0.0, 3_400.0), (3_400.0, 300.0), (300.0, 300.0)])
@pytest.mark.parametrize("fault", [bad_microphone.telephone_band, bad_microphone.small_speaker])
def test_a_band_without_width_is_refused(fault, edges):
    with pytest.raises(OptionError, match="the band is"):
        fault(music(), sample_rate_hz=RATE_HZ, low_hz=edges[0], high_hz=edges[1])


def test_a_small_speaker_has_no_bass():
    y = music()
    heard = bad_microphone.small_speaker(y, sample_rate_hz=RATE_HZ, amount=0.01)
    assert band_db(heard, 40, 125) < band_db(y, 40, 125) - 24.0
    assert band_db(heard, 500, 5_000) == pytest.approx(band_db(y, 500, 5_000), abs=0.5)


def test_a_small_speaker_distorts_more_the_harder_it_is_driven():
    tone = 0.5 * np.sin(2.0 * np.pi * 1_000.0 * np.arange(RATE_HZ) / RATE_HZ)

    def third_harmonic_db(amount):
        heard = bad_microphone.small_speaker(tone, sample_rate_hz=RATE_HZ, amount=amount)
        return band_db(heard, 2_950, 3_050) - band_db(heard, 950, 1_050)

    assert third_harmonic_db(0.01) < -70.0
    assert third_harmonic_db(0.01) < third_harmonic_db(1.5) < third_harmonic_db(6.0) < -9.0


@pytest.mark.parametrize("amount", [0.0, -1.0])
def test_a_saturation_that_is_not_positive_is_refused(amount):
    with pytest.raises(OptionError, match="amount is"):
        bad_microphone.small_speaker(music(), sample_rate_hz=RATE_HZ, amount=amount)


@pytest.mark.parametrize("rt60_s", [0.2, 0.4, 0.8, 2.0])
@pytest.mark.parametrize("seed", range(3))
def test_a_room_has_the_reverberation_time_that_it_was_given(rt60_s, seed):
    response = bad_microphone.room_response(sample_rate_hz=RATE_HZ, rt60_s=rt60_s, seed=seed).astype(np.float64)
    # Backward integration by Schroeder (1965), over 25 dB of the decay that follows the early echoes.
    late = response[round(0.055 * RATE_HZ) :]
    decay_db = 10.0 * np.log10(np.cumsum(late[::-1] ** 2)[::-1] / np.sum(late**2) + 1e-12)
    fit = (decay_db <= -3.0) & (decay_db >= -28.0)
    slope_db, _ = np.polyfit(np.flatnonzero(fit) / RATE_HZ, decay_db[fit], 1)
    assert -60.0 / slope_db == pytest.approx(rt60_s, rel=0.1)


@pytest.mark.parametrize("ratio_db", [-3.0, 6.0, 12.0])
def test_a_room_adds_as_much_as_it_was_told_to(ratio_db):
    response = bad_microphone.room_response(sample_rate_hz=RATE_HZ, direct_to_reverberant_db=ratio_db, seed=1)
    assert response[0] == 1.0
    assert -10.0 * np.log10(np.sum(response[1:].astype(np.float64) ** 2)) == pytest.approx(ratio_db, abs=0.01)


def test_a_room_returns_an_impulse_as_its_response():
    y = np.zeros(RATE_HZ, dtype=np.float32)
    y[0] = 1.0
    response = bad_microphone.room_response(sample_rate_hz=RATE_HZ, rt60_s=0.3, seed=5)
    heard = bad_microphone.room(y, sample_rate_hz=RATE_HZ, rt60_s=0.3, seed=5)
    assert heard.shape == y.shape
    np.testing.assert_allclose(heard[: len(response)], response, atol=1e-5)


@pytest.mark.parametrize("rt60_s", [0.0, -0.5])
def test_a_room_without_reverberation_time_is_refused(rt60_s):
    with pytest.raises(OptionError, match="rt60_s is"):
        bad_microphone.room(music(), sample_rate_hz=RATE_HZ, rt60_s=rt60_s)


@given(
    snr_db=st.floats(-20.0, 40.0),
    colour=st.sampled_from(["white", "pink"]),
    level_db=st.floats(-60.0, 0.0),
    seed=st.integers(0, 2**32),
)
def test_the_signal_to_noise_ratio_is_met(snr_db, colour, level_db, seed):
    y = bad_microphone.gain(music(duration_s=1.0), gain_db=level_db).astype(np.float64)
    noise = bad_microphone.add_noise(y, snr_db=snr_db, colour=colour, seed=seed) - y
    assert 10.0 * np.log10(power(y) / power(noise)) == pytest.approx(snr_db, abs=0.01)


@pytest.mark.parametrize(("colour", "slope_db"), [("white", 3.01), ("pink", 0.0)])
def test_noise_has_the_same_power_in_every_hertz_or_in_every_octave(colour, slope_db):
    y = np.full(10 * RATE_HZ, 0.1)
    noise = bad_microphone.add_noise(y, snr_db=0.0, colour=colour, seed=2) - y
    octaves = [band_db(noise, low_hz, 2 * low_hz) for low_hz in (80, 160, 320, 640, 1_280, 2_560, 5_120)]
    assert np.polyfit(range(len(octaves)), octaves, 1)[0] == pytest.approx(slope_db, abs=0.3)


@pytest.mark.parametrize("silence", [np.zeros(100), np.zeros(0)])
def test_noise_in_proportion_to_silence_is_refused(silence):
    with pytest.raises(SilentAudioError, match="silent"):
        bad_microphone.add_noise(silence, snr_db=20.0)


def test_noise_of_an_unknown_colour_is_refused():
    with pytest.raises(OptionError, match="colour is 'brown'"):
        bad_microphone.add_noise(music(), snr_db=20.0, colour="brown")  # type: ignore[arg-type]


@given(gain_db=st.floats(-60.0, 20.0))
def test_a_gain_changes_the_level_by_what_it_says(gain_db):
    y = music(duration_s=0.5)
    assert 10.0 * np.log10(power(bad_microphone.gain(y, gain_db=gain_db)) / power(y)) == pytest.approx(
        gain_db, abs=1e-3
    )


def test_a_recording_is_softer_and_noisier_and_still_the_same_music():
    y = music()
    heard = bad_microphone.record(y, sample_rate_hz=RATE_HZ, seed=1)
    assert heard.dtype == np.float32
    assert heard.shape == y.shape
    assert np.max(np.abs(heard)) < 1.0
    # The room adds to the music's power what it returns.
    assert 10.0 * np.log10(power(heard) / power(y)) == pytest.approx(-12.0, abs=1.5)
    clean = bad_microphone.room(y, sample_rate_hz=RATE_HZ, rt60_s=0.3, direct_to_reverberant_db=8.0, seed=1)
    noise = bad_microphone.gain(heard, gain_db=12.0).astype(np.float64) - clean
    assert 10.0 * np.log10(power(clean) / power(noise)) == pytest.approx(20.0, abs=0.01)
    assert np.corrcoef(heard, y)[0, 1] > 0.8


def test_chance_is_repeated_by_its_seed_and_changed_by_another():
    y = music()
    for fault in (
        lambda seed: bad_microphone.record(y, sample_rate_hz=RATE_HZ, seed=seed),
        lambda seed: bad_microphone.add_noise(y, snr_db=10.0, seed=seed),
        lambda seed: bad_microphone.room(y, sample_rate_hz=RATE_HZ, seed=seed),
    ):
        np.testing.assert_array_equal(fault(7), fault(7))
        assert not np.array_equal(fault(7), fault(8))


def test_no_fault_changes_the_signal_that_it_was_given():
    y = music()
    before = y.copy()
    bad_microphone.record(y, sample_rate_hz=RATE_HZ)
    bad_microphone.small_speaker(y, sample_rate_hz=RATE_HZ)
    bad_microphone.telephone_band(y, sample_rate_hz=RATE_HZ)
    bad_microphone.cut(y, start_s=1.0, duration_s=1.0, sample_rate_hz=RATE_HZ)[:] = 0.0
    bad_microphone.encode(y, sample_rate_hz=RATE_HZ, codec="mp3")
    np.testing.assert_array_equal(y, before)


def test_a_cut_is_the_span_that_was_asked_for():
    y = music()
    span = bad_microphone.cut(y, start_s=1.5, duration_s=2.0, sample_rate_hz=RATE_HZ)
    np.testing.assert_array_equal(span, y[33_075:77_175])
    np.testing.assert_array_equal(bad_microphone.cut(y, start_s=0.0, duration_s=6.0, sample_rate_hz=RATE_HZ), y)


@pytest.mark.parametrize(("start_s", "duration_s"), [(-0.1, 1.0), (0.0, 0.0), (0.0, 6.1), (5.5, 1.0), (7.0, 1.0)])
def test_a_cut_that_leaves_the_signal_is_refused(start_s, duration_s):
    with pytest.raises(OptionError, match="the span is"):
        bad_microphone.cut(music(), start_s=start_s, duration_s=duration_s, sample_rate_hz=RATE_HZ)


# What an encoder may add: the rest of its last frame, and its delay where the container does not say it.
LONGEST_PADDING = {"mp3": 1_152, "opus": 960, "aac": 2_048, "vorbis": 2_048}


@pytest.mark.parametrize("sample_rate_hz", [22_050, 44_100, 48_000])
@pytest.mark.parametrize("codec", CODECS)
def test_what_is_decoded_is_as_long_as_what_was_encoded(codec, sample_rate_hz):
    y = music(sample_rate_hz=sample_rate_hz)
    decoded, rate_hz = decode(bad_microphone.encode(y, sample_rate_hz=sample_rate_hz, codec=codec))
    assert rate_hz == (48_000 if codec == "opus" else sample_rate_hz)
    assert 0 <= decoded.shape[1] - round(6.0 * rate_hz) <= LONGEST_PADDING[codec]


@pytest.mark.parametrize("codec", CODECS)
def test_what_is_decoded_is_the_same_music_at_the_same_level(codec):
    y = music()
    decoded, rate_hz = decode(bad_microphone.encode(y, sample_rate_hz=RATE_HZ, codec=codec))
    mono = decoded.mean(axis=0)
    assert 10.0 * np.log10(power(mono) / power(y)) == pytest.approx(0.0, abs=1.0)
    # Loudness by tenths of a second says whether it is in time too.
    ours, theirs = (
        [power(part) for part in np.array_split(signal[: round(6.0 * rate)], 60)]
        for signal, rate in ((y, RATE_HZ), (mono, rate_hz))
    )
    assert np.corrcoef(ours, theirs)[0, 1] > 0.95


def test_a_lower_bit_rate_makes_a_smaller_file():
    y = music()
    sizes = [
        len(bad_microphone.encode(y, sample_rate_hz=RATE_HZ, codec="mp3", bitrate_bps=rate))
        for rate in (32_000, 64_000, 128_000)
    ]
    assert sizes == sorted(set(sizes))
    assert sizes[1] * 8 / 6.0 == pytest.approx(64_000, rel=0.05)


def test_what_exceeds_full_scale_is_clipped_before_it_is_encoded():
    loud = bad_microphone.gain(music(), gain_db=20.0)
    assert bad_microphone.encode(loud, sample_rate_hz=RATE_HZ, codec="mp3") == bad_microphone.encode(
        np.clip(loud, -1.0, 1.0), sample_rate_hz=RATE_HZ, codec="mp3"
    )


def test_an_unknown_codec_is_refused():
    with pytest.raises(OptionError, match="codec is 'wma'"):
        bad_microphone.encode(music(), sample_rate_hz=RATE_HZ, codec="wma")  # type: ignore[arg-type]


def test_a_sample_rate_that_the_codec_does_not_know_is_refused():
    with pytest.raises(OptionError, match="mp3 takes no signal of 7000 Hz"):
        bad_microphone.encode(music(), sample_rate_hz=7_000, codec="mp3")


def test_encoding_nothing_is_refused():
    with pytest.raises(SilentAudioError, match="no samples"):
        bad_microphone.encode(np.zeros(0), sample_rate_hz=RATE_HZ, codec="mp3")
