"""A Subsonic server, asked over HTTP.

Every request is a form, so that no login is part of an address, which servers and proxies log. What comes back is not
trusted: it is read up to a limit, and has to be of the form that the protocol gives it.
"""

import hashlib
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import httpx
import msgspec

from tunekin.catalogue import sources
from tunekin.errors import AudioTooLargeError, DependencyError, MessageError, NotFoundError
from tunekin_embedded.subsonic.settings import SubsonicSettings

__all__ = ["Album", "Download", "Server", "Song"]

# A token is of version 1.13; a server that is older than what a client asks for refuses it.
_TOKEN_VERSION, _PASSWORD_VERSION = "1.13.0", "1.12.0"
_CLIENT = "tunekin"
_PAGE = 500
# An album of a thousand songs takes one of them.
_ANSWER_BYTES = 16 * 1024 * 1024
_ATTEMPTS = 4
_FIRST_PAUSE_S = 0.5
_OK = 200
_NOT_ALLOWED, _NOT_FOUND = 50, 70
# Numbers of the protocol that say something about the login.
_LOGIN = frozenset({10, 40, 41, 42, 43, 44})

T = TypeVar("T")


class Genre(msgspec.Struct, frozen=True):
    """A genre of a song."""

    name: str = ""


class Song(msgspec.Struct, frozen=True, rename="camel"):
    """A song as a server tells it; ids may be numbers, and what is unknown is left out.

    Attributes
    ----------
    id : str or int
        What the server calls it.
    title, artist, album, music_brainz_id : str
        Empty where unknown.
    isrc : list of str or str
        Empty where unknown.
    genres : list of Genre
        Its genres, at servers of OpenSubsonic.
    genre : str
        The one genre of others; empty where unknown.
    year : int
        0 where unknown.
    size : int
        Bytes of its file; 0 or less where unknown.
    is_dir, is_video : bool
        Whether it is no song at all.
    """

    id: str | int
    title: str = ""
    artist: str | None = ""
    album: str | None = ""
    music_brainz_id: str | None = ""
    isrc: list[str] | str | None = ""
    genres: list[Genre] | None = None
    genre: str | None = ""
    year: int | None = 0
    size: int | None = 0
    is_dir: bool = False
    is_video: bool = False


class Album(msgspec.Struct, frozen=True, rename="camel"):
    """An album, with its songs where they were asked for; ``song_count`` says how many it has."""

    id: str | int
    song_count: int = 0
    song: list[Song] = []


@dataclass(frozen=True, kw_only=True)
class Download:
    """What a server sent for a song: the SHA-256 of its bytes, and what the server takes them for."""

    sha256: str
    media_type: str


class _Albums(msgspec.Struct, frozen=True):
    album: list[Album] = []


class _Problem(msgspec.Struct, frozen=True):
    code: int = 0
    message: str = ""


class _Response(msgspec.Struct, frozen=True, rename={"album_list": "albumList2"}):
    status: str
    error: _Problem | None = None
    album_list: _Albums | None = None
    album: Album | None = None


class _Envelope(msgspec.Struct, frozen=True, rename={"response": "subsonic-response"}):
    response: _Response


class _Refused(Exception):  # noqa: N818 - said to whoever asked in other words
    """The server answers that it won't."""

    def __init__(self, problem: _Problem) -> None:
        super().__init__(problem.message)
        self.code = problem.code


class _Silent(Exception):  # noqa: N818 - tried again, then said in other words
    """The server did not answer, or not for now."""


class Server:
    """A server with a login; a context manager. May be used by several threads.

    Parameters
    ----------
    url : str
        Its address; ``/rest`` is added.
    settings : SubsonicSettings
        Login and patience.
    attempts : int
        How often a request is tried where the server is silent.
    pause : callable
        Waits some seconds before a request is tried again.

    Raises
    ------
    OptionError
        It is no address.
    SettingsError
        There is no login.
    """

    def __init__(
        self,
        url: str,
        settings: SubsonicSettings,
        *,
        attempts: int = _ATTEMPTS,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.library = sources.library(url)
        settings.check()
        self._settings = settings
        self._attempts = attempts
        self._pause = pause
        # A redirection would take the login elsewhere.
        self._http = httpx.Client(base_url=f"{url.rstrip('/')}/rest/", timeout=settings.timeout_s)

    def check(self) -> None:
        """See that the server answers.

        Raises
        ------
        DependencyError
            It does not, or not to this login.
        """
        self._ask("ping")

    def albums(self) -> list[Album]:
        """List all albums.

        Returns
        -------
        list of Album
            Each once, with how many songs it has.

        Raises
        ------
        DependencyError
            The server does not answer.
        """
        found: dict[str | int, Album] = {}
        while True:
            asked = {"type": "alphabeticalByName", "size": str(_PAGE), "offset": str(len(found))}
            listed = self._ask("getAlbumList2", **asked).album_list
            known = len(found)
            found |= {album.id: album for album in (listed.album if listed else ())}
            # Servers differ in how long a page they give; a page with nothing new is the last.
            if len(found) == known:
                return list(found.values())

    def songs(self, album: Album) -> list[Song]:
        """List an album's songs.

        Parameters
        ----------
        album : Album
            Of `albums`.

        Returns
        -------
        list of Song
            Empty where the album is gone meanwhile.

        Raises
        ------
        DependencyError
            The server does not answer.
        """
        try:
            told = self._ask("getAlbum", id=str(album.id)).album
        except NotFoundError:
            return []
        return [song for song in (told.song if told else ()) if not (song.is_dir or song.is_video)]

    def download(self, song_id: str, path: Path, *, max_bytes: int) -> Download:
        """Fetch a song's file as it is.

        Parameters
        ----------
        song_id : str
            What the server calls it.
        path : pathlib.Path
            Where it goes.
        max_bytes : int
            Most that is fetched.

        Returns
        -------
        Download
            Its hash and its media type.

        Raises
        ------
        AudioTooLargeError
            It has more bytes.
        MessageError
            The server refuses it.
        NotFoundError
            The server has no such song any more.
        DependencyError
            The server does not answer.
        """
        try:
            return self._again(lambda: self._fetch("download", path, max_bytes, id=song_id))
        except _Refused as error:
            if error.code != _NOT_ALLOWED:
                raise _said(error) from error
        # Who may not download may listen.
        try:
            return self._again(lambda: self._fetch("stream", path, max_bytes, id=song_id, format="raw"))
        except _Refused as error:
            raise _said(error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def _ask(self, call: str, **sent: str) -> _Response:
        try:
            return self._again(lambda: self._told(call, sent))
        except _Refused as error:
            raise _said(error) from error

    def _told(self, call: str, sent: dict[str, str]) -> _Response:
        with self._http.stream("POST", f"{call}.view", data=self._login() | {"f": "json"} | sent) as response:
            _check_status(response)
            return _read(response)

    def _fetch(self, call: str, path: Path, max_bytes: int, **sent: str) -> Download:
        with self._http.stream("POST", f"{call}.view", data=self._login() | {"f": "json"} | sent) as response:
            _check_status(response)
            kind = response.headers.get("content-type", "").partition(";")[0].strip()
            if kind.endswith(("json", "xml")):
                _read(response)
                raise MessageError(f"the server sent {kind} in place of a sound file")
            sha256 = hashlib.sha256()
            left = max_bytes
            with path.open("wb") as file:
                for part in response.iter_bytes():
                    left -= len(part)
                    if left < 0:
                        raise AudioTooLargeError(
                            f"the file has more than {max_bytes} bytes", hint="TUNEKIN_INGEST_MAX_BYTES is the limit"
                        )
                    sha256.update(part)
                    file.write(part)
            return Download(sha256=sha256.hexdigest(), media_type=kind)

    def _again(self, ask: Callable[[], T]) -> T:
        """Ask, and again after a while where the server is silent."""
        for attempt in count(1):
            try:
                return ask()
            except (_Silent, httpx.TransportError) as error:
                if attempt == self._attempts:
                    raise DependencyError(
                        f"the server {self.library} does not answer: {error or type(error).__name__}",
                        hint="the same command goes on from here",
                    ) from error
                self._pause(_FIRST_PAUSE_S * 2 ** (attempt - 1))
        raise AssertionError("the last attempt ends the loop")

    def _login(self) -> dict[str, str]:
        key, password = self._settings.api_key.get_secret_value(), self._settings.password.get_secret_value()
        if key:
            return {"apiKey": key, "v": _TOKEN_VERSION, "c": _CLIENT}
        if self._settings.login == "password":
            plain = {"p": f"enc:{password.encode().hex()}", "v": _PASSWORD_VERSION}
            return plain | {"u": self._settings.user, "c": _CLIENT}
        salt = secrets.token_hex(8)
        # What the protocol asks for; it secures nothing else.
        token = hashlib.md5((password + salt).encode(), usedforsecurity=False).hexdigest()
        return {"u": self._settings.user, "t": token, "s": salt, "v": _TOKEN_VERSION, "c": _CLIENT}


def _check_status(response: httpx.Response) -> None:
    status = response.status_code
    if response.is_redirect:
        raise DependencyError(
            f"the server sends visitors on to {response.headers.get('location', '')[:200]!r}", hint="name that address"
        )
    if status >= 500 or status == 429:  # noqa: PLR2004 - of HTTP
        raise _Silent(f"HTTP status {status}")
    # Some servers give their own failures a status of HTTP besides; those are read.
    if status != _OK and not response.headers.get("content-type", "").startswith(("application/json", "text/json")):
        raise DependencyError(
            f"the server answers with HTTP status {status}", hint="is this the address of a Subsonic server?"
        )


def _read(response: httpx.Response) -> _Response:
    data = bytearray()
    for part in response.iter_bytes():
        data += part
        if len(data) > _ANSWER_BYTES:
            raise DependencyError(f"an answer of the server has more than {_ANSWER_BYTES} bytes")
    try:
        told = msgspec.json.decode(bytes(data), type=_Envelope, strict=False).response
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise DependencyError(
            f"the server does not answer as a Subsonic server does: {error}", hint="check its address"
        ) from error
    if told.status != "ok":
        raise _Refused(told.error or _Problem())
    return told


def _said(error: _Refused) -> Exception:
    """Say what the protocol says by a number."""
    words = f"the server says: {str(error)[:200] or 'no'} ({error.code})"
    if error.code in _LOGIN:
        hint = (
            "check TUNEKIN_SUBSONIC_USER and _PASSWORD or _API_KEY; some servers need TUNEKIN_SUBSONIC_LOGIN=password"
        )
        return DependencyError(words, hint=hint)
    if error.code == _NOT_FOUND:
        return NotFoundError(words)
    return MessageError(words, hint="see what the server's log says")
