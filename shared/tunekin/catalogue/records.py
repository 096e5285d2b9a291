"""What goes into the catalogue and what comes out of it, as plain values; knows no database."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from tunekin.errors import MessageError
from tunekin.features import FEATURES
from tunekin.messages import Label, Track

__all__ = [
    "FRAMES_MAX_BYTES",
    "NAME_MAX",
    "SHA256_MAX",
    "TAGS_MAX",
    "URI_MAX",
    "VERDICT_MAX",
    "VERSION_MAX",
    "Entry",
    "IndexRow",
    "IndexSnapshot",
    "Mood",
    "MoodInWords",
    "Removed",
    "Source",
    "StoredFeatures",
    "Summaries",
    "TrackName",
    "TrackViews",
    "TypicalTrack",
    "Written",
]

# InnoDB takes 3,072 bytes as a key: three columns of 255 characters, four bytes each, as the order of pages needs.
NAME_MAX = 255
# MySQL's TEXT holds 65,535 bytes, four for a character at the most.
URI_MAX = 16_000
TAGS_MAX = 4_000
VERSION_MAX = 64
SHA256_MAX = 64
VERDICT_MAX = 8
# What a MEDIUMBLOB holds; eleven hours of sound.
FRAMES_MAX_BYTES = 2**24 - 1

_FLOAT16_BYTES = 2


# --- in --------------------------------------------------------------------------------------------------------------


class MoodInWords(Protocol):
    """A mood as its model's manifest describes it."""

    @property
    def id(self) -> int:
        """Its number."""

    @property
    def label(self) -> Label:
        """A few words for it."""

    @property
    def description(self) -> Label:
        """A sentence about it."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A track with its features and mood, checked: what one entry has wrong must not stop those written with it.

    Attributes
    ----------
    track : Track
        The track.
    feature_version : str
        Name of the feature version.
    frames : bytes
        As `tunekin.features.frames_to_bytes` packs them.
    summary : sequence of float
        In the order of the version's ``summary_names``.
    model_version : str
        Name of the mood model.
    probabilities : sequence of float
        Probability of each mood, by number; empty where no model has judged the track.
    views : bytes
        As `tunekin.features.views_to_bytes` packs them.
    n_mfcc : int
        Coefficients a frame has.

    Raises
    ------
    MessageError
        Something of it can't be stored.
    """

    track: Track
    feature_version: str
    frames: bytes
    summary: Sequence[float]
    model_version: str
    probabilities: Sequence[float]
    views: bytes = b""
    n_mfcc: int = FEATURES.n_mfcc

    def __post_init__(self) -> None:
        """Check the entry."""
        track = self.track
        # MySQL takes 'a' and 'a ' for the same id, SQLite does not.
        if not track.track_id or track.track_id != track.track_id.strip():
            raise MessageError(f"the track id is {track.track_id!r}", hint="an id neither begins nor ends with a space")
        texts = {name: value for name, value in msgspec.structs.asdict(track).items() if isinstance(value, str)}
        limits = {
            "source_uri": URI_MAX,
            "content_sha256": SHA256_MAX,
            "feature_version": VERSION_MAX,
            "model_version": VERSION_MAX,
            "tags": TAGS_MAX,
        }
        texts |= {
            "feature_version": self.feature_version,
            "model_version": self.model_version,
            "tags": ",".join(track.tags),
        }
        for name, value in texts.items():
            _check_text(name, value, most=limits.get(name, NAME_MAX))
        if not all(map(math.isfinite, (track.duration_s, *self.summary, *self.probabilities))):
            raise MessageError(f"the duration, summary or probabilities of track {track.track_id!r} are not all finite")
        if not 0 < len(self.frames) <= FRAMES_MAX_BYTES or len(self.frames) % (_FLOAT16_BYTES * self.n_mfcc):
            raise MessageError(
                f"the frames of track {track.track_id!r} have {len(self.frames)} bytes",
                hint=f"frames are {_FLOAT16_BYTES * self.n_mfcc} bytes each, {FRAMES_MAX_BYTES} together at the most",
            )

    @property
    def frame_count(self) -> int:
        """How many frames there are."""
        return len(self.frames) // (_FLOAT16_BYTES * self.n_mfcc)


def _check_text(name: str, value: str, *, most: int) -> None:
    if len(value) > most:
        raise MessageError(f"{name} has {len(value)} characters: {value[:40]!r}…", hint=f"it may have {most}")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise MessageError(f"{name} is {value[:40]!r}, which is no Unicode text") from error


@dataclass(frozen=True, kw_only=True)
class Removed:
    """What came of removing a track.

    Attributes
    ----------
    catalogue_version : int
        Version of the catalogue that does not hold it.
    held : bool
        Whether the catalogue held it until then.
    """

    catalogue_version: int
    held: bool


@dataclass(frozen=True, kw_only=True)
class Written:
    """What came of an entry.

    Attributes
    ----------
    catalogue_version : int
        Version of the catalogue from which on it is there.
    added : bool
        Whether the catalogue did not hold the track before.
    """

    catalogue_version: int
    added: bool


# --- out -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Mood:
    """A mood of a mood model.

    Attributes
    ----------
    id : int
        Its number.
    label : Label
        A few words for it.
    description : Label
        A sentence about it.
    tracks : int
        How many tracks have it.
    """

    id: int
    label: Label
    description: Label
    tracks: int


class Source(NamedTuple):
    """What a track was made of.

    Attributes
    ----------
    track_id : str
        The track.
    source_uri : str
        Where its sound file lies, or lay.
    content_sha256 : str
        Hash of that file's bytes.
    updated_ms : int
        When the track was last written.
    """

    track_id: str
    source_uri: str
    content_sha256: str
    updated_ms: int


class TrackName(NamedTuple):
    """What a track is called; texts are empty where unknown."""

    track_id: str
    title: str
    artist: str
    album: str


class TrackViews(NamedTuple):
    """A track's title, its views as float16, and the names of its recording; texts are empty where unknown."""

    track_id: str
    title: str
    views: NDArray[np.float16]
    isrc: str
    musicbrainz_id: str


@dataclass(frozen=True, kw_only=True)
class TypicalTrack:
    """A track of a mood, and how probable that mood is for it."""

    track: Track
    probability: float


@dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class IndexRow:
    """What a search index holds of a track.

    Attributes
    ----------
    track : Track
        The track.
    mood : int or None
        Number of its mood; unset where the model has not judged it.
    probabilities : np.ndarray [shape=(moods,), dtype=float32]
        Probability of each mood; read-only, empty where the model has not judged it.
    frames : np.ndarray [shape=(m, n_mfcc), dtype=float16]
        Its frames; read-only.
    updated_ms : int
        When the catalogue last took it up, in milliseconds since 1970 by the writer's clock.
    views : np.ndarray [shape=(views_size,), dtype=float16]
        Its views; read-only.
    tempo_bpm : float or None
        Its tempo, in beats a minute.
    """

    track: Track
    mood: int | None
    probabilities: NDArray[np.float32]
    frames: NDArray[np.float16]
    updated_ms: int
    views: NDArray[np.float16]
    tempo_bpm: float | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class IndexSnapshot:
    """All rows of a search index in one state of the catalogue.

    Attributes
    ----------
    catalogue_version : int
        The state.
    count : int
        How many rows there are.
    batches : iterator of list of IndexRow
        The rows by track id; read from the database as they are consumed, once.
    """

    catalogue_version: int
    count: int
    batches: Iterator[list[IndexRow]]


@dataclass(frozen=True, kw_only=True, eq=False)
class StoredFeatures:
    """A track and what was heard of it.

    Attributes
    ----------
    track : Track
        The track.
    summary : tuple of float
        Its summary.
    frames : bytes
        Its frames, as `tunekin.features.frames_to_bytes` packs them.
    views : bytes
        Its views, as `tunekin.features.views_to_bytes` packs them.
    """

    track: Track
    summary: tuple[float, ...]
    frames: bytes
    views: bytes


@dataclass(frozen=True, kw_only=True, eq=False)
class Summaries:
    """Summaries of all tracks.

    Attributes
    ----------
    track_ids : tuple of str [n]
        The tracks, in order of their ids.
    titles, artists, albums : tuple of str [n]
        What each is called; empty where unknown.
    matrix : np.ndarray [shape=(n, summary_size), dtype=float32]
        Summary of each; read-only.
    """

    track_ids: tuple[str, ...]
    titles: tuple[str, ...]
    artists: tuple[str, ...]
    albums: tuple[str, ...]
    matrix: NDArray[np.float32]
