"""Playlists in M3U: which sound files they name, and what they call them.

The format has no standard but use. Each line is a path or a URI; lines that begin with ``#`` are comments, some of
which say something: ``#EXTINF:SECONDS ATTRIBUTES,ARTIST - TITLE`` of the entry after it, ``#EXTALB`` its album,
``#EXTENC`` the encoding of the file. Paths are relative to the playlist, and may be written as Windows writes them.
M3U8 is UTF-8; M3U is whatever was usual where it was written.
"""

import codecs
import os
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote_to_bytes, urlsplit

__all__ = ["SUFFIXES", "Entry", "entries", "locate", "read"]

SUFFIXES = frozenset([".m3u", ".m3u8"])

_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
# UTF-8 first, since hardly any text in another encoding is UTF-8 by chance; then those of Korea, Japan, China and
# Taiwan, which refuse most of each other's text; at last Western Europe's, with which any bytes are some text.
_ENCODINGS = ("utf-8", "cp949", "cp932", "gb18030", "big5", "cp1252", "latin-1")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A line of a playlist.

    Attributes
    ----------
    location : str
        Path or URI, as it stands there.
    title, artist, album : str
        Empty where the playlist does not say.
    """

    location: str
    title: str = ""
    artist: str = ""
    album: str = ""


def entries(text: str) -> Iterator[Entry]:
    r"""Read the lines of a playlist.

    Parameters
    ----------
    text : str
        The playlist.

    Yields
    ------
    Entry
        In order.

    Examples
    --------
    >>> [entry] = entries("#EXTM3U\n#EXTINF:123,A Band - A Song\nmusic/a.mp3\n")
    >>> entry.location, entry.artist, entry.title
    ('music/a.mp3', 'A Band', 'A Song')
    """
    said: dict[str, str] = {}
    for line in map(str.strip, text.splitlines()):
        name, _, value = line.partition(":")
        match name.upper():
            case "#EXTINF":
                said |= _called(value)
            case "#EXTALB":
                said["album"] = value.strip()
            case _ if line and not line.startswith("#"):
                yield Entry(location=line, **said)
                said = {}


def read(path: Path) -> list[Entry]:
    """Read a playlist in whatever encoding it has.

    Parameters
    ----------
    path : pathlib.Path
        The playlist.

    Returns
    -------
    list of Entry
        In order. Where the playlist does not tell its encoding, it is the one in which most of its files are there.

    Raises
    ------
    OSError
        It can't be read.
    """
    data = path.read_bytes()
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return list(entries(data.decode(encoding, errors="replace")))
    readings = []
    for encoding in (*_declared(data), *_ENCODINGS):
        try:
            found = list(entries(data.decode(encoding)))
        except (UnicodeDecodeError, LookupError):
            continue
        there = sum(_is_there(locate(entry.location, path.parent)) for entry in found)
        if there == len(found):
            return found
        readings.append((there, found))
    # The first of equal ones.
    return max(readings, key=lambda reading: reading[0])[1]


def locate(location: str, folder: Path) -> Path | str:
    r"""Find the file that an entry means.

    Parameters
    ----------
    location : str
        As the entry says it.
    folder : pathlib.Path
        Where the playlist lies.

    Returns
    -------
    pathlib.Path or str
        The file, which may be missing; a URI of another scheme than ``file`` as it stands.

    Examples
    --------
    >>> locate("Music\\a.mp3", Path("/nowhere")), locate("http://radio.example/live", Path("/nowhere"))
    (PosixPath('/nowhere/Music/a.mp3'), 'http://radio.example/live')
    """
    scheme, colon, _ = location.partition(":")
    # A single letter is a drive of Windows.
    if colon and len(scheme) > 1 and "/" in location and scheme.isalnum():
        if scheme.lower() != "file":
            return location
        return Path(os.fsdecode(unquote_to_bytes(urlsplit(location).path)))
    spelt = [location, location.replace("\\", "/")]
    spelt += [unicodedata.normalize(form, name) for name in spelt for form in ("NFC", "NFD")]
    candidates = [folder / name for name in spelt]
    return next(filter(_is_there, candidates), candidates[1])


def _called(value: str) -> dict[str, str]:
    """Artist and title of what stands after ``#EXTINF:``."""
    _, _, name = _outside_quotes(value)
    artist, dash, title = name.strip().partition(" - ")
    return {"artist": artist.strip(), "title": title.strip()} if dash else {"title": artist.strip()}


def _outside_quotes(value: str) -> tuple[str, str, str]:
    """Part at the first comma that stands in no attribute's quotes."""
    quoted = False
    for place, letter in enumerate(value):
        quoted ^= letter == '"'
        if letter == "," and not quoted:
            return value[:place], ",", value[place + 1 :]
    return value, "", ""


def _declared(data: bytes) -> Sequence[str]:
    lines = (line for line in data.splitlines() if line.upper().startswith(b"#EXTENC:"))
    return [line.partition(b":")[2].strip().decode("ascii", errors="replace") for line in lines][:1]


def _is_there(place: Path | str) -> bool:
    try:
        return isinstance(place, Path) and place.is_file()
    except (OSError, ValueError):
        # A name that no file can have, such as one too long.
        return False
