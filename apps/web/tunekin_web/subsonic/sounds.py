"""Sound files of songs that live at a Subsonic server, fetched when somebody wants to listen."""

import threading
from collections import OrderedDict
from itertools import count
from pathlib import Path

from tunekin.catalogue import sources
from tunekin.messages import Track
from tunekin_embedded.subsonic.server import Server
from tunekin_web.problems import MissingError, TooBusyError

__all__ = ["ServerSounds"]

# What servers call the kinds of sound that browsers play, and what they are called here; nothing else is handed on.
_MEDIA_TYPES = {
    "application/ogg": "audio/ogg",
    "audio/aac": "audio/aac",
    "audio/flac": "audio/flac",
    "audio/m4a": "audio/mp4",
    "audio/mp3": "audio/mpeg",
    "audio/mp4": "audio/mp4",
    "audio/mpeg": "audio/mpeg",
    "audio/ogg": "audio/ogg",
    "audio/opus": "audio/ogg",
    "audio/wav": "audio/wav",
    "audio/webm": "audio/webm",
    "audio/x-flac": "audio/flac",
    "audio/x-m4a": "audio/mp4",
    "audio/x-wav": "audio/wav",
}
# Songs that are kept: those of a few answers, so that going back and forth between them fetches nothing.
_MOST_KEPT = 32
_MOST_AT_ONCE = 4
_RETRY_AFTER_S = 2


class ServerSounds:
    """Fetches songs, and keeps the last ones; may be used from any thread.

    Parameters
    ----------
    server : Server
        Outlives it.
    folder : pathlib.Path
        Where the files are kept; for it alone.
    max_bytes : int
        Largest file.
    """

    def __init__(self, server: Server, *, folder: Path, max_bytes: int) -> None:
        self._server = server
        self._folder = folder
        self._max_bytes = max_bytes
        self._kept: OrderedDict[str, tuple[Path, str]] = OrderedDict()
        self._lock = threading.Lock()
        self._places = threading.Semaphore(_MOST_AT_ONCE)
        self._numbers = count()

    def has(self, track: Track) -> bool:
        """Say whether a song is one of the server's.

        Parameters
        ----------
        track : Track
            The song.

        Returns
        -------
        bool
            By its source; the server is not asked.
        """
        return track.source_uri.startswith(self._server.library)

    def file(self, track: Track) -> tuple[Path, str]:
        """Fetch a song, unless it is kept.

        Parameters
        ----------
        track : Track
            One of the server's.

        Returns
        -------
        tuple of (pathlib.Path, str)
            File and media type.

        Raises
        ------
        TooBusyError
            As many are being fetched as may.
        MissingError
            What the server has is nothing that a browser plays.
        DependencyError
            The server does not answer.
        InputError
            The server does not give it.
        """
        uri = track.source_uri
        with self._lock:
            if uri in self._kept:
                self._kept.move_to_end(uri)
                return self._kept[uri]
        if not self._places.acquire(blocking=False):
            raise TooBusyError(
                "too many songs are being fetched", hint="try again in a moment", retry_after_s=_RETRY_AFTER_S
            )
        path = self._folder / str(next(self._numbers))
        try:
            media_type = self._fetched(sources.song_id(uri), path)
        except Exception:
            path.unlink(missing_ok=True)
            raise
        finally:
            self._places.release()
        return self._keep(uri, (path, media_type))

    def _fetched(self, song_id: str, path: Path) -> str:
        sent = self._server.download(song_id, path, max_bytes=self._max_bytes).media_type
        if sent not in _MEDIA_TYPES:
            raise MissingError("this song can't be played here", hint=f"the server sends {sent[:100]!r}")
        return _MEDIA_TYPES[sent]

    def _keep(self, uri: str, file: tuple[Path, str]) -> tuple[Path, str]:
        with self._lock:
            # Two that asked at once fetched it twice; each plays its own, and the first is forgotten.
            forgotten = [self._kept.pop(uri)] if uri in self._kept else []
            self._kept[uri] = file
            if len(self._kept) > _MOST_KEPT:
                forgotten.append(self._kept.popitem(last=False)[1])
        for path, _ in forgotten:
            # Whoever plays it has it open.
            path.unlink(missing_ok=True)
        return file
