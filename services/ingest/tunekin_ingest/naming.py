"""What a track is called: as its publisher says, else as its tags say, else as its file is named."""

import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

import msgspec

from tunekin.filters import read_tags
from tunekin.messages import Track

__all__ = ["from_file_name", "with_tags"]

# What the columns of the catalogue hold.
_MOST_CHARACTERS = 255
_YEAR = re.compile(r"(?<!\d)[12]\d{3}(?!\d)")
# "03 - ", "3. ", "03 ": a track number is no part of the title; "7 rings" and "99 Luftballons" are.
_TRACK_NUMBER = re.compile(r"^(?:\d{1,3}\s*[-.]\s*|0\d{1,2}\s+)(?=\D)")


def from_file_name(uri: str) -> tuple[str, str]:
    """Artist and title that a file's name tells.

    Parameters
    ----------
    uri : str
        Where the file lies.

    Returns
    -------
    tuple of (str, str)
        Artist, empty unless the name reads ``Artist - Title``, and title.

    Examples
    --------
    >>> from_file_name("file:///music/A%20Band/01%20-%20A%20Band%20-%20A%20Song.flac")
    ('A Band', 'A Song')
    >>> from_file_name("file:///music/some_song.mp3")
    ('', 'some song')
    """
    stem = " ".join(PurePosixPath(unquote(urlsplit(uri).path)).stem.replace("_", " ").split())
    stem = _TRACK_NUMBER.sub("", stem)
    artist, dash, title = stem.partition(" - ")
    return (artist.strip(), title.strip()) if dash else ("", stem)


def with_tags(track: Track, tags: Mapping[str, str]) -> Track:
    """Fill in what a track's publisher left open.

    Parameters
    ----------
    track : Track
        What is known so far.
    tags : mapping of str to str
        Tags of the sound file, by lower-case name as FFmpeg spells them.

    Returns
    -------
    Track
        The publisher's word counts first, then the tags, then the file's name.
    """
    artist, title = from_file_name(track.source_uri)
    if tags.get("title"):
        # A tagged title stands for itself: an artist guessed from the file's name could contradict it.
        artist = ""
    known = {
        "title": track.title or tags.get("title", "") or title,
        "artist": track.artist or tags.get("artist", "") or tags.get("album_artist", "") or artist,
        "album": track.album or tags.get("album", ""),
        "isrc": track.isrc or tags.get("isrc", "") or tags.get("tsrc", ""),
        "musicbrainz_id": track.musicbrainz_id
        or tags.get("musicbrainz_trackid", "")
        or tags.get("musicbrainz track id", ""),
    }
    return msgspec.structs.replace(
        track,
        **{name: value.strip()[:_MOST_CHARACTERS] for name, value in known.items()},
        year=track.year or _year(tags.get("date", "") or tags.get("year", "")),
        tags=track.tags or read_tags(tags.get("genre", "")),
    )


def _year(date: str) -> int:
    """Year of a date as tags write it, such as ``1994``, ``1994-05-01`` or ``01.05.1994``."""
    found = _YEAR.search(date)
    return int(found[0]) if found else 0
