import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.ingest.encoded import BARE_MP3, encode, tone
from tunekin.errors import AudioTooLargeError, EmptyAudioError, UnknownFormatError
from tunekin_ingest.sniff import Container, sniff

ZEROS = bytes(100)


def kind(data):
    return sniff(data, max_bytes=10_000_000)


def synchsafe(size):
    return bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0))


@pytest.fixture(scope="module")
def bare_mp3():
    return encode(tone(), container="mp3", codec="libmp3lame", options=BARE_MP3)


@pytest.fixture(scope="module")
def adts():
    return encode(tone(), container="adts", codec="aac")


@pytest.mark.parametrize(
    ("start", "container"),
    [
        (b"RIFF\0\0\0\0WAVE", Container.WAV),
        (b"RIFX\0\0\0\0WAVE", Container.WAV),
        (b"RF64\xff\xff\xff\xffWAVE", Container.WAV),
        (bytes.fromhex("726966662e91cf11a5d628db04c10000"), Container.W64),
        (b"FORM\0\0\0\0AIFF", Container.AIFF),
        (b"FORM\0\0\0\0AIFC", Container.AIFF),
        (b"fLaC", Container.FLAC),
        (b"OggS", Container.OGG),
        (b"\0\0\0\x20ftypM4A ", Container.MP4),
        (b"\0\0\0\x20ftypisom", Container.MP4),
        (b"\0\0\0\x08wide", Container.MP4),
        (b"\0\0\x10\0moov", Container.MP4),
        (b"\x1a\x45\xdf\xa3", Container.MATROSKA),
        (bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c"), Container.ASF),
        (b".snd", Container.AU),
        (b"caff\0\x01", Container.CAF),
        (b"MAC \x96\x0f", Container.APE),
        (b"wvpk", Container.WAVPACK),
        (b"TTA1", Container.TTA),
        (b"#!AMR\n", Container.AMR),
    ],
)
def test_a_sound_file_is_known_by_its_first_bytes(start, container):
    assert kind(start + ZEROS) is container


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"\x89PNG\r\n\x1a\n" + ZEROS, "PNG picture"),
        (b"\xff\xd8\xff\xe0" + ZEROS, "JPEG picture"),
        (b"GIF89a" + ZEROS, "GIF picture"),
        (b"RIFF\0\0\0\0WEBP" + ZEROS, "WebP picture"),
        (b"\0\0\0\x18ftypheic" + ZEROS, "HEIF or AVIF picture"),
        (b"%PDF-1.7\n" + ZEROS, "PDF document"),
        (b"PK\x03\x04" + ZEROS, "ZIP archive"),
        (b"\x1f\x8b\x08" + ZEROS, "gzip archive"),
        (b"MThd" + ZEROS, "MIDI file"),
        (b"RIFF\0\0\0\0AVI " + ZEROS, "AVI film"),
        ((b"G" + bytes(187)) * 3, "MPEG transport stream"),
        (b"\x7fELF" + ZEROS, "program"),
        (b"  <!DOCTYPE html><html>", "web page"),
        (b"<html><body>", "web page"),
        (b"<?xml version='1.0'?>", "XML document"),
        (b'{"error": "not found"}', "JSON text"),
        (b"#EXTM3U\nhttp://radio.example/live", "playlist"),
        (b"[playlist]\nFile1=song.mp3", "playlist"),
        (b"ffconcat version 1.0\nfile /etc/passwd", "playlist"),
        (b"dear friends,\n", "text"),
        ("좋은 노래 ".encode() * 1_000, "text"),
        (b"\xff\xfeh\0i\0", "text"),
        (bytes(5_000), "nothing but zeros"),
        (bytes(range(256)), "binary data of no known kind"),
    ],
)
def test_anything_else_is_refused_by_the_name_of_what_it_looks_like(data, name):
    with pytest.raises(UnknownFormatError, match=name) as caught:
        kind(data)
    assert "MP3" in caught.value.hint


def test_no_bytes_are_refused_as_empty():
    with pytest.raises(EmptyAudioError):
        kind(b"")


def test_a_file_over_the_limit_is_refused_with_both_sizes():
    with pytest.raises(AudioTooLargeError, match=r"1,001 bytes; at most 1,000"):
        sniff(b"fLaC" + bytes(997), max_bytes=1_000)


def test_a_file_at_the_limit_is_read():
    assert sniff(b"fLaC" + bytes(996), max_bytes=1_000) is Container.FLAC


def test_frames_alone_are_mp3(bare_mp3):
    assert bare_mp3[0] == 0xFF
    assert kind(bare_mp3) is Container.MP3


def test_a_recording_that_starts_amid_a_frame_is_mp3(bare_mp3):
    assert kind(bare_mp3[100:]) is Container.MP3


@pytest.mark.parametrize(("rate_hz", "codec"), [(8_000, "libmp3lame"), (22_050, "libmp3lame"), (48_000, "mp2")])
def test_mp3_of_every_version_and_layer_is_known(rate_hz, codec):
    data = encode(
        tone(rate_hz=rate_hz),
        container="mp2" if codec == "mp2" else "mp3",
        codec=codec,
        rate_hz=rate_hz,
        options={} if codec == "mp2" else BARE_MP3,
    )
    assert kind(data) is Container.MP3


def test_adts_frames_alone_are_aac(adts):
    assert kind(adts) is Container.AAC


def test_a_tag_is_looked_behind(bare_mp3, adts):
    tag = b"ID3\x04\0\0" + synchsafe(50) + bytes(50)
    assert kind(tag + bare_mp3) is Container.MP3
    assert kind(tag + tag + bare_mp3) is Container.MP3
    assert kind(tag + adts) is Container.AAC
    assert kind(tag + b"fLaC" + ZEROS) is Container.FLAC


def test_a_tag_with_nothing_known_behind_means_mp3():
    assert kind(b"ID3\x04\0\0" + synchsafe(2**28 - 1) + ZEROS) is Container.MP3


def test_two_bytes_like_a_frame_header_do_not_make_an_mp3():
    with pytest.raises(UnknownFormatError):
        kind(b"\xff\xfb\x90\x64" + struct.pack("<1000H", *range(1_000)))


@given(st.binary(max_size=300))
def test_any_bytes_are_a_known_kind_or_refused(data):
    try:
        assert isinstance(kind(data), Container)
    except (EmptyAudioError, UnknownFormatError) as error:
        assert error.message  # noqa: PT017
