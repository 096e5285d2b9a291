"""Playlists that other players open: M3U8 (RFC 8216 names the format's basis) and XSPF (version 1)."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias
from xml.etree import ElementTree as ET

__all__ = ["KINDS", "MEDIA_TYPES", "Entry", "Kind", "write"]

Kind: TypeAlias = Literal["m3u8", "xspf"]

KINDS: dict[str, Kind] = {"m3u8": "m3u8", "xspf": "xspf"}
MEDIA_TYPES: dict[Kind, str] = {"m3u8": "application/vnd.apple.mpegurl", "xspf": "application/xspf+xml"}

_XSPF = "http://xspf.org/ns/0/"
_RECORDING = "https://musicbrainz.org/recording/"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A song of a playlist.

    Attributes
    ----------
    location : str
        URL of its sound.
    title, artist, album : str
        Empty where unknown.
    duration_s : float
        Its length; 0 where unknown.
    musicbrainz_id : str
        Of the recording; empty where unknown.
    """

    location: str
    title: str
    artist: str
    album: str
    duration_s: float
    musicbrainz_id: str


def write(kind: Kind, title: str, entries: Sequence[Entry]) -> str:
    """Write a playlist.

    Parameters
    ----------
    kind : {'m3u8', 'xspf'}
        The format.
    title : str
        What the playlist is called.
    entries : sequence of Entry
        Its songs, in order.

    Returns
    -------
    str
        Text of the file, to be encoded in UTF-8.
    """
    return _m3u8(title, entries) if kind == "m3u8" else _xspf(title, entries)


def _m3u8(title: str, entries: Sequence[Entry]) -> str:
    lines = ["#EXTM3U", f"#PLAYLIST:{_line(title)}"]
    for entry in entries:
        name = " - ".join(filter(None, (_line(entry.artist), _line(entry.title))))
        # Players take -1 for a length that nobody knows.
        lines += [f"#EXTINF:{round(entry.duration_s) or -1},{name}", entry.location]
    return "\n".join(lines) + "\n"


def _xspf(title: str, entries: Sequence[Entry]) -> str:
    playlist = ET.Element("playlist", {"version": "1", "xmlns": _XSPF})
    ET.SubElement(playlist, "title").text = _line(title)
    tracks = ET.SubElement(playlist, "trackList")
    for entry in entries:
        track = ET.SubElement(tracks, "track")
        said = {
            "location": entry.location,
            "identifier": _RECORDING + entry.musicbrainz_id if entry.musicbrainz_id else "",
            "title": _line(entry.title),
            "creator": _line(entry.artist),
            "album": _line(entry.album),
            "duration": str(round(entry.duration_s * 1000)) if entry.duration_s else "",
        }
        for name, text in said.items():
            if text:
                ET.SubElement(track, name).text = text
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(playlist, encoding="unicode") + "\n"


def _line(text: str) -> str:
    """Text without control characters, of which a line break would begin another entry, and XML takes none."""
    return "".join(" " if unicodedata.category(letter) in {"Cc", "Cs"} else letter for letter in text).strip()
