"""Encoded files made of signals, for tests of decoding."""

import io
from fractions import Fraction

import av
import numpy as np
import soundfile

# An MP3 without tags, so that it is longer as often as it is repeated.
BARE_MP3 = {"id3v2_version": "0", "write_id3v1": "0", "write_xing": "0"}

_LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1"}
_BLOCK = 4_096


def tone(*, hz=1_000.0, duration_s=2.0, rate_hz=44_100, amplitude=0.5, channels=1):
    """A sine, the same in every channel [shape=(channels, n), float32]."""
    t = np.arange(round(duration_s * rate_hz)) / rate_hz
    return np.tile((amplitude * np.sin(2 * np.pi * hz * t)).astype(np.float32), (channels, 1))


def encode(y, *, container, codec, rate_hz=44_100, layout=None, bit_rate=None, picture=None, tags=None, options=None):
    """Encode a signal [shape=(channels, n)], or none, with PyAV; with a codec for the picture into a film."""
    file = io.BytesIO()
    with av.open(file, "w", format=container, options=options or {}) as output:
        output.metadata.update(tags or {})
        film = sound = None
        if picture is not None:
            film = output.add_stream(picture, rate=5, width=64, height=64, pix_fmt="yuv420p")
            film.codec_context.thread_count = 1
        if y is not None:
            sound = output.add_stream(codec, rate=rate_hz, layout=layout or _LAYOUTS[len(y)])
            if bit_rate is not None:
                sound.bit_rate = bit_rate
        for index in range(10 if film else 0):
            still = av.VideoFrame.from_ndarray(np.full((96, 64), 25 * index, np.uint8), format="yuv420p")
            still.pts, still.time_base = index, Fraction(1, 5)
            output.mux(film.encode(still))
        for start in range(0, y.shape[1] if sound else 0, _BLOCK):
            part = np.ascontiguousarray(y[:, start : start + _BLOCK], dtype=np.float32)
            frame = av.AudioFrame.from_ndarray(part, format="fltp", layout=sound.layout.name)
            frame.sample_rate, frame.pts, frame.time_base = rate_hz, start, Fraction(1, rate_hz)
            output.mux(sound.encode(frame))
        for stream in (film, sound):
            if stream is not None:
                output.mux(stream.encode(None))
    return file.getvalue()


def write(y, *, container="WAV", subtype="PCM_16", rate_hz=44_100):
    """Write a signal [shape=(channels, n)] with libsndfile."""
    file = io.BytesIO()
    soundfile.write(file, y.T, rate_hz, format=container, subtype=subtype)
    return file.getvalue()


def amplitude_at(samples, *, hz, rate_hz=22_050):
    """Amplitude of a sine in the middle half of 16-bit samples, by least squares; 1.0 is full scale."""
    y = samples[len(samples) // 4 : -len(samples) // 4] / 32_768
    phase = 2 * np.pi * hz * np.arange(len(y)) / rate_hz
    coefficients, *_ = np.linalg.lstsq(np.stack([np.cos(phase), np.sin(phase)], axis=1), y, rcond=None)
    return float(np.hypot(*coefficients))
