"""The trainer's own music: which files there are, what is known of them, and their sound.

Sound is decoded in this process, with libsndfile: whoever trains chose the files. What strangers send is the business
of `tunekin_ingest`, with its checks and its sandbox.
"""

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import librosa
import numpy as np
import soundfile
from numpy.typing import NDArray

from tunekin.errors import SettingsError
from tunekin.features import FEATURES

__all__ = ["SUFFIXES", "Recording", "find", "read"]

# What libsndfile reads of what people have.
SUFFIXES = frozenset({".aif", ".aiff", ".flac", ".mp3", ".oga", ".ogg", ".opus", ".wav"})
_EMOTION = "emotion_"


@dataclass(frozen=True, kw_only=True)
class Recording:
    """A sound file and what is known of it.

    Attributes
    ----------
    path : pathlib.Path
        The file.
    name : str
        What a report calls it; differs from file to file.
    artist, album, label, licence : str
        Empty where unknown; a label is a genre, for instance.
    emotions : mapping of str to float
        Share of listeners who felt each emotion; empty where nobody was asked.
    """

    path: Path
    name: str
    artist: str = ""
    album: str = ""
    label: str = ""
    licence: str = ""
    emotions: Mapping[str, float] = field(default_factory=dict)


def find(music: Path) -> tuple[Recording, ...]:
    """List the music of a folder or a manifest.

    Parameters
    ----------
    music : pathlib.Path
        Either a folder, all of whose sound files count; a folder inside it counts as an artist. Or a CSV manifest in
        UTF-8 with a column ``file`` (relative to the manifest) and, where known, ``artist``, ``title``, ``album``,
        ``label``, ``licence`` and ``emotion_*``. An artist whose name begins with "unknown" is unknown.

    Returns
    -------
    tuple of Recording
        By path from a folder, in the order of the lines from a manifest.

    Raises
    ------
    SettingsError
        There is no such folder or manifest, there is no music in it, or a line of it makes no sense.
    """
    recordings = _in_folder(music) if music.is_dir() else _in_manifest(music)
    if not recordings:
        raise SettingsError(f"there is no music in {music}", hint=f"sound files are {', '.join(sorted(SUFFIXES))}")
    return recordings


def read(recording: Recording, *, sample_rate_hz: int = FEATURES.sample_rate_hz) -> NDArray[np.float32]:
    """Decode a sound file.

    Parameters
    ----------
    recording : Recording
        The file.
    sample_rate_hz : int
        Rate wanted.

    Returns
    -------
    np.ndarray [shape=(n,), dtype=float32]
        Mean of the channels, resampled where the file has another rate.

    Raises
    ------
    OSError
        libsndfile can't read it.
    """
    try:
        samples, rate_hz = soundfile.read(recording.path, dtype="float32", always_2d=True)
    except soundfile.SoundFileError as error:
        raise OSError(str(error)) from error
    mono = samples.mean(axis=1)
    if rate_hz == sample_rate_hz or not mono.size:
        return np.asarray(mono)
    return np.asarray(librosa.resample(mono, orig_sr=rate_hz, target_sr=sample_rate_hz, res_type="soxr_hq"))


def _in_folder(folder: Path) -> tuple[Recording, ...]:
    """Sound files anywhere in a folder."""
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    places = [path.relative_to(folder) for path in paths]
    return tuple(
        Recording(path=path, name=place.as_posix(), artist=place.parts[0] if len(place.parts) > 1 else "")
        for path, place in zip(paths, places, strict=True)
    )


def _in_manifest(manifest: Path) -> tuple[Recording, ...]:
    """Sound files that a manifest lists."""
    try:
        with manifest.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SettingsError(f"{manifest} can't be read: {error}", hint="name a folder or a CSV manifest") from error
    return tuple(_listed(row, manifest=manifest, line=line) for line, row in enumerate(rows, 2))


def _listed(row: Mapping[str, str | None], *, manifest: Path, line: int) -> Recording:
    """Make the recording of one line."""
    cells = {name: (value or "").strip() for name, value in row.items() if isinstance(name, str)}
    if not cells.get("file"):
        raise SettingsError(f"line {line} of {manifest} names no file", hint="the manifest needs a column `file`")
    artist = cells.get("artist", "")
    artist = "" if artist.casefold().startswith("unknown") else artist
    described = " - ".join(part for part in (artist, cells.get("title", "")) if part)
    try:
        emotions = {
            name.removeprefix(_EMOTION): float(value)
            for name, value in cells.items()
            if name.startswith(_EMOTION) and value
        }
    except ValueError as error:
        raise SettingsError(f"line {line} of {manifest}: {error}", hint="an emotion is a share, 0 to 1") from error
    if not all(map(math.isfinite, emotions.values())):
        raise SettingsError(f"line {line} of {manifest} has {emotions}", hint="an emotion is a share, 0 to 1")
    return Recording(
        path=manifest.parent / cells["file"],
        name=described or cells["file"],
        artist=artist,
        album=cells.get("album", ""),
        label=cells.get("label", ""),
        licence=cells.get("licence", ""),
        emotions=emotions,
    )
