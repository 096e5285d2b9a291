"""Tell what kind of file some bytes are, by the bytes alone.

A file's name and the type that its sender declares are claims; its first bytes decide which demuxer may read it. So a
playlist never reaches a demuxer that follows its links, and whoever sends a picture hears that it is one.

Most kinds open with a signature. MP3 and AAC need none: their frames may start anywhere, each with a header that gives
its length, so a few headers at the distances that they promise are the signature.
"""

from enum import StrEnum
from typing import Final

from tunekin.errors import AudioTooLargeError, EmptyAudioError, UnknownFormatError

__all__ = ["Container", "sniff"]


class Container(StrEnum):
    """The kinds of file that are read; each value is the name of FFmpeg's demuxer."""

    AAC = "aac"
    AIFF = "aiff"
    AMR = "amr"
    APE = "ape"
    ASF = "asf"
    AU = "au"
    CAF = "caf"
    FLAC = "flac"
    MATROSKA = "matroska"
    MP3 = "mp3"
    MP4 = "mp4"
    OGG = "ogg"
    TTA = "tta"
    W64 = "w64"
    WAV = "wav"
    WAVPACK = "wv"


_READ: Final = (
    "MP3, AAC, WAV, W64, AIFF, FLAC, Ogg (Vorbis, Opus, FLAC, Speex), MP4/M4A/MOV/3GP, WebM/Matroska, WMA, AMR, AU, "
    "CAF, Monkey's Audio, WavPack and TTA"
)

# Sony's Wave64 opens with a GUID that begins like RIFF in lower case.
_W64_GUID: Final = bytes.fromhex("726966662e91cf11a5d628db04c10000")
_ASF_GUID: Final = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")

_SIGNATURES: Final = (
    (b"OggS", Container.OGG),
    (b"fLaC", Container.FLAC),
    (b"\x1a\x45\xdf\xa3", Container.MATROSKA),
    (_ASF_GUID, Container.ASF),
    (_W64_GUID, Container.W64),
    (b".snd", Container.AU),
    (b"caff", Container.CAF),
    (b"MAC ", Container.APE),
    (b"wvpk", Container.WAVPACK),
    (b"TTA1", Container.TTA),
    (b"#!AMR", Container.AMR),
)

# A chunked file names its form after the first chunk's size.
_FORMS: Final = {
    (b"RIFF", b"WAVE"): Container.WAV,
    (b"RIFX", b"WAVE"): Container.WAV,
    (b"RF64", b"WAVE"): Container.WAV,
    (b"BW64", b"WAVE"): Container.WAV,
    (b"FORM", b"AIFF"): Container.AIFF,
    (b"FORM", b"AIFC"): Container.AIFF,
}

# First boxes of an ISO base media or QuickTime file; `ftyp` came with MP4, older films start with any of the others.
_MP4_BOXES: Final = frozenset({b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot"})

_OTHER_FORMS: Final = {
    (b"RIFF", b"AVI "): "an AVI film",
    (b"RIFF", b"WEBP"): "a WebP picture",
    (b"RIFF", b"RMID"): "a MIDI file, which holds notes and no sound",
}

_OTHER_SIGNATURES: Final = (
    (b"\x89PNG\r\n", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive or an office document"),
    (b"PK\x05\x06", "an empty ZIP archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"MThd", "a MIDI file, which holds notes and no sound"),
    (b"FLV\x01", "a Flash film"),
    (b"\x00\x00\x01\xba", "an MPEG programme stream"),
    (b".RMF", "a RealMedia file"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"SQLite format 3", "a database"),
)

# Pictures that live in MP4's box format.
_PICTURE_BRANDS: Final = frozenset({b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"avif", b"avis"})

_TEXTS: Final = (
    ("#EXTM3U", "a playlist, which holds links and no sound"),
    ("[PLAYLIST]", "a playlist, which holds links and no sound"),
    ("FFCONCAT", "a playlist, which holds links and no sound"),
    ("<!DOCTYPE HTML", "a web page"),
    ("<HTML", "a web page"),
    ("<?XML", "an XML document"),
    ("<SVG", "an SVG picture"),
    ("{", "JSON text"),
)

# A recording cut out of a stream starts amid a frame; frames of MP3 and AAC are shorter than 6 kB, so one begins here.
_SCANNED_BYTES: Final = 8_192
# Eleven or twelve fixed bits and a few impossible values: two headers in step are no accident at the very start of a
# file, four are none anywhere.
_HEADERS_AT_START: Final = 2
_HEADERS_INSIDE: Final = 4
# Text is told from binary data by this much of it.
_TEXT_BYTES: Final = 4_096


def sniff(data: bytes, *, max_bytes: int) -> Container:
    r"""Tell which kind of sound file, or film with sound, some bytes are.

    Parameters
    ----------
    data : bytes
        The whole file.
    max_bytes : int
        Size that the file may have.

    Returns
    -------
    Container
        The kind, which names the one demuxer that may read the file.

    Raises
    ------
    EmptyAudioError
        If there are no bytes.
    AudioTooLargeError
        If there are more than ``max_bytes``.
    UnknownFormatError
        If the bytes are anything else than a kind that is read; the message says what they look like.

    Examples
    --------
    >>> sniff(b"fLaC\x00\x00\x00\x22", max_bytes=100)
    <Container.FLAC: 'flac'>
    >>> sniff(b"<!doctype html><title>404</title>", max_bytes=100)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    tunekin.errors.UnknownFormatError: this is not a sound file: it looks like a web page
    Tunekin reads MP3, ...
    """
    if not data:
        raise EmptyAudioError("the file is empty", hint="copy it or record it again")
    if len(data) > max_bytes:
        raise AudioTooLargeError(
            f"the file has {len(data):,} bytes; at most {max_bytes:,} are read",
            hint="send a shorter part, or encode it as MP3, AAC or Opus",
        )
    container = _by_signature(data) or _by_frames(data)
    if container is None:
        raise UnknownFormatError(
            f"this is not a sound file: it looks like {_looks_like(data)}", hint=f"Tunekin reads {_READ}"
        )
    return container


def _by_signature(data: bytes) -> Container | None:
    """Kind by the bytes that a file of it must open with."""
    start = _after_id3(data)
    if start:
        # Some taggers put ID3 before FLAC and the like; with nothing known behind it, such a tag means MP3.
        return (
            _by_signature(data[start : start + 64]) or _by_frames(data[start : start + _SCANNED_BYTES]) or Container.MP3
        )
    for signature, container in _SIGNATURES:
        if data.startswith(signature):
            return container
    if data[4:8] in _MP4_BOXES and data[8:12] not in _PICTURE_BRANDS:
        return Container.MP4
    return _FORMS.get((data[:4], data[8:12]))


def _after_id3(data: bytes) -> int:
    """Offset behind all ID3v2 tags; 0 where there is none."""
    at = 0
    while data[at : at + 3] == b"ID3" and len(data) >= at + 10:
        # Seven bits a byte, so that a tag never looks like a frame.
        size = 0
        for byte in data[at + 6 : at + 10]:
            size = size << 7 | byte & 0x7F
        has_footer = data[at + 5] & 0x10
        at += 10 + size + (10 if has_footer else 0)
    return at


def _by_frames(data: bytes) -> Container | None:
    """Kind by a chain of frame headers, each where the one before says."""
    at = data.find(b"\xff", 0, _SCANNED_BYTES)
    while at >= 0:
        container = _chain(data, at, count=_HEADERS_INSIDE if at else _HEADERS_AT_START)
        if container is not None:
            return container
        at = data.find(b"\xff", at + 1, _SCANNED_BYTES)
    return None


def _chain(data: bytes, at: int, *, count: int) -> Container | None:
    """Kind of the frames that start here, if there are `count` alike."""
    first = _frame(data[at : at + 6])
    if first is None:
        return None
    container, fixed, length = first
    for _ in range(count - 1):
        at += length
        following = _frame(data[at : at + 6])
        if following is None or following[:2] != (container, fixed):
            return None
        length = following[2]
    return container


# kbit/s by index 1 to 14 of MPEG audio; ISO/IEC 11172-3 2.4.2.3 and 13818-3 2.4.2.3.
_KBPS: Final = {
    (1, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (1, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (1, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (2, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (2, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (2, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES_HZ: Final = (44_100, 48_000, 32_000)


def _frame(header: bytes) -> tuple[Container, int, int] | None:
    """Kind, the bits that all frames of a stream share, and length in bytes of the frame that a header opens."""
    if len(header) < 6 or header[0] != 0xFF or header[1] & 0xE0 != 0xE0:  # noqa: PLR2004, the bits that the standard fixes
        return None
    layer_bits = header[1] >> 1 & 3
    if layer_bits == 0:
        return _adts_frame(header)
    version_bits, kbps_index, rate_index = header[1] >> 3 & 3, header[2] >> 4, header[2] >> 2 & 3
    if version_bits == 1 or kbps_index in {0, 15} or rate_index == 3:  # noqa: PLR2004, reserved values
        return None
    version, layer = 1 if version_bits == 3 else 2, 4 - layer_bits  # noqa: PLR2004, MPEG-1; 2 and 2.5 are alike but for the rate
    rate_hz = _RATES_HZ[rate_index] >> {3: 0, 2: 1, 0: 2}[version_bits]
    bits = _KBPS[version, layer][kbps_index - 1] * 1_000
    padding = header[2] >> 1 & 1
    if layer == 1:
        length = (12 * bits // rate_hz + padding) * 4
    else:
        length = (72 if (version, layer) == (2, 3) else 144) * bits // rate_hz + padding
    return Container.MP3, header[1] & 0x1E | rate_index << 8, length


def _adts_frame(header: bytes) -> tuple[Container, int, int] | None:
    """AAC's frame header; ISO/IEC 13818-7 6.2."""
    rate_index = header[2] >> 2 & 15
    length = (header[3] & 3) << 11 | header[4] << 3 | header[5] >> 5
    if header[1] & 0xF0 != 0xF0 or rate_index > 12 or length < 7:  # noqa: PLR2004, the last rate and the header's size
        return None
    return Container.AAC, header[2] & 0xFC | (header[1] & 8) << 5, length


def _looks_like(data: bytes) -> str:
    """Say what bytes of no sound file are."""
    for signature, name in _OTHER_SIGNATURES:
        if data.startswith(signature):
            return name
    form = _OTHER_FORMS.get((data[:4], data[8:12]))
    if form is not None:
        return form
    if data[4:8] == b"ftyp":
        return "a HEIF or AVIF picture"
    # A transport stream repeats its sync byte every 188 bytes.
    if len(data) > 188 and data[0] == data[188] == 0x47:  # noqa: PLR2004
        return "an MPEG transport stream"
    return _text_kind(data[:_TEXT_BYTES])


def _text_kind(head: bytes) -> str:
    """Which kind of text this is, if any."""
    if not any(head):
        return "nothing but zeros"
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "text"
    try:
        # The cut may fall amid a character, so an incomplete last one is no error.
        text = head.decode("utf-8") if len(head) < _TEXT_BYTES else head[: head.rfind(b" ") + 1 or None].decode("utf-8")
    except UnicodeDecodeError:
        return "binary data of no known kind"
    if any(ord(character) < 32 and character not in "\t\n\r\f" for character in text):  # noqa: PLR2004, control characters
        return "binary data of no known kind"
    opening = text.removeprefix("\ufeff").lstrip().upper()
    return next((name for mark, name in _TEXTS if opening.startswith(mark)), "text")
