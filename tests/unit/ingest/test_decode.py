"""What decoding does to a signal, and what it does not let pass. In a sandbox, as everywhere."""

import struct

import numpy as np
import pytest
import soxr

from tests.unit.ingest.encoded import BARE_MP3, amplitude_at, encode, tone, write
from tunekin.errors import (
    AudioTooLongError,
    AudioTooShortError,
    EmptyAudioError,
    OptionError,
    SilentAudioError,
    UndecodableAudioError,
    UnknownFormatError,
)
from tunekin_ingest.adapters.sandboxed_decoder import SandboxedDecoder
from tunekin_ingest.audio import DecodeLimits

RATE_HZ = 22_050


def decibels(ratio):
    return 20 * np.log10(max(ratio, 1e-9))


FORMATS = {
    "mp3": lambda: encode(tone(channels=2), container="mp3", codec="libmp3lame"),
    "mp3, bare frames": lambda: encode(tone(), container="mp3", codec="libmp3lame", options=BARE_MP3),
    "mp2": lambda: encode(tone(channels=2), container="mp2", codec="mp2"),
    "aac, adts": lambda: encode(tone(channels=2), container="adts", codec="aac"),
    "aac in m4a": lambda: encode(tone(channels=2), container="ipod", codec="aac"),
    "aac in mp4, in fragments": lambda: encode(
        tone(), container="mp4", codec="aac", options={"movflags": "frag_keyframe+empty_moov"}
    ),
    "alac in mov": lambda: encode(tone(channels=2), container="mov", codec="alac"),
    "amr in 3gp": lambda: encode(tone(rate_hz=8_000), container="3gp", codec="libopencore_amrnb", rate_hz=8_000),
    "amr": lambda: encode(tone(rate_hz=8_000), container="amr", codec="libopencore_amrnb", rate_hz=8_000),
    "opus": lambda: encode(tone(rate_hz=48_000), container="ogg", codec="libopus", rate_hz=48_000),
    "opus in webm": lambda: encode(tone(rate_hz=48_000), container="webm", codec="libopus", rate_hz=48_000),
    "vorbis": lambda: write(tone(channels=2), container="OGG", subtype="VORBIS"),
    "flac": lambda: encode(tone(channels=2), container="flac", codec="flac"),
    "flac in ogg": lambda: encode(tone(), container="ogg", codec="flac"),
    "flac in matroska": lambda: encode(tone(), container="matroska", codec="flac"),
    "flac, 96 kHz": lambda: encode(tone(rate_hz=96_000), container="flac", codec="flac", rate_hz=96_000),
    "flac, 24 bits": lambda: write(tone(), container="FLAC", subtype="PCM_24"),
    "wav": lambda: write(tone(channels=2)),
    "wav, 8 bits": lambda: write(tone(), subtype="PCM_U8"),
    "wav, 24 bits": lambda: write(tone(), subtype="PCM_24"),
    "wav, float": lambda: write(tone(), subtype="FLOAT"),
    "wav, double": lambda: write(tone(), subtype="DOUBLE"),
    "wav, mu-law": lambda: write(tone(), subtype="ULAW"),
    "wav, gsm": lambda: write(tone(rate_hz=8_000), subtype="GSM610", rate_hz=8_000),
    "wav, adpcm": lambda: write(tone(channels=2), subtype="IMA_ADPCM"),
    "wav, three channels": lambda: write(tone(channels=3)),
    "wav, twelve channels": lambda: write(tone(channels=12)),
    "rf64": lambda: write(tone(), container="RF64"),
    "w64": lambda: write(tone(), container="W64"),
    "aiff": lambda: write(tone(), container="AIFF"),
    "au": lambda: write(tone(), container="AU"),
    "caf": lambda: write(tone(), container="CAF"),
    "wavpack": lambda: encode(tone(), container="wv", codec="wavpack"),
    "tta": lambda: encode(tone(), container="tta", codec="tta"),
    "aac, 5.1": lambda: encode(tone(channels=6), container="mp4", codec="aac"),
    "film, mp4": lambda: encode(tone(), container="mp4", codec="aac", picture="libx264"),
    "film, webm": lambda: encode(
        tone(rate_hz=48_000), container="webm", codec="libopus", rate_hz=48_000, picture="libvpx"
    ),
}


@pytest.mark.parametrize("name", FORMATS)
def test_every_common_format_gives_its_sound(decoder, name):
    pcm = decoder.decode(FORMATS[name]())
    assert pcm.samples.dtype == np.int16
    assert pcm.sample_rate_hz == RATE_HZ
    assert pcm.duration_s == pytest.approx(2.0, abs=0.06)
    assert pcm.source.duration_s == pytest.approx(pcm.duration_s)
    # Narrow-band speech codecs bend a tone's level.
    assert amplitude_at(pcm.samples, hz=1_000) == pytest.approx(0.5, rel=0.12)


@pytest.mark.parametrize("rate_hz", [22_050, 44_100, 48_000, 96_000])
def test_a_tone_keeps_its_pitch_and_level_at_every_rate(decoder, rate_hz):
    pcm = decoder.decode(write(tone(rate_hz=rate_hz, channels=2), rate_hz=rate_hz))
    assert len(pcm.samples) == pytest.approx(2 * RATE_HZ, abs=1)
    assert decibels(amplitude_at(pcm.samples, hz=1_000) / 0.5) == pytest.approx(0.0, abs=0.001)
    spectrum = np.abs(np.fft.rfft(pcm.samples[:RATE_HZ] * np.hanning(RATE_HZ)))
    assert np.argmax(spectrum) == 1_000


@pytest.mark.parametrize("hz", [100, 5_000, 9_000, 10_000])
def test_the_pass_band_is_flat_to_10_khz(decoder, hz):
    pcm = decoder.decode(write(tone(hz=hz)))
    assert decibels(amplitude_at(pcm.samples, hz=hz) / 0.5) == pytest.approx(0.0, abs=0.01)


@pytest.mark.parametrize("hz", [11_500, 12_050, 15_000, 20_000])
@pytest.mark.parametrize("rate_hz", [44_100, 48_000])
def test_what_is_above_the_new_band_leaves_no_alias(decoder, hz, rate_hz):
    y = tone(hz=hz, rate_hz=rate_hz) + tone(hz=440, amplitude=0.1, rate_hz=rate_hz)
    pcm = decoder.decode(write(y, subtype="FLOAT", rate_hz=rate_hz))
    assert amplitude_at(pcm.samples, hz=440) == pytest.approx(0.1, rel=1e-3)
    # A step of 16 bits is at -90 dBFS, so -86 below the tone at -6 means that nothing but rounding is left.
    assert decibels(amplitude_at(pcm.samples, hz=abs(RATE_HZ - hz)) / 0.5) < -86


def test_resampling_agrees_with_soxr_as_librosa_uses_it(decoder):
    rng = np.random.default_rng(5)
    y = np.cumsum(rng.normal(size=(1, 2 * 44_100)), axis=1)
    y = (0.9 * (y - y.mean()) / np.abs(y - y.mean()).max()).astype(np.float32)
    pcm = decoder.decode(write(y, subtype="FLOAT"))
    reference = soxr.resample(y[0], 44_100, RATE_HZ, quality="HQ")
    # Away from the ends, where each fades in its own way.
    error = (pcm.samples / 32_768 - reference)[500:-500]
    assert decibels(np.std(error) / np.std(reference)) < -65


def test_a_16_bit_file_at_the_target_rate_comes_through_unchanged(decoder):
    samples = np.random.default_rng(0).integers(-32_768, 32_768, 2 * RATE_HZ).astype(np.int16)
    pcm = decoder.decode(write(samples[np.newaxis], rate_hz=RATE_HZ))
    np.testing.assert_array_equal(pcm.samples, samples)


def test_stereo_is_the_mean_of_both_sides(decoder):
    y = np.concatenate([tone(amplitude=0.6, rate_hz=RATE_HZ), tone(amplitude=0.2, rate_hz=RATE_HZ)])
    pcm = decoder.decode(write(y, subtype="FLOAT", rate_hz=RATE_HZ))
    np.testing.assert_allclose(pcm.samples, np.rint(y.mean(axis=0) * 32_768), atol=1)


def test_surround_is_mixed_with_the_centre_first_and_no_lfe(decoder):
    y = np.zeros((6, 2 * RATE_HZ), np.float32)
    levels = []
    for channel in range(6):
        one = y.copy()
        one[channel] = tone(rate_hz=RATE_HZ)[0]
        one[2 if channel == 3 else 3] += 0.01  # so that no file is silent
        pcm = decoder.decode(encode(one, container="wav", codec="pcm_f32le", rate_hz=RATE_HZ))
        levels.append(amplitude_at(pcm.samples, hz=1_000) / 0.5)
    left, right, centre, lfe, *surround = levels
    assert centre == pytest.approx(left * 2**0.5, rel=1e-3) == pytest.approx(right * 2**0.5, rel=1e-3)
    assert centre == pytest.approx(surround[0] * 2, rel=1e-3) == pytest.approx(surround[1] * 2, rel=1e-3)
    assert lfe < 1e-4
    assert sum(levels) == pytest.approx(1.0, abs=1e-3)


def test_channels_in_an_unusual_order_are_read(decoder):
    samples = np.stack([np.full(44_100, 8_000), np.full(44_100, 2_000)]).T.astype(">i2")

    def chunk(name, data):
        return name + struct.pack(">q", len(data)) + data

    # Right before left, which no standard layout has: CAF can say so channel by channel.
    order = struct.pack(">3I", 0, 0, 2) + b"".join(struct.pack(">2I3f", label, 0, 0, 0, 0) for label in (2, 1))
    data = b"caff\0\1\0\0" + b"".join(
        [
            chunk(b"desc", struct.pack(">d4s5I", 22_050, b"lpcm", 0, 4, 1, 2, 16)),
            chunk(b"chan", order),
            chunk(b"data", bytes(4) + samples.tobytes()),
        ]
    )
    pcm = decoder.decode(data)
    np.testing.assert_array_equal(pcm.samples, 5_000)


def test_what_is_over_full_scale_is_clipped_and_never_wraps(decoder):
    y = tone(hz=50, amplitude=2.0, rate_hz=RATE_HZ)
    pcm = decoder.decode(write(y, subtype="FLOAT", rate_hz=RATE_HZ))
    np.testing.assert_allclose(pcm.samples, np.clip(np.rint(y[0] * 32_768), -32_768, 32_767), atol=1)


def test_what_is_not_a_number_is_silence(decoder):
    y = tone(rate_hz=RATE_HZ)
    y[0, 1_000:1_010] = [np.nan, np.inf, -np.inf, *[np.nan] * 7]
    pcm = decoder.decode(write(y, subtype="FLOAT", rate_hz=RATE_HZ))
    assert pcm.samples[1_000:1_004].tolist() == [0, 32_767, -32_768, 0]
    assert pcm.samples[20_000] == round(float(y[0, 20_000]) * 32_768)


def test_the_source_is_described(decoder):
    source = decoder.decode(encode(tone(channels=2), container="mp3", codec="libmp3lame")).source
    assert (source.container, source.codec, source.channels, source.sample_rate_hz) == ("mp3", "mp3float", 2, 44_100)


@pytest.mark.parametrize(
    ("container", "codec"), [("mp3", "libmp3lame"), ("flac", "flac"), ("ogg", "flac"), ("mp4", "aac")]
)
def test_tags_that_name_a_track_come_along_and_no_others(decoder, container, codec):
    tags = {"title": "노래", "artist": "A Band\x07", "album": "x" * 1_000, "lyrics": "la la"}
    source = decoder.decode(encode(tone(), container=container, codec=codec, tags=tags)).source
    assert source.tags == {"title": "노래", "artist": "A Band", "album": "x" * 255}


def test_sound_is_read_only(decoder):
    pcm = decoder.decode(write(tone()))
    with pytest.raises(ValueError, match="read-only"):
        pcm.samples[0] = 1


def test_a_span_is_that_slice_of_the_whole(decoder):
    data = encode(np.cumsum(tone(duration_s=5.0), axis=1) / 100, container="mp3", codec="libmp3lame")
    whole = decoder.decode(data)
    span = decoder.decode(data, start_s=1.5, duration_s=2.0)
    np.testing.assert_array_equal(span.samples, whole.samples[33_075 : 33_075 + 44_100])
    assert span.source.duration_s == pytest.approx(whole.duration_s, abs=0.1)


def test_a_span_without_an_end_reaches_to_the_file_s(decoder):
    data = write(tone(duration_s=3.0))
    np.testing.assert_array_equal(decoder.decode(data, start_s=1.0).samples, decoder.decode(data).samples[RATE_HZ:])


def test_a_span_over_the_end_is_cut_there(decoder):
    assert decoder.decode(write(tone(duration_s=3.0)), start_s=1.0, duration_s=30.0).duration_s == pytest.approx(2.0)


def test_a_span_of_a_file_that_is_too_long_as_a_whole_is_read(decoder):
    data = write(tone(duration_s=70.0, rate_hz=8_000), rate_hz=8_000)
    with pytest.raises(AudioTooLongError, match="60 s of sound; the file's header says 70 s"):
        decoder.decode(data)
    assert decoder.decode(data, start_s=61.0, duration_s=5.0).duration_s == 5.0
    with pytest.raises(AudioTooLongError):
        decoder.decode(data, start_s=1.0, duration_s=65.0)


def test_a_start_behind_the_end_is_told_the_length(decoder):
    with pytest.raises(OptionError, match=r"start_s is 7, but the file ends after 2\.00 s"):
        decoder.decode(write(tone()), start_s=7.0)


@pytest.mark.parametrize("start_s", [-1.0, float("nan"), float("inf")])
def test_an_impossible_start_is_refused(decoder, start_s):
    with pytest.raises(OptionError, match="start_s"):
        decoder.decode(write(tone()), start_s=start_s)


@pytest.mark.parametrize("duration_s", [0.0, 0.5, -3.0, float("nan")])
def test_an_impossible_duration_is_refused(decoder, duration_s):
    with pytest.raises(OptionError, match="duration_s"):
        decoder.decode(write(tone()), duration_s=duration_s)


def test_a_minute_with_an_encoder_s_padding_is_a_minute(decoder):
    data = encode(tone(duration_s=60.02, rate_hz=8_000), container="mp3", codec="libmp3lame", rate_hz=8_000)
    assert decoder.decode(data).duration_s == 60.0


def test_a_fifth_of_a_second_is_too_short(decoder):
    with pytest.raises(AudioTooShortError, match=r"0\.20 s of sound; at least 1 s"):
        decoder.decode(write(tone(duration_s=0.2)))


@pytest.mark.parametrize("amplitude", [0.0, 0.0003])
def test_silence_is_refused(decoder, amplitude):
    with pytest.raises(SilentAudioError, match="-70 dBFS"):
        decoder.decode(write(tone(amplitude=amplitude)))


def test_quiet_music_is_no_silence(decoder):
    assert np.abs(decoder.decode(write(tone(amplitude=0.002))).samples).max() > 0


def test_sides_that_cancel_are_silent_together(decoder):
    with pytest.raises(SilentAudioError):
        decoder.decode(write(np.concatenate([tone(), -tone()])))


def test_a_truncated_mp3_gives_what_there_is(decoder):
    data = encode(tone(duration_s=4.0), container="mp3", codec="libmp3lame")
    pcm = decoder.decode(data[: len(data) // 2])
    assert pcm.duration_s == pytest.approx(2.0, abs=0.1)
    assert amplitude_at(pcm.samples, hz=1_000) == pytest.approx(0.5, rel=0.1)


def test_broken_frames_amid_an_mp3_are_passed_over(decoder):
    data = bytearray(encode(tone(duration_s=4.0), container="mp3", codec="libmp3lame"))
    data[20_000:21_000] = bytes(1_000)
    assert decoder.decode(bytes(data)).duration_s == pytest.approx(4.0, abs=0.5)


def test_sound_that_changes_its_form_on_the_way_is_joined(decoder):
    parts = [
        encode(
            tone(rate_hz=rate_hz, channels=channels),
            container="mp3",
            codec="libmp3lame",
            rate_hz=rate_hz,
            options=BARE_MP3,
        )
        for rate_hz, channels in ((44_100, 1), (44_100, 2), (22_050, 1))
    ]
    pcm = decoder.decode(b"".join(parts))
    assert pcm.duration_s == pytest.approx(6.0, abs=0.4)
    assert amplitude_at(pcm.samples[-RATE_HZ:], hz=1_000) == pytest.approx(0.5, rel=0.1)


def test_a_film_without_sound_is_refused(decoder):
    with pytest.raises(UndecodableAudioError, match="no stream of sound, but video"):
        decoder.decode(encode(None, container="mp4", codec=None, picture="libx264"))


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", EmptyAudioError),
        (b"<!doctype html><title>Sign in</title>", UnknownFormatError),
        (b"fLaC" + bytes(1_000), UndecodableAudioError),
        (b"OggS" + bytes(1_000), UndecodableAudioError),
        (b"RIFF\xff\xff\xff\xffWAVEfmt ", UndecodableAudioError),
        (b"\0\0\0\x20ftypM4A " + bytes(1_000), UndecodableAudioError),
        (b"ID3\x04\0\0\x7f\x7f\x7f\x7f" + bytes(1_000), UndecodableAudioError),
        (b"\x1a\x45\xdf\xa3" + bytes(1_000), UndecodableAudioError),
    ],
)
def test_a_file_with_nothing_in_it_is_refused(decoder, data, error):
    with pytest.raises(error) as caught:
        decoder.decode(data)
    assert caught.value.hint


def test_an_impossible_rate_is_refused(decoder):
    data = bytearray(write(tone()))
    data[24:28] = struct.pack("<I", 1)
    with pytest.raises(UndecodableAudioError, match="1 channels at 1 Hz"):
        decoder.decode(bytes(data))


def test_hours_of_silence_in_few_bytes_are_too_long(decoder):
    data = encode(np.zeros((1, 3_600 * 8_000), np.float32), container="flac", codec="flac", rate_hz=8_000)
    assert len(data) < 1_000_000
    with pytest.raises(AudioTooLongError, match="header says 3,600 s"):
        decoder.decode(data)


def test_a_header_is_not_believed(decoder):
    data = bytearray(encode(tone(duration_s=2.0), container="flac", codec="flac"))
    # STREAMINFO's count of samples: the low 4 bits of byte 21 and the next four bytes.
    data[22:26] = b"\xff\xff\xff\xff"
    assert decoder.decode(bytes(data)).duration_s == pytest.approx(2.0)
    long = bytearray(encode(tone(duration_s=70.0, rate_hz=8_000), container="flac", codec="flac", rate_hz=8_000))
    long[22:26] = struct.pack(">I", 8_000)
    with pytest.raises(AudioTooLongError):
        decoder.decode(bytes(long))


def test_limits_of_its_own_hold_for_each_decoder():
    with SandboxedDecoder(DecodeLimits(max_duration_s=5.0, min_duration_s=3.0)) as strict:
        with pytest.raises(AudioTooLongError):
            strict.decode(write(tone(duration_s=6.0)))
        with pytest.raises(AudioTooShortError):
            strict.decode(write(tone(duration_s=2.0)))
