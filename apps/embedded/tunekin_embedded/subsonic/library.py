"""All songs of a Subsonic server, as a bulk load takes them: what is known already, what was fetched, what failed."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import count
from pathlib import Path

import msgspec

from tunekin.catalogue import sources
from tunekin.catalogue.records import TAGS_MAX
from tunekin.errors import DependencyError, InputError
from tunekin.filters import read_tags
from tunekin.messages import Problem, Track, TrackOutcome
from tunekin_embedded.sound_files import Fetched, track_id
from tunekin_embedded.subsonic.server import Album, Server, Song

__all__ = ["Library"]

# Files that are fetched at a time; more would only press the server.
_ABREAST = 4
# What the columns of the catalogue hold.
_MOST_CHARACTERS = 255
_FIRST_YEAR, _LAST_YEAR = 1_000, 9_999
_COLUMNS = ("title", "artist", "album", "isrc", "musicbrainz_id", "year", "tags")


class Library:
    """A server's songs beside those that the catalogue has of it.

    Parameters
    ----------
    server : Server
        Outlives it.
    known : dict of str to Track
        Tracks of the catalogue that come from the server and have features, by id.
    spool : pathlib.Path
        Folder for what was fetched, until it is heard.
    max_bytes : int
        Largest file that is fetched.

    Raises
    ------
    DependencyError
        The server does not answer, or not to this login.
    """

    def __init__(self, server: Server, known: dict[str, Track], *, spool: Path, max_bytes: int) -> None:
        self._server = server
        self._known = known
        self._spool = spool
        self._max_bytes = max_bytes
        self._numbers = count()
        self._seen: set[str] = set()
        self._got: set[str] = set()
        self._complete = False
        server.check()
        self._albums: list[Album] = server.albums()

    def __len__(self) -> int:
        return sum(album.song_count for album in self._albums)

    def __iter__(self) -> Iterator[Fetched | TrackOutcome]:
        """Walk through the library once.

        Yields
        ------
        Fetched or TrackOutcome
            A song that was fetched; or the outcome of one that is known, or that could not be fetched.

        Raises
        ------
        DependencyError
            The server does not answer any more.
        """
        with ThreadPoolExecutor(_ABREAST, thread_name_prefix="fetching") as fetching:
            ahead: deque[Future[Fetched | TrackOutcome]] = deque()
            try:
                for track in self._tracks():
                    ahead.append(fetching.submit(self._fetched, track))
                    if len(ahead) >= _ABREAST:
                        yield ahead.popleft().result()
                while ahead:
                    yield ahead.popleft().result()
            finally:
                for waiting in ahead:
                    waiting.cancel()
        self._complete = True

    def gone(self) -> list[Track]:
        """Say which songs of the catalogue the server has no more.

        Returns
        -------
        list of Track
            By id; empty until the walk is complete.
        """
        return [track for name, track in sorted(self._known.items()) if name not in self._seen] * self._complete

    def was_fetched(self, track_id: str) -> bool:
        """Say whether a song's file was fetched.

        Parameters
        ----------
        track_id : str
            The song.

        Returns
        -------
        bool
            False for one that was known, or could not be fetched.
        """
        return track_id in self._got

    def _tracks(self) -> Iterator[Track]:
        for album in self._albums:
            for song in self._server.songs(album):
                track = _track(self._server.library, song)
                if track.track_id not in self._seen:
                    self._seen.add(track.track_id)
                    yield track

    def _fetched(self, track: Track) -> Fetched | TrackOutcome:
        name, uri = track.track_id, track.source_uri
        if _is_as_known(track, self._known.get(track.track_id)):
            return TrackOutcome(track_id=name, source_uri=uri, status="unchanged")
        path = self._spool / str(next(self._numbers))
        try:
            fetched = self._server.download(sources.song_id(uri), path, max_bytes=self._max_bytes)
        except (InputError, DependencyError) as error:
            path.unlink(missing_ok=True)
            if isinstance(error, DependencyError):
                # One song that the server fails at is a failure; a server that is gone ends the load.
                self._server.check()
            problem = Problem(code=error.code, message=f"{_called(track)}: {error.message}", hint=error.hint)
            return TrackOutcome(track_id=name, source_uri=uri, status="failed", error=problem)
        self._got.add(name)
        return Fetched(track=track, path=path, sha256=fetched.sha256)


def _track(library: str, song: Song) -> Track:
    uri = sources.song(library, str(song.id), size=max(song.size or 0, 0))
    isrc = song.isrc if isinstance(song.isrc, str) else next(iter(song.isrc or ()), "")
    told = {
        "title": song.title,
        "artist": song.artist,
        "album": song.album,
        "isrc": isrc,
        "musicbrainz_id": song.music_brainz_id,
    }
    fields = {name: (value or "").strip()[:_MOST_CHARACTERS] for name, value in told.items()}
    genres = [genre.name for genre in song.genres or ()] or [song.genre or ""]
    # A server's year is whatever the file says; the catalogue takes years that can be.
    year = song.year if song.year and _FIRST_YEAR <= song.year <= _LAST_YEAR else 0
    track = Track(
        track_id=track_id(sources.named(uri)), source_uri=uri, year=year, tags=read_tags(";".join(genres)[:TAGS_MAX])
    )
    return msgspec.structs.replace(track, **fields)


def _is_as_known(track: Track, known: Track | None) -> bool:
    """Whether nothing that the server tells of a song differs from what the catalogue has."""
    if known is None or sources.bytes_of(track.source_uri) != sources.bytes_of(known.source_uri):
        return False
    told = {name: value for name, value in msgspec.structs.asdict(track).items() if name in _COLUMNS and value}
    return all(getattr(known, name) == value for name, value in told.items())


def _called(track: Track) -> str:
    return " - ".join(filter(None, (track.artist, track.title))) or sources.song_id(track.source_uri)
