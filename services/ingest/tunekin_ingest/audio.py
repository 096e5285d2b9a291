"""Decoded sound and the limits of decoding, as values.

They stand apart from the decoder, so that the service can name them without loading a codec library.

Conventions
-----------
PCM is mono, 16 bits signed, at ``SAMPLE_RATE_HZ``. Full scale is 32,768, so a mono 16-bit file at that rate comes
through unchanged.
"""

import math
from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tunekin.errors import SettingsError
from tunekin.features import FEATURES

__all__ = ["FULL_SCALE", "SAMPLE_RATE_HZ", "TAG_LENGTH", "TAG_NAMES", "AudioSource", "DecodeLimits", "Pcm"]

FULL_SCALE: Final = 32_768
"""What 1.0 is as a 16-bit sample; the convention of soundfile and librosa, which read by it."""

SAMPLE_RATE_HZ: Final = FEATURES.sample_rate_hz
"""The rate that features are defined at."""

TAG_NAMES: Final = frozenset(
    {
        *("title", "artist", "album_artist", "album", "isrc", "tsrc", "musicbrainz_trackid", "musicbrainz track id"),
        *("date", "year", "genre"),
    },
)
"""The tags that a track is named and filtered by; all others, from lyrics to covers, stay in the sandbox."""

TAG_LENGTH: Final = 255
"""Characters that a tag keeps: what the catalogue's columns hold."""


@dataclass(frozen=True, kw_only=True)
class DecodeLimits:
    """What decoding one file may cost and yield.

    Attributes
    ----------
    max_bytes : int
        Size of the encoded file, in bytes. 64 MiB hold 6 minutes of CD sound unpacked, or 28 minutes of the best MP3.
    max_duration_s : float
        Length of the sound asked for, in seconds. Half an hour spans nearly every movement of a symphony; what is
        longer is a mix or a broadcast, not a song. Counted in decoded samples: what a header says is not believed.
    min_duration_s : float
        Length of sound that a comparison needs, in seconds. One second is about ten frames.
    memory_bytes : int
        Memory that a decode may take on top of the loaded libraries, in bytes. Half an hour of PCM takes 80 MB, twice
        while its parts are joined; the rest is for a codec's tables and for a container's index.
    cpu_s : int
        Processor time, in seconds. MP3 takes one for nine minutes of sound, so half an hour of a codec may take fifteen
        times as long as that.
    wall_s : float
        Time on the clock, in seconds; twice ``cpu_s``, since a busy machine gives a decode half a core at times.

    Raises
    ------
    SettingsError
        If a limit is not a positive, finite number, or the shortest length is above the longest.
    """

    max_bytes: int = 64 * 2**20
    max_duration_s: float = 1_800.0
    min_duration_s: float = 1.0
    memory_bytes: int = 512 * 2**20
    cpu_s: int = 60
    wall_s: float = 120.0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not (math.isfinite(value) and value > 0):
                raise SettingsError(f"{field.name} is {value}; it must be a positive number")
        if self.min_duration_s > self.max_duration_s:
            raise SettingsError(
                f"min_duration_s is {self.min_duration_s} and max_duration_s is {self.max_duration_s}; "
                "the first must not exceed the second",
            )


@dataclass(frozen=True, kw_only=True)
class AudioSource:
    """What the encoded file was, for logs.

    Attributes
    ----------
    container : str
        Kind of file, as `tunekin_ingest.sniff.Container` names it.
    codec : str
        Name of the decoder that FFmpeg used.
    channels : int
        Channels that were mixed to one.
    sample_rate_hz : int
        Rate that the sound was recorded at.
    duration_s : float or None
        Length of the whole file's sound, in seconds: counted where the file was decoded to its end, else what its
        header says, if anything.
    tags : dict of str to str
        Those of ``TAG_NAMES`` that the file carries, by lower-case name as FFmpeg spells them; a stranger's words.
    """

    container: str
    codec: str
    channels: int
    sample_rate_hz: int
    duration_s: float | None
    tags: dict[str, str]


@dataclass(frozen=True, kw_only=True, eq=False)
class Pcm:
    """Decoded sound, ready for analysis.

    Attributes
    ----------
    samples : np.ndarray [shape=(n,), dtype=int16]
        Mono PCM; read-only.
    sample_rate_hz : int
        Rate of the samples.
    source : AudioSource
        What the encoded file was.
    """

    samples: NDArray[np.int16]
    sample_rate_hz: int
    source: AudioSource

    @property
    def duration_s(self) -> float:
        """Length of the decoded part, in seconds."""
        return len(self.samples) / self.sample_rate_hz

    @property
    def signal(self) -> NDArray[np.float32]:
        """The samples in [-1, 1), exactly."""
        return self.samples.astype(np.float32) / np.float32(FULL_SCALE)
