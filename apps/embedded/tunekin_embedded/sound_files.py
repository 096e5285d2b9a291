"""Which files a bulk load means, and what is known of them before anybody decodes them."""

import csv
import errno
import hashlib
import math
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote_to_bytes, urlsplit

import msgspec

from tunekin.errors import MessageError, OptionError
from tunekin.filters import read_tags
from tunekin.messages import Problem, Track, TrackOutcome
from tunekin_embedded import playlist_files

__all__ = [
    "EXTENSIONS",
    "Fetched",
    "changed_ms",
    "content_sha256",
    "find",
    "from_manifest",
    "from_playlist",
    "local_path",
    "shown",
    "track_id",
    "unreadable",
]

# Names that sound files have; what a file really is, its bytes decide.
EXTENSIONS = frozenset(
    [
        ".aac",
        ".aif",
        ".aifc",
        ".aiff",
        ".ape",
        ".asf",
        ".au",
        ".avi",
        ".caf",
        ".flac",
        ".m4a",
        ".m4b",
        ".mka",
        ".mkv",
        ".mov",
        ".mp2",
        ".mp3",
        ".mp4",
        ".mpc",
        ".oga",
        ".ogg",
        ".ogv",
        ".opus",
        ".spx",
        ".w64",
        ".wav",
        ".wave",
        ".webm",
        ".wma",
        ".wv",
    ]
)

# Columns of a manifest besides `file`; each fills the field of a track of that name.
_COLUMNS = ("title", "artist", "album", "isrc", "musicbrainz_id")


def track_id(uri: str) -> str:
    """Name a track by where its sound file lies, so that a changed file stays the same track.

    Parameters
    ----------
    uri : str
        Where the file lies.

    Returns
    -------
    str
        16 hexadecimal digits.

    Examples
    --------
    >>> track_id("file:///music/a.flac")
    '69285abeced0bf17'
    """
    return hashlib.sha256(uri.encode()).hexdigest()[:16]


def local_path(uri: str) -> Path:
    """Path of a file's URI.

    Parameters
    ----------
    uri : str
        URI with the scheme ``file``.

    Returns
    -------
    pathlib.Path
        Where the file lies.

    Examples
    --------
    >>> local_path("file:///music/a%20song.flac").name
    'a song.flac'
    """
    # Linux takes any bytes for a name, also such as are no UTF-8.
    return Path(os.fsdecode(unquote_to_bytes(urlsplit(uri).path)))


def shown(uri: str) -> str:
    """Name the place of a sound file as people write it.

    Parameters
    ----------
    uri : str
        Where the file lies.

    Returns
    -------
    str
        The path of a file of this machine, with � for what is no text; any other URI as it is.

    Examples
    --------
    >>> shown("file:///music/a%20song.flac"), shown("https://radio.example/a%20song.flac")
    ('/music/a song.flac', 'https://radio.example/a%20song.flac')
    """
    return os.fsencode(local_path(uri)).decode(errors="replace") if urlsplit(uri).scheme == "file" else uri


def content_sha256(uri: str) -> str:
    """Hash a file's bytes.

    Parameters
    ----------
    uri : str
        Where the file lies.

    Returns
    -------
    str
        Lower-case hexadecimal SHA-256.

    Raises
    ------
    OSError
        The file can't be read, or is none of this machine.
    """
    if urlsplit(uri).scheme != "file":
        raise OSError(errno.ENOENT, "it is no file of this machine")
    path = local_path(uri)
    mode = path.stat().st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        # Whoever opens a pipe waits until somebody writes to it.
        raise OSError(errno.EINVAL, "it is a pipe, a socket or a device")
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """A track whose sound file was fetched from elsewhere.

    Attributes
    ----------
    track : Track
        The track.
    path : pathlib.Path
        Where the file lies until `release`.
    sha256 : str
        Hash of its bytes.
    """

    track: Track
    path: Path
    sha256: str

    def release(self) -> None:
        """Remove the file."""
        self.path.unlink(missing_ok=True)


def changed_ms(uri: str) -> float | None:
    """Say when a file was last changed, in whatever way.

    Parameters
    ----------
    uri : str
        Where the file lies.

    Returns
    -------
    float or None
        Milliseconds since 1970: the time of its content, or of its being put there, which programs that copy files do
        not forge. None where there is no file; infinity where nobody may look.
    """
    try:
        state = local_path(uri).stat()
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    except OSError:
        # A folder that was closed to us, or a disk that fails, has lost no song.
        return math.inf
    return max(state.st_mtime_ns, state.st_ctime_ns) / 1e6 if stat.S_ISREG(state.st_mode) else None


def unreadable(track: Track, error: OSError) -> TrackOutcome:
    """Say that a track's file can't be read.

    Parameters
    ----------
    track : Track
        The track.
    error : OSError
        Why.

    Returns
    -------
    TrackOutcome
        A failure.
    """
    closed = isinstance(error, PermissionError)
    problem = Problem(
        code=MessageError.code,
        message=f"it can't be read: {error.strerror}",
        hint="let the user that Tunekin runs as read it" if closed else "check that it is there",
    )
    return TrackOutcome(track_id=track.track_id, source_uri=track.source_uri, status="failed", error=problem)


def find(path: Path) -> Iterator[Track]:
    """Find the sound files that a path means.

    Parameters
    ----------
    path : pathlib.Path
        A folder, searched to its depth for files with names of sound files; a CSV manifest; an M3U playlist; or any
        one file.

    Yields
    ------
    Track
        With its id and URI, and whatever a manifest or a playlist says. Hidden files and folders, links to folders,
        pipes and devices are passed over. A folder that can't be read is among them, so that a report names it.

    Raises
    ------
    OptionError
        There is nothing at that path, nobody may look there, or a manifest breaks its form, or can't be read.
    """
    try:
        path.stat()
    except FileNotFoundError as error:
        msg = f"there is no file or folder {path}"
        raise OptionError(msg, hint="name a folder with music, sound files, a CSV manifest or a playlist") from error
    except OSError as error:
        msg = f"{path} can't be read: {error.strerror}"
        raise OptionError(msg, hint="name what the user that Tunekin runs as may read") from error
    if path.is_dir():
        yield from (_track(file) for file in sorted(_walk(path)))
    elif path.suffix.lower() == ".csv" and path.is_file():
        yield from from_manifest(path)
    elif path.suffix.lower() in playlist_files.SUFFIXES and path.is_file():
        yield from from_playlist(path)
    else:
        yield _track(path)


def from_manifest(path: Path) -> Iterator[Track]:
    """Read a CSV manifest.

    Parameters
    ----------
    path : pathlib.Path
        UTF-8, with a header line. The column ``file`` names each sound file, from the manifest's folder; ``title``,
        ``artist``, ``album``, ``isrc``, ``musicbrainz_id``, ``year`` and ``tags`` are read where there are,
        others ignored. Several tags are separated by semicolons.

    Yields
    ------
    Track
        One a line.

    Raises
    ------
    OptionError
        There is no column ``file``, the text is no UTF-8, or a year is none.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            if "file" not in (rows.fieldnames or ()):
                msg = f"the manifest {path} has the columns {', '.join(rows.fieldnames or ()) or 'none'}"
                raise OptionError(msg, hint="it needs a column named 'file'")
            for row in rows:
                known = {name: (row.get(name) or "").strip() for name in _COLUMNS}
                track = msgspec.structs.replace(_track(path.parent / (row["file"] or "")), **known)
                yield msgspec.structs.replace(
                    track, year=_year(path, rows.line_num, row.get("year")), tags=read_tags(row.get("tags") or "")
                )
    except UnicodeDecodeError as error:
        msg = f"the manifest {path} is not UTF-8: {error.reason} at byte {error.start}"
        raise OptionError(msg, hint="save it as UTF-8") from error


def from_playlist(path: Path) -> Iterator[Track]:
    """Read an M3U playlist.

    Parameters
    ----------
    path : pathlib.Path
        M3U or M3U8, see `tunekin_embedded.playlist_files`.

    Yields
    ------
    Track
        One an entry, also where its file is missing, so that a report names it.

    Raises
    ------
    OptionError
        The playlist can't be read.
    """
    try:
        found = playlist_files.read(path)
    except OSError as error:
        msg = f"the playlist {path} can't be read: {error.strerror}"
        raise OptionError(msg, hint="check that you may read it") from error
    for entry in found:
        place = playlist_files.locate(entry.location, path.parent)
        track = Track(track_id=track_id(place), source_uri=place) if isinstance(place, str) else _track(place)
        yield msgspec.structs.replace(track, title=entry.title, artist=entry.artist, album=entry.album)


def _year(manifest: Path, line: int, text: str | None) -> int:
    year = (text or "").strip()
    if not year:
        return 0
    if not (year.isascii() and year.isdecimal() and len(year) <= len("9999")):
        raise OptionError(
            f"line {line} of the manifest {manifest} has the year {year[:40]!r}", hint="a year is a number, as 1994"
        )
    return int(year)


def _walk(folder: Path) -> Iterator[Path]:
    try:
        with os.scandir(folder) as found:
            entries = list(found)
    except OSError:
        yield folder
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        # A link to a folder above would never end.
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(Path(entry.path))
        elif Path(entry.name).suffix.lower() in EXTENSIONS and (entry.is_symlink() or entry.is_file()):
            yield Path(entry.path)


def _track(path: Path) -> Track:
    place = path.absolute()
    if ".." in place.parts and (plain := Path(os.path.normpath(place))).exists():
        place = plain
    uri = place.as_uri()
    return Track(track_id=track_id(uri), source_uri=uri)
