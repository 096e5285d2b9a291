"""What happens to music on its way into a phone: speakers, rooms, noise, telephone lines, lossy codecs.

Everything is a pure function of the signal and, where chance has a part, of a seed. Signals ``y`` are mono, ``n``
samples in [-1, 1]; results are float32 of the same length, except from `cut` and `encode`. A gain is relative to the
signal as it comes; a signal-to-noise ratio compares mean powers over the whole signal.
"""

import io
from fractions import Fraction
from types import MappingProxyType
from typing import Literal, NamedTuple, cast

import av
import numpy as np
from av.audio.stream import AudioStream
from numpy.typing import NDArray

from tunekin.errors import OptionError, SilentAudioError
from tunekin_demo.compose.effects import band, convolve, diffuse_tail, drive

__all__ = [
    "CODECS",
    "add_noise",
    "cut",
    "encode",
    "gain",
    "record",
    "room",
    "room_response",
    "small_speaker",
    "telephone_band",
]

Floats = NDArray[np.float32]
Codec = Literal["mp3", "opus", "aac", "vorbis"]

# Steep enough that what lies half an octave outside the band is 30 dB down, as on a telephone line.
_TELEPHONE_ORDER = 10
# A room's first echoes come from its walls, at these times after the direct sound in a living room.
_EARLY_S = (0.011, 0.017, 0.023, 0.031, 0.041)
# The diffuse tail begins when the echoes are too dense to tell apart.
_TAIL_START_S = 0.008


class _Encoder(NamedTuple):
    """What makes a codec's stream and what holds it; an unset rate is the signal's own."""

    name: str
    container: str
    layout: Literal["mono", "stereo"]
    sample_rate_hz: int | None
    options: MappingProxyType[str, str]


_NO_OPTIONS: MappingProxyType[str, str] = MappingProxyType({})

CODECS: MappingProxyType[str, _Encoder] = MappingProxyType(
    {
        "mp3": _Encoder("libmp3lame", "mp3", "mono", None, _NO_OPTIONS),
        # Opus knows few rates; 48 kHz is what every browser and messenger sends.
        "opus": _Encoder("libopus", "ogg", "mono", 48_000, _NO_OPTIONS),
        "aac": _Encoder("aac", "ipod", "mono", None, _NO_OPTIONS),
        # FFmpeg's own encoder, which is in every build, takes two channels only and calls itself experimental.
        "vorbis": _Encoder("vorbis", "ogg", "stereo", None, MappingProxyType({"strict": "experimental"})),
    }
)


def telephone_band(
    y: NDArray[np.floating], *, sample_rate_hz: int, low_hz: float = 300.0, high_hz: float = 3_400.0
) -> Floats:
    """Keep the band of an analogue telephone line.

    Parameters
    ----------
    y : np.ndarray [shape=(n,)]
        Signal.
    sample_rate_hz : int
        Its sample rate.
    low_hz, high_hz : float
        Edges of the band, where it takes 3 dB; the defaults are those of ITU-T G.712.

    Returns
    -------
    np.ndarray [shape=(n,), dtype=float32]
        The signal within the band; half an octave outside it is at least 30 dB down.

    Raises
    ------
    OptionError
        If the edges are not ``0 < low_hz < high_hz``.
    """
    if not 0.0 < low_hz < high_hz:
        raise OptionError(f"the band is {low_hz} to {high_hz} Hz", hint="Give 0 < low_hz < high_hz.")
    # Two filters, because one steep band-pass of such a width is numerically poor.
    y = band(y, sample_rate_hz=sample_rate_hz, low_hz=low_hz, order=_TELEPHONE_ORDER)
    return band(y, sample_rate_hz=sample_rate_hz, high_hz=high_hz, order=_TELEPHONE_ORDER)


def small_speaker(
    y: NDArray[np.floating],
    *,
    sample_rate_hz: int,
    low_hz: float = 250.0,
    high_hz: float = 8_000.0,
    amount: float = 1.5,
) -> Floats:
    """Play through a small loudspeaker: no bass, little treble, and a membrane that reaches its limits.

    Parameters
    ----------
    y : np.ndarray [shape=(n,)]
        Signal.
    sample_rate_hz : int
        Its sample rate.
    low_hz, high_hz : float
        Edges of the band; outside it falls by 24 dB an octave.
    amount : float
        Gain into the saturation, above 0; near 0 it is linear.

    Returns
    -------
    np.ndarray [shape=(n,), dtype=float32]
        What the loudspeaker makes of it.

    Raises
    ------
    OptionError
        If `amount` is not positive or the edges are not ``0 < low_hz < high_hz``.
    """
    if not 0.0 < low_hz < high_hz:
        raise OptionError(f"the band is {low_hz} to {high_hz} Hz", hint="Give 0 < low_hz < high_hz.")
    if amount <= 0.0:
        raise OptionError(f"amount is {amount}", hint="Give an amount above 0, such as 1.5.")
    y = band(y, sample_rate_hz=sample_rate_hz, low_hz=low_hz, order=4)
    return band(drive(y, amount=amount), sample_rate_hz=sample_rate_hz, high_hz=high_hz, order=4)


def room_response(
    *, sample_rate_hz: int, rt60_s: float = 0.4, direct_to_reverberant_db: float = 6.0, seed: int = 0
) -> Floats:
    """Make the impulse response of a room: the direct sound, a few early echoes, a diffuse tail.

    Parameters
    ----------
    sample_rate_hz : int
        Sample rate.
    rt60_s : float
        Time in which the tail falls by 60 dB: 0.4 s is a furnished living room, 2 s a church.
    direct_to_reverberant_db : float
        Energy of the direct sound relative to everything that follows; lower is farther away.
    seed : int
        Which room and place in it.

    Returns
    -------
    np.ndarray [shape=(m,), dtype=float32]
        Impulse response; the direct sound is its first sample, at amplitude 1.

    Raises
    ------
    OptionError
        If `rt60_s` is not positive.

    References
    ----------
    H. Kuttruff, Room Acoustics, 6th edition, 2016: chapter 4 on early reflections and the diffuse tail.
    """
    if rt60_s <= 0.0:
        raise OptionError(f"rt60_s is {rt60_s}", hint="Give a reverberation time above 0 s, such as 0.4.")
    rng = np.random.default_rng([seed, 1])
    tail = diffuse_tail(rt60_s=rt60_s, sample_rate_hz=sample_rate_hz, seed=seed)
    start = max(1, round(_TAIL_START_S * sample_rate_hz))
    response = np.zeros(start + len(tail), dtype=np.float32)
    response[start:] = tail
    # The first echoes stand out of the tail, which grows dense only after them.
    strength = 2.0 * float(np.max(np.abs(tail)))
    for delay_s in np.asarray(_EARLY_S) * rng.uniform(0.8, 1.25, len(_EARLY_S)):
        at = round(float(delay_s) * sample_rate_hz)
        if at < len(response):
            response[at] += np.float32(strength * rng.choice([-1.0, 1.0]) * 10.0 ** (-3.0 * delay_s / rt60_s))
    response *= np.float32(10.0 ** (-direct_to_reverberant_db / 20.0) / np.sqrt(np.sum(response**2)))
    response[0] = 1.0
    return response


def room(
    y: NDArray[np.floating],
    *,
    sample_rate_hz: int,
    rt60_s: float = 0.4,
    direct_to_reverberant_db: float = 6.0,
    seed: int = 0,
) -> Floats:
    """Play in a room.

    Parameters
    ----------
    y : np.ndarray [shape=(n,)]
        Signal.
    sample_rate_hz : int
        Its sample rate.
    rt60_s, direct_to_reverberant_db : float
        The room, as in `room_response`.
    seed : int
        The room, as in `room_response`.

    Returns
    -------
    np.ndarray [shape=(n,), dtype=float32]
        The direct sound at its level, and what the room adds to it; it may exceed 1.

    Raises
    ------
    OptionError
        If `rt60_s` is not positive.
    """
    response = room_response(
        sample_rate_hz=sample_rate_hz, rt60_s=rt60_s, direct_to_reverberant_db=direct_to_reverberant_db, seed=seed
    )
    return convolve(y, response=response)


def add_noise(
    y: NDArray[np.floating], *, snr_db: float, colour: Literal["white", "pink"] = "white", seed: int = 0
) -> Floats:
    """Add Gaussian noise at a given signal-to-noise ratio.

    Parameters
    ----------
    y : np.ndarray [shape=(n,)]
        Signal.
    snr_db : float
        Mean power of the signal relative to that of the noise; met exactly, not on average.
    colour : {"white", "pink"}
        Same power in every Hz, or in every octave.
    seed : int
        Which noise.

    Returns
    -------
    np.ndarray [shape=(n,), dtype=float32]
        Signal and noise; it may exceed 1.

    Raises
    ------
    SilentAudioError
        If the signal is silent, so that no noise has that ratio to it.
    OptionError
        If the colour is unknown.

    Examples
    --------
    >>> y = np.sin(np.arange(22_050, dtype=np.float32))
    >>> noise = add_noise(y, snr_db=20.0) - y
    >>> round(float(10 * np.log10(np.mean(y**2) / np.mean(noise**2))), 2)
    20.0
    """
    if colour not in {"white", "pink"}:
        raise OptionError(f"colour is {colour!r}", hint="Give 'white' or 'pink'.")
    power = float(np.mean(np.square(y, dtype=np.float64))) if len(y) else 0.0
    if power == 0.0:
        raise SilentAudioError("the signal is silent", hint="Give a signal with sound in it.")
    noise = np.random.default_rng(seed).standard_normal(len(y))
    if colour == "pink":
        spectrum = np.fft.rfft(noise)
        # Power falls with frequency, amplitude with its root; the mean is no sound.
        spectrum[1:] /= np.sqrt(np.arange(1.0, len(spectrum)))
        spectrum[0] = 0.0
        noise = np.fft.irfft(spectrum, n=len(y))
    scale = np.sqrt(power / np.mean(noise**2) * 10.0 ** (-snr_db / 10.0))
    return np.asarray(y + scale * noise, dtype=np.float32)


def gain(y: NDArray[np.floating], *, gain_db: float) -> Floats:
    """Make a signal louder or softer.

    Parameters
    ----------
    y : np.ndarray [shape=(n,)]
        Signal.
    gain_db : float
        Change of level.

    Returns
    -------
    np.ndarray [shape=(n,), dtype=float32]
        The signal at its new level.
    """
    return np.asarray(y * 10.0 ** (gain_db / 20.0), dtype=np.float32)


def record(y: NDArray[np.floating], *, sample_rate_hz: int, seed: int = 0) -> Floats:
    """Record as a phone across a living room does: mild room, white noise 20 dB below the music, 12 dB softer.

    Parameters
    ----------
    y : np.ndarray [shape=(n,)]
        Signal with a peak of at most 1.
    sample_rate_hz : int
        Its sample rate.
    seed : int
        Which room and which noise.

    Returns
    -------
    np.ndarray [shape=(n,), dtype=float32]
        The recording.

    Raises
    ------
    SilentAudioError
        If the signal is silent.
    """
    in_room = room(y, sample_rate_hz=sample_rate_hz, rt60_s=0.3, direct_to_reverberant_db=8.0, seed=seed)
    return gain(add_noise(in_room, snr_db=20.0, seed=seed), gain_db=-12.0)


def cut(y: NDArray[np.floating], *, start_s: float, duration_s: float, sample_rate_hz: int) -> Floats:
    """Take a span out of a signal.

    Parameters
    ----------
    y : np.ndarray [shape=(n,)]
        Signal.
    start_s, duration_s : float
        The span.
    sample_rate_hz : int
        Sample rate of the signal.

    Returns
    -------
    np.ndarray [shape=(round(duration_s * sample_rate_hz),), dtype=float32]
        A copy of the span.

    Raises
    ------
    OptionError
        If the span is empty or does not lie within the signal.
    """
    start, length = round(start_s * sample_rate_hz), round(duration_s * sample_rate_hz)
    if start < 0 or length < 1 or start + length > len(y):
        raise OptionError(
            f"the span is {start_s} s to {start_s + duration_s} s of a signal of {len(y) / sample_rate_hz} s",
            hint="Give a span of more than 0 s that lies within the signal.",
        )
    return np.array(y[start : start + length], dtype=np.float32)


def encode(y: NDArray[np.floating], *, sample_rate_hz: int, codec: Codec, bitrate_bps: int = 64_000) -> bytes:
    """Compress a signal as phones, browsers and shops do.

    Parameters
    ----------
    y : np.ndarray [shape=(n,)]
        Signal; what exceeds 1 is clipped.
    sample_rate_hz : int
        Its sample rate.
    codec : {"mp3", "opus", "aac", "vorbis"}
        MP3, Opus in Ogg (as voice notes are), AAC in MP4 (as iPhones record), Vorbis in Ogg.
    bitrate_bps : int
        Bits a second that the encoder aims at.

    Returns
    -------
    bytes
        The encoded file.

    Raises
    ------
    OptionError
        If the codec is unknown or cannot take that sample rate or bit rate.
    SilentAudioError
        If the signal has no samples.

    Notes
    -----
    The sample rate stays, except for Opus, which is coded at 48 kHz. Vorbis has two equal channels.
    """
    if codec not in CODECS:
        raise OptionError(f"codec is {codec!r}", hint=f"Give one of {', '.join(CODECS)}.")
    if len(y) == 0:
        raise SilentAudioError("the signal has no samples", hint="Give a signal with sound in it.")
    encoder = CODECS[codec]
    # Both channels at full level: a mix down to mono then gives the signal back.
    channels = 2 if encoder.layout == "stereo" else 1
    samples = np.tile(np.clip(np.asarray(y, dtype=np.float32), -1.0, 1.0), (channels, 1))
    frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout=encoder.layout)
    frame.sample_rate = sample_rate_hz
    frame.time_base = Fraction(1, sample_rate_hz)
    frame.pts = 0
    buffer = io.BytesIO()
    try:
        with av.open(buffer, "w", format=encoder.container) as container:
            stream = cast(
                "AudioStream",
                container.add_stream(
                    encoder.name,
                    rate=encoder.sample_rate_hz or sample_rate_hz,
                    options=dict(encoder.options),
                    layout=encoder.layout,
                    bit_rate=bitrate_bps,
                ),
            )
            container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    except av.FFmpegError as error:
        raise OptionError(
            f"{codec} takes no signal of {sample_rate_hz} Hz at {bitrate_bps} bit/s: {error}",
            hint="Give a usual sample rate and bit rate, such as 22050 Hz and 64000 bit/s.",
        ) from error
    return buffer.getvalue()
