"""Decode an encoded file to PCM, with FFmpeg's libraries through PyAV.

Bytes of strangers meet a million lines of C here, so this module is imported by the sandboxed process only. It opens
nothing: the file comes as an object, the demuxer is fixed beforehand, and what a file refers to is refused.

Method
------
Channels are mixed by ITU-R BS.775 (front 0.71, centre 1, surround 0.5, no LFE), scaled so that the weights sum to one:
stereo is the mean of both channels, as in librosa. The rate is converted by soxr at its very high quality: flat to
10 kHz, nothing left from 11,025 Hz on. All is float until the last step, which rounds and clips. FFmpeg's filters would
do the same, but take longer than a codec does; so NumPy mixes many frames at a time.

References
----------
.. [1] ITU-R BS.775-3, Multichannel stereophonic sound system, annex 4.
"""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, Final

import av
import numpy as np
import soxr
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from numpy.typing import NDArray

from tunekin.errors import (
    AudioTooLongError,
    AudioTooShortError,
    DecoderLimitError,
    OptionError,
    SilentAudioError,
    UndecodableAudioError,
)
from tunekin_ingest.audio import FULL_SCALE, SAMPLE_RATE_HZ, TAG_LENGTH, TAG_NAMES, AudioSource, DecodeLimits, Pcm
from tunekin_ingest.sniff import Container

__all__ = ["decode"]

# 16-bit noise of one unit peaks at -90 dBFS and a cheap converter's at -80; music in a silent room is above -60.
_SILENCE_DBFS: Final = -70.0
# An encoder that does not note its delay adds up to two frames of padding; no reason to refuse what lasts a minute.
_PADDING_S: Final = 0.1
# Below lies no sound recording, above no converter; the resampler's filter grows with the rate.
_RATES_HZ: Final = range(1_000, 768_001)
# More is no recording.
_MAX_CHANNELS: Final = 64
# Samples mixed and converted at a time: few enough calls from Python, little enough memory.
_BLOCK: Final = 16_384

# Decoders of sound that people have; all the others, and so all of video, stay shut even while a file is probed.
_CODECS: Final = (
    "aac,aac_latm,ac3,adpcm_ima_qt,adpcm_ima_wav,adpcm_ms,alac,amrnb,amrwb,ape,eac3,flac,gsm,gsm_ms,mp1,mp1float,mp2,mp2float,"
    "mp3float,opus,pcm_alaw,pcm_f32be,pcm_f32le,pcm_f64be,pcm_f64le,pcm_mulaw,pcm_s16be,pcm_s16le,pcm_s24be,pcm_s24le,"
    "pcm_s32be,pcm_s32le,pcm_s8,pcm_u8,speex,tta,vorbis,wavpack,wmalossless,wmapro,wmav1,wmav2,wmavoice"
)

# ITU-R BS.775: weights of a channel in the mono mix; what the table leaves out counts as surround.
_WEIGHTS: Final = {"FC": 1.0, "FL": 0.5**0.5, "FR": 0.5**0.5, "LFE": 0.0, "LFE2": 0.0}
_SURROUND_WEIGHT: Final = 0.5


def decode(
    file: BinaryIO,
    *,
    container: Container,
    limits: DecodeLimits,
    start_s: float | None = None,
    duration_s: float | None = None,
) -> Pcm:
    """Decode a file, or a span of it, to mono PCM.

    A broken part is left out, as players do; a file that ends early gives what there is. A span is that very slice of
    what the whole file gives, and nothing behind it is read.

    1. Open the file with the one demuxer, and the decoder of its best stream of sound.
    2. Decode, mix and convert block by block, until the span is full or the file at its end.
    3. Refuse what is too short, or silent.

    Parameters
    ----------
    file : BinaryIO
        The encoded file; it must be seekable.
    container : Container
        Kind that the file's bytes showed.
    limits : DecodeLimits
        What it may yield; time and memory are the caller's to enforce.
    start_s : float, optional
        Where the span starts, in seconds of sound; by default at the beginning.
    duration_s : float, optional
        Length of the span, in seconds; by default the rest of the file.

    Returns
    -------
    Pcm
        The sound.

    Raises
    ------
    UndecodableAudioError
        If there is no stream of sound, or none of it could be decoded.
    AudioTooLongError
        If more than ``limits.max_duration_s`` was asked for.
    AudioTooShortError
        If less than ``limits.min_duration_s`` came out.
    SilentAudioError
        If the peak is at or below -70 dBFS.
    OptionError
        If the span starts where the file has ended.
    DecoderLimitError
        If memory ran out.

    References
    ----------
    .. [1] ITU-R BS.775-3, Multichannel stereophonic sound system, annex 4.
    """
    span = _Span(start_s=start_s, duration_s=duration_s, limits=limits)
    file_s: float | None = None
    try:
        # Step 1
        with _opened(file, container) as opened:
            stream = _sound_stream(opened, container)
            sound = _Sound(opened, stream)
            header_s = opened.duration / 1e6 if opened.duration and opened.duration > 0 else None
            # Step 2
            for block in sound.blocks():
                span.add(block)
                if span.is_full:
                    file_s = header_s
                    break
                if span.is_too_long:
                    claim = "" if header_s is None else f"; the file's header says {header_s:,.0f} s"
                    raise AudioTooLongError(
                        f"there is more than {limits.max_duration_s:g} s of sound{claim}",
                        hint="name a part by its start and duration, or send a shorter file",
                    )
            else:
                file_s = span.passed / SAMPLE_RATE_HZ
            samples = span.samples()
            tags = _tags(opened, stream)
    except MemoryError as error:
        raise DecoderLimitError(
            f"this {container} file takes more than {limits.memory_bytes:,} bytes of memory to decode",
            hint="encode it anew with a common program; sound takes a fraction of that",
        ) from error
    except (av.FFmpegError, ValueError) as error:
        raise UndecodableAudioError(
            f"this {container} file is broken ({type(error).__name__})",
            hint="check that it plays, or encode it anew",
        ) from error
    # Step 3
    if not span.passed:
        raise UndecodableAudioError(
            f"this {container} file is broken: none of its sound could be decoded",
            hint="check that it plays, or encode it anew",
        )
    if start_s is not None and span.passed <= span.start:
        raise OptionError(
            f"start_s is {start_s:g}, but the file ends after {span.passed / SAMPLE_RATE_HZ:.2f} s",
            hint="choose a start inside the file",
        )
    if len(samples) < limits.min_duration_s * SAMPLE_RATE_HZ:
        raise AudioTooShortError(
            f"there is {len(samples) / SAMPLE_RATE_HZ:.2f} s of sound; at least {limits.min_duration_s:g} s are needed",
            hint="a few seconds more are needed; 6 s is good",
        )
    # As Python's integers, of which the lowest of 16 bits has an opposite.
    if max(int(samples.max()), -int(samples.min())) <= FULL_SCALE * 10 ** (_SILENCE_DBFS / 20):
        raise SilentAudioError(
            f"there is nothing to hear: the sound never rises above {_SILENCE_DBFS:g} dBFS",
            hint="listen to it; if it was recorded, check the microphone",
        )
    source = AudioSource(
        container=container.value,
        codec=stream.codec_context.name,
        channels=sound.channels,
        sample_rate_hz=sound.rate_hz,
        duration_s=file_s,
        tags=tags,
    )
    samples.flags.writeable = False
    return Pcm(samples=samples, sample_rate_hz=SAMPLE_RATE_HZ, source=source)


class _Span:
    """The part of a file that was asked for, filled block by block; in samples of the result."""

    def __init__(self, *, start_s: float | None, duration_s: float | None, limits: DecodeLimits) -> None:
        self.start = round((start_s or 0.0) * SAMPLE_RATE_HZ)
        self._wanted = None if duration_s is None else round(duration_s * SAMPLE_RATE_HZ)
        self._most = round(limits.max_duration_s * SAMPLE_RATE_HZ)
        self._parts: list[NDArray[np.int16]] = []
        self._kept = 0
        self.passed = 0

    def add(self, block: NDArray[np.float32]) -> None:
        """Take of the next block what lies inside."""
        part = _to_int16(block[max(self.start - self.passed, 0) :])
        self.passed += len(block)
        self._kept += len(part)
        if len(part):
            self._parts.append(part)

    @property
    def is_full(self) -> bool:
        return self._wanted is not None and self._wanted <= min(self._kept, self._most)

    @property
    def is_too_long(self) -> bool:
        return self._kept > self._most + _PADDING_S * SAMPLE_RATE_HZ

    def samples(self) -> NDArray[np.int16]:
        """Join what was taken."""
        end = self._most if self._wanted is None else min(self._wanted, self._most)
        return np.concatenate([np.zeros(0, np.int16), *self._parts])[:end]


def _refuse(*_args: object) -> object:
    """Stand where FFmpeg would open what a file refers to."""
    raise PermissionError("a sound file may not refer to other files")


@contextmanager
def _opened(file: BinaryIO, container: Container) -> Iterator[InputContainer]:
    """Open with the one demuxer, with decoders of sound only, with nothing else within reach."""
    options = {
        "codec_whitelist": _CODECS,
        "format_whitelist": container.value,
        "protocol_whitelist": "none",
        # FFmpeg looks for DTS in 16-bit WAV files: for 20 ms in 2,500 packets by default, yet the first one tells.
        "max_probe_packets": "1",
    }
    try:
        opened = av.open(
            file,
            mode="r",
            format=container.value,
            options=options,
            metadata_errors="replace",
            io_open=_refuse,
        )
    except MemoryError:
        raise
    except (av.FFmpegError, ValueError) as error:
        raise UndecodableAudioError(
            f"this {container} file is broken: its header could not be read ({type(error).__name__})",
            hint="check that it plays, or encode it anew",
        ) from error
    with opened:
        yield opened


def _sound_stream(opened: InputContainer, container: Container) -> AudioStream:
    """Return the stream of sound that a player would choose, with its decoder limited to one thread."""
    stream = opened.streams.best("audio")
    if not isinstance(stream, AudioStream):
        kinds = ", ".join(sorted({other.type for other in opened.streams})) or "nothing"
        raise UndecodableAudioError(
            f"this {container} file has a broken stream of sound"
            if opened.streams.audio
            else f"this {container} file holds no stream of sound, but {kinds}",
            hint="send a file that plays sound",
        )
    codec = stream.codec_context
    if codec is None or codec.name not in _CODECS.split(","):
        raise UndecodableAudioError(
            f"this {container} file's sound is coded as {codec.name if codec else 'something unknown'}, "
            "which is not decoded",
            hint="encode it anew as MP3, AAC, Opus or FLAC",
        )
    codec.thread_count = 1
    return stream


def _tags(opened: InputContainer, stream: AudioStream) -> dict[str, str]:
    """Tags that name a track; Ogg keeps them with the stream."""
    tags = {name.lower(): text for name, text in (stream.metadata | opened.metadata).items()}
    return {
        name: "".join(character for character in tags[name][:TAG_LENGTH] if character.isprintable())
        for name in TAG_NAMES & tags.keys()
    }


class _Sound:
    """Sound of a stream, mixed to mono at `SAMPLE_RATE_HZ`; with what the stream has, once it is known."""

    def __init__(self, opened: InputContainer, stream: AudioStream) -> None:
        self._opened = opened
        self._stream = stream
        self.channels = 0
        self.rate_hz = 0

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        """Decode, mix and convert block by block."""
        mixer: _Mixer | None = None
        for frame in _frames(self._opened, self._stream):
            # Parts of a chained stream may differ in rate and channels.
            if mixer is None or not mixer.fits(frame):
                if mixer is not None:
                    yield from mixer.flush()
                mixer = _Mixer(frame)
                self.channels, self.rate_hz = frame.layout.nb_channels, frame.sample_rate
            yield from mixer.push(frame)
        if mixer is not None:
            yield from mixer.flush()


def _frames(opened: InputContainer, stream: AudioStream) -> Iterator[AudioFrame]:
    """Frames that can be decoded; corrupt packets are passed over, and where the file breaks off it ends."""
    packets = opened.demux(stream)
    while True:
        try:
            packet = next(packets)
        except MemoryError:
            raise
        except (StopIteration, av.FFmpegError):
            return
        try:
            frames = packet.decode()
        except MemoryError:
            raise
        except av.FFmpegError:
            continue
        for frame in frames:
            if isinstance(frame, AudioFrame) and frame.samples:
                _spare_layout(frame)
                yield frame


def _spare_layout(frame: AudioFrame) -> None:
    """Keep PyAV 18.1 from freeing an unusual layout of channels, which it does not own and FFmpeg frees as well."""
    if "(" in frame.layout.name:  # only a layout spelled out channel by channel has memory of its own
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(frame.layout))


class _Mixer:
    """From one kind of frame to blocks of mono float at `SAMPLE_RATE_HZ`."""

    def __init__(self, frame: AudioFrame) -> None:
        self._kind = _kind(frame)
        _, _, rate_hz = self._kind
        channels = frame.layout.nb_channels
        if rate_hz not in _RATES_HZ or not 1 <= channels <= _MAX_CHANNELS:
            raise UndecodableAudioError(
                f"the sound has {channels} channels at {rate_hz} Hz; read are 1 to {_MAX_CHANNELS} channels "
                f"at {_RATES_HZ.start} to {_RATES_HZ.stop - 1} Hz",
                hint="encode it anew in stereo at 44,100 Hz",
            )
        weights = np.array([_WEIGHTS.get(channel.name, _SURROUND_WEIGHT) for channel in frame.layout.channels])
        if not weights.any():
            weights[:] = 1.0
        # What is left out is not even looked at, lest what is no number reach the sum.
        self._heard = np.flatnonzero(weights)
        self._weights = (weights / weights.sum())[self._heard].astype(np.float32)
        self._resampler = (
            None
            if rate_hz == SAMPLE_RATE_HZ
            else soxr.ResampleStream(rate_hz, SAMPLE_RATE_HZ, 1, dtype="float32", quality="VHQ")
        )
        self._waiting: list[NDArray[np.generic]] = []
        self._samples = 0

    def fits(self, frame: AudioFrame) -> bool:
        """Whether the frame is of the kind that this is made for."""
        return _kind(frame) == self._kind

    def push(self, frame: AudioFrame) -> Iterator[NDArray[np.float32]]:
        """Put a frame in, take a finished block out."""
        planes = frame.to_ndarray()
        if not frame.format.is_planar:
            planes = planes.reshape(-1, frame.layout.nb_channels).T
        self._waiting.append(planes)
        self._samples += planes.shape[1]
        # Frames are short: what there is to do for each of them takes as long as to decode it.
        if self._samples >= _BLOCK:
            yield self._mixed()

    def flush(self) -> Iterator[NDArray[np.float32]]:
        """Take out what is left."""
        if self._waiting:
            yield self._mixed()
        if self._resampler is not None:
            yield self._resampler.resample_chunk(np.zeros(0, dtype=np.float32), last=True)

    def _mixed(self) -> NDArray[np.float32]:
        planes = _as_float(np.concatenate(self._waiting, axis=1)[self._heard])
        self._waiting.clear()
        self._samples = 0
        mono: NDArray[np.float32] = self._weights @ planes
        if self._resampler is not None:
            mono = self._resampler.resample_chunk(mono)
        return mono


def _as_float(samples: NDArray[np.generic]) -> NDArray[np.float32]:
    """Bring what a decoder gives to [-1, 1]."""
    if samples.dtype == np.uint8:
        return (samples.astype(np.float32) - np.float32(128)) / np.float32(128)
    if np.issubdtype(samples.dtype, np.integer):
        return samples.astype(np.float32) / np.float32(2.0 ** (8 * samples.dtype.itemsize - 1))
    return samples.astype(np.float32, copy=False)


def _kind(frame: AudioFrame) -> tuple[str, str, int]:
    """Return what the filters depend on: sample format, layout of the channels, rate in Hz."""
    return frame.format.name, frame.layout.name, frame.sample_rate


def _to_int16(block: NDArray[np.float32]) -> NDArray[np.int16]:
    """Round to 16 bits; what is over full scale is clipped, what is not a number is silence."""
    scaled = np.rint(block * np.float32(FULL_SCALE))
    np.clip(scaled, -FULL_SCALE, FULL_SCALE - 1, out=scaled)
    missing = np.isnan(scaled)
    if missing.any():
        scaled[missing] = 0
    samples: NDArray[np.int16] = scaled.astype(np.int16)
    return samples
