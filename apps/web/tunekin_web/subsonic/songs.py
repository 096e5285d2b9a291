"""Songs of the catalogue as the Subsonic protocol has them, and what its ids mean here.

A song that was imported from a Subsonic server goes by the id that it has there, so that what a client learns here
holds at that server too; any other goes by its id in the catalogue. Both are understood, and so are ids of MusicBrainz
recordings.
Artists and albums have no rows of their own: their ids are their names, written with letters and digits.
"""

import base64
import binascii
from collections.abc import Sequence
from typing import Any

from tunekin.catalogue import sources
from tunekin.catalogue.reader import CatalogueReader
from tunekin.messages import Track
from tunekin_embedded.sound_files import track_id
from tunekin_web.collection import MEDIA_TYPES, Collection
from tunekin_web.subsonic.problems import Code, SubsonicError

__all__ = ["Songs"]

_ARTIST, _ALBUM = "ar-", "al-"
# Of an artist's or an album's songs, as many are asked about, spread over all of them.
_SEEDS = 3
# An artist has no more songs than this.
_MOST_OF_AN_ARTIST = 2_000


class Songs:
    """Songs by the ids of the protocol; may be used from any thread.

    Parameters
    ----------
    reader : CatalogueReader
        Reads the catalogue.
    collection : Collection
        Finds songs, and knows which may be played.
    server : str
        Address of the server whose ids are meant; empty where there is one server at most.

    Raises
    ------
    OptionError
        It is no address of a server.
    """

    def __init__(self, reader: CatalogueReader, collection: Collection, *, server: str) -> None:
        self._reader = reader
        self._collection = collection
        self._library = sources.library(server) if server else ""

    def song(self, name: str) -> Track:
        """Look a song up.

        Parameters
        ----------
        name : str
            Its id.

        Returns
        -------
        Track
            What the catalogue has.

        Raises
        ------
        SubsonicError
            There is none, or several servers have one.
        """
        ours = [name, *([track_id(sources.song(self._library, name))] if self._library else [])]
        tracks = self._reader.tracks(ours)
        if tracks:
            # The id at the server comes last, and counts first.
            return next(tracks[known] for known in reversed(ours) if known in tracks)
        found = self._reader.tracks_known_as(name)
        recordings = [track for track in found if track.musicbrainz_id == name]
        if recordings:
            return recordings[0]
        if self._library or not found:
            raise SubsonicError(Code.NOT_FOUND, f"there is no song {name[:100]!r}")
        if len(found) > 1:
            raise SubsonicError(
                Code.OTHER,
                f"several servers have a song {name[:100]!r}; TUNEKIN_WEB_SUBSONIC_LIBRARY says whose",
            )
        return found[0]

    def group(self, name: str) -> list[Track] | None:
        """Say which songs stand for an artist or an album.

        Parameters
        ----------
        name : str
            Id of an artist or an album.

        Returns
        -------
        list of Track or None
            Some of the songs, spread over all of them; None where it is no id of an artist or an album.

        Raises
        ------
        SubsonicError
            The catalogue has no such artist or album.
        """
        meant = _names(name, _ARTIST) or _names(name, _ALBUM)
        if meant is None:
            return None
        artist, *album = meant
        tracks = self._reader.tracks_by(artist, album=album[0] if album else None, limit=_MOST_OF_AN_ARTIST)
        if not tracks:
            raise SubsonicError(Code.NOT_FOUND, f"there is no such {'album' if album else 'artist'}")
        wanted = min(_SEEDS, len(tracks))
        return [tracks[(2 * place + 1) * len(tracks) // (2 * wanted)] for place in range(wanted)]

    def tracks(self, track_ids: Sequence[str]) -> dict[str, Track]:
        """Look songs up by their ids in the catalogue.

        Parameters
        ----------
        track_ids : sequence of str
            The ids.

        Returns
        -------
        dict of str to Track
            Without those that are gone.
        """
        return self._reader.tracks(track_ids)

    def search(self, text: str, *, limit: int, offset: int) -> list[Track]:
        """Find songs by name.

        Parameters
        ----------
        text : str
            Part of a name; nothing for all songs.
        limit : int
            Length of the page.
        offset : int
            Songs before it.

        Returns
        -------
        list of Track
            Best first; all songs by artist and title.
        """
        # Some clients put a search in quotation marks, or a star behind it.
        meant = text.strip('"* ')
        if not limit:
            return []
        if not meant:
            return self._reader.list_tracks(limit=limit, after=None, offset=offset)
        found = self._collection.titles.search(meant, limit=offset + limit)
        return [hit.track for hit in found[offset:]]

    def child(self, track: Track) -> dict[str, Any]:
        """Write a song as the protocol's ``Child``.

        Parameters
        ----------
        track : Track
            The song.

        Returns
        -------
        dict
            Without what is unknown, and without where its file lies.
        """
        path = self._collection.local_file(track)
        known: dict[str, Any] = {
            "artist": track.artist,
            "artistId": _id(_ARTIST, track.artist) if track.artist else "",
            "album": track.album,
            "albumId": _id(_ALBUM, track.artist, track.album) if track.album else "",
            "duration": round(track.duration_s),
            "year": track.year,
            "genre": track.tags[0] if track.tags else "",
            "genres": [{"name": tag} for tag in track.tags],
            "musicBrainzId": track.musicbrainz_id,
            "isrc": [track.isrc] if track.isrc else [],
            "suffix": path.suffix.lower().removeprefix(".") if path else "",
            "contentType": MEDIA_TYPES[path.suffix.lower()] if path else "",
        }
        said = {name: value for name, value in known.items() if value}
        kind = {"isDir": False, "isVideo": False, "type": "music", "mediaType": "song"}
        return {"id": self._id_of(track), "title": track.title or track.track_id} | said | kind

    def _id_of(self, track: Track) -> str:
        theirs = track.source_uri.startswith(self._library or sources.SCHEME)
        return (theirs and sources.song_id(track.source_uri)) or track.track_id


def _id(kind: str, *names: str) -> str:
    return kind + base64.urlsafe_b64encode("\0".join(names).encode()).decode().rstrip("=")


def _names(text: str, kind: str) -> list[str] | None:
    """Names that an id stands for; None where it is of another kind."""
    coded = text.removeprefix(kind)
    if coded == text:
        return None
    try:
        names = base64.b64decode(coded + "=" * (-len(coded) % 4), altchars=b"-_", validate=True).decode().split("\0")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None
    return names if len(names) == (1 if kind == _ARTIST else 2) else None
