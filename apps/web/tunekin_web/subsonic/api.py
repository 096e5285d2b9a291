"""The requests that a Subsonic client may send: songs that sound alike, songs by name, their sound."""

import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from itertools import zip_longest
from threading import Lock
from typing import Any, TypeAlias
from urllib.parse import parse_qsl

import numpy as np
from numpy.typing import NDArray
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from tunekin.catalogue.reader import CatalogueReader
from tunekin.errors import EmptyCatalogueError, NotFoundError, TunekinError
from tunekin.features import FEATURES
from tunekin.messages import Answer, Artists, ClipOptions, Track
from tunekin_web.limits import RateLimit
from tunekin_web.problems import RefusedError
from tunekin_web.subsonic import document
from tunekin_web.subsonic.login import Logins
from tunekin_web.subsonic.path import Path
from tunekin_web.subsonic.problems import Code, SubsonicError
from tunekin_web.subsonic.songs import Songs

__all__ = ["SubsonicApi"]

Ask: TypeAlias = Callable[[Request, str, ClipOptions], Awaitable[Answer]]
Sent: TypeAlias = dict[str, str]

_MOST_SIMILAR = 100
_MOST_LISTED = 500
_MOST_OF_A_PATH = 100
# What a form has at the most; none that a client sends comes near it.
_FORM_BYTES = 64 * 1024
_NOT_THERE = 404
# Of one address; a quarter of them may come at once. Enough for a client whose password was changed meanwhile.
_WRONG_LOGINS_PER_MINUTE = 40
# Web clients from other places may ask: they have to show a login with every request, and none is kept in a cookie.
_HEADERS = {
    "Access-Control-Allow-Origin": "*",
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "cross-origin",
}


class SubsonicApi:
    """The requests' handlers.

    Parameters
    ----------
    songs : Songs
        The catalogue.
    reader : CatalogueReader
        Reads it.
    logins : Logins
        Who may ask.
    ask : callable
        Has a track of the catalogue answered; raises `RefusedError` where too much waits.
    sound : callable
        Says where a track's sound file is, and its media type; raises `RefusedError` where it may not be played.
    """

    def __init__(
        self,
        songs: Songs,
        reader: CatalogueReader,
        *,
        logins: Logins,
        ask: Ask,
        sound: Callable[[str], tuple[Any, str]],
    ) -> None:
        self._songs = songs
        self._reader = reader
        self._logins = logins
        self._ask = ask
        self._sound = sound
        self._wrong_logins = RateLimit(_WRONG_LOGINS_PER_MINUTE, clock=time.monotonic)
        self._reading = Lock()
        self._read: tuple[int, list[str], NDArray[np.float16]] | None = None
        self._calls: dict[str, Callable[[Request, Sent], Awaitable[dict[str, Any] | Response]]] = {
            "ping": self._ping,
            "getLicense": self._get_license,
            "tokenInfo": self._token_info,
            "getSonicSimilarTracks": self._get_sonic_similar_tracks,
            "findSonicPath": self._find_sonic_path,
            "getSimilarSongs": self._get_similar_songs,
            "getSimilarSongs2": self._get_similar_songs_2,
            "search3": self._search,
            "getSong": self._get_song,
            "stream": self._stream,
            "download": self._stream,
        }

    def routes(self) -> list[Route]:
        """List the routes.

        Returns
        -------
        list of Route
            One, for every call by its name, with ``.view`` behind it or without.
        """
        return [Route("/{call:path}", self._answer, methods=["GET", "POST"])]

    async def _answer(self, request: Request) -> Response:
        sent: Sent = {}
        try:
            sent = await _parameters(request)
            return await self._called(request, sent)
        except SubsonicError as error:
            return _response(document.failed(error), sent, error=error)

    async def _called(self, request: Request, sent: Sent) -> Response:
        name = request.path_params["call"].removesuffix(".view")
        # The one call that the protocol wants answered to everybody.
        if name == "getOpenSubsonicExtensions":
            return _response(document.ok({"openSubsonicExtensions": self._extensions()}), sent)
        self._check_login(request, sent)
        if name not in self._calls:
            raise SubsonicError(
                Code.NOT_FOUND,
                f"there is no {name[:100]!r}; there are {', '.join(self._calls)}",
                status=_NOT_THERE,
            )
        try:
            content = await self._calls[name](request, sent)
        except RefusedError as error:
            raise _refused(error) from error
        except NotFoundError as error:
            raise SubsonicError(Code.NOT_FOUND, error.message) from error
        except TunekinError as error:
            raise SubsonicError(Code.OTHER, error.message) from error
        return content if isinstance(content, Response) else _response(document.ok(content), sent)

    def _check_login(self, request: Request, sent: Sent) -> None:
        """Let in who shows a login, and let nobody guess for long."""
        address = request.client.host if request.client else ""
        try:
            self._wrong_logins.check(address)
            self._logins.check(sent)
        except RefusedError as error:
            raise _refused(error) from error
        except SubsonicError as error:
            if error.code in {Code.WRONG_LOGIN, Code.WRONG_API_KEY}:
                self._wrong_logins.take(address)
            raise

    def _extensions(self) -> list[dict[str, Any]]:
        names = ["formPost", "sonicSimilarity", *(["apiKeyAuthentication"] if self._logins.api_key else [])]
        return [{"name": name, "versions": [1]} for name in names]

    # --- the system ---

    async def _ping(self, _: Request, __: Sent) -> dict[str, Any]:
        return {}

    async def _get_license(self, _: Request, __: Sent) -> dict[str, Any]:
        return {"license": {"valid": True}}

    async def _token_info(self, _: Request, sent: Sent) -> dict[str, Any]:
        return {"tokenInfo": {"username": self._logins.check(sent)}}

    # --- songs that sound alike ---

    async def _get_sonic_similar_tracks(self, request: Request, sent: Sent) -> dict[str, Any]:
        count = _count(sent, "count", default=10, most=_MOST_SIMILAR)
        track = await run_in_threadpool(self._songs.song, _needed(sent, "id"))
        matches = await self._matches(request, track, count=count, artists="any")
        return {"sonicMatch": [{"entry": self._songs.child(song), "similarity": alike} for song, alike in matches]}

    async def _find_sonic_path(self, _: Request, sent: Sent) -> dict[str, Any]:
        start, end = _needed(sent, "startSongId"), _needed(sent, "endSongId")
        count = max(_count(sent, "count", default=25, most=_MOST_OF_A_PATH), 2)
        return {"sonicMatch": await run_in_threadpool(self._path, start, end, count)}

    async def _get_similar_songs(self, request: Request, sent: Sent) -> dict[str, Any]:
        return {"similarSongs": {"song": await self._like(request, sent)}}

    async def _get_similar_songs_2(self, request: Request, sent: Sent) -> dict[str, Any]:
        return {"similarSongs2": {"song": await self._like(request, sent)}}

    async def _like(self, request: Request, sent: Sent) -> list[dict[str, Any]]:
        """Songs like a song; or an artist's or an album's, then such as are like them, in turn."""
        count = _count(sent, "count", default=50, most=_MOST_SIMILAR)
        name = _needed(sent, "id")
        group = await run_in_threadpool(self._songs.group, name)
        seeds = [await run_in_threadpool(self._songs.song, name)] if group is None else group
        lists = [[song for song, _ in await self._matches(request, seed, count=count, artists="one")] for seed in seeds]
        return [self._songs.child(track) for track in _once([*(group or []), *_in_turn(lists)])][:count]

    async def _matches(
        self, request: Request, track: Track, *, count: int, artists: Artists
    ) -> list[tuple[Track, float]]:
        if not count:
            return []
        answer = await self._ask(request, track.track_id, ClipOptions(k=count, artists=artists))
        if answer.error is not None:
            if answer.error.code == EmptyCatalogueError.code:
                return []
            code = Code.NOT_FOUND if answer.error.code == NotFoundError.code else Code.OTHER
            raise SubsonicError(code, answer.error.message)
        known = await run_in_threadpool(self._songs.tracks, [match.track_id for match in answer.matches])
        return [(known[match.track_id], match.similarity) for match in answer.matches if match.track_id in known]

    def _path(self, start: str, end: str, count: int) -> list[dict[str, Any]]:
        ends = self._songs.song(start), self._songs.song(end)
        track_ids, views = self._views()
        places = {track_id: place for place, track_id in enumerate(track_ids)}
        for track in ends:
            if track.track_id not in places:
                raise SubsonicError(Code.NOT_FOUND, f"nobody has listened to {track.title!r} yet")
        path = Path(views, start=places[ends[0].track_id], end=places[ends[1].track_id])
        chosen = path.songs(count)
        tracks = self._songs.tracks([track_ids[place] for place in chosen])
        return [
            {"entry": self._songs.child(tracks[track_ids[place]]), "similarity": round(path.similarity(place), 4)}
            for place in chosen
            if track_ids[place] in tracks
        ]

    def _views(self) -> tuple[list[str], NDArray[np.float16]]:
        """Take the views of all songs, read once for each state of the catalogue."""
        with self._reading:
            version = self._reader.version()
            if self._read is None or self._read[0] != version:
                self._read = version, *self._reader.views(FEATURES.name)
            _, track_ids, views = self._read
            return track_ids, views

    # --- songs by name, and their sound ---

    async def _search(self, _: Request, sent: Sent) -> dict[str, Any]:
        text = _needed(sent, "query", empty=True)
        limit = _count(sent, "songCount", default=20, most=_MOST_LISTED)
        offset = _count(sent, "songOffset", default=0, most=2**31)
        found = await run_in_threadpool(self._songs.search, text, limit=limit, offset=offset)
        return {"searchResult3": {"song": [self._songs.child(track) for track in found]}}

    async def _get_song(self, _: Request, sent: Sent) -> dict[str, Any]:
        track = await run_in_threadpool(self._songs.song, _needed(sent, "id"))
        return {"song": self._songs.child(track)}

    async def _stream(self, _: Request, sent: Sent) -> Response:
        track = await run_in_threadpool(self._songs.song, _needed(sent, "id"))
        path, media_type = await run_in_threadpool(self._sound, track.track_id)
        return FileResponse(path, media_type=media_type, headers=_HEADERS)


async def _parameters(request: Request) -> Sent:
    """Read what was sent, as a form or in the address; of several values the first, and the form's, counts."""
    pairs = request.query_params.multi_items()
    if request.headers.get("content-type", "").partition(";")[0].strip() == "application/x-www-form-urlencoded":
        body = bytearray()
        async for part in request.stream():
            body += part
            if len(body) > _FORM_BYTES:
                raise SubsonicError(Code.OTHER, f"the form has more than {_FORM_BYTES} bytes", status=413)
        try:
            pairs = [*parse_qsl(body.decode(), keep_blank_values=True), *pairs]
        except (UnicodeDecodeError, ValueError):
            raise SubsonicError(Code.OTHER, "the form is not encoded in UTF-8") from None
    return dict(reversed(pairs))


def _response(response: dict[str, Any], sent: Sent, *, error: SubsonicError | None = None) -> Response:
    try:
        text, media_type = document.write(response, sent)
    except SubsonicError as unwritable:
        error = unwritable
        text, media_type = document.write(document.failed(error), {})
    headers = _HEADERS | ({"Retry-After": str(error.retry_after_s)} if error and error.retry_after_s else {})
    return Response(text, media_type=media_type, status_code=error.status if error else 200, headers=headers)


def _refused(error: RefusedError) -> SubsonicError:
    missing = error.status == _NOT_THERE
    return SubsonicError(
        Code.NOT_FOUND if missing else Code.OTHER,
        f"{error.message}; {error.hint}",
        status=200 if missing else error.status,
        retry_after_s=error.retry_after_s,
    )


def _needed(sent: Sent, name: str, *, empty: bool = False) -> str:
    if name not in sent or not (empty or sent[name]):
        raise SubsonicError(Code.MISSING_PARAMETER, f"the parameter {name} is missing")
    return sent[name]


def _count(sent: Sent, name: str, *, default: int, most: int) -> int:
    """Read a number of songs; more than there may be is as many as there may be."""
    text = sent.get(name) or str(default)
    if not (text.isascii() and text.isdecimal()):
        raise SubsonicError(Code.OTHER, f"{name} is {text[:40]!r}; it is a whole number from 0")
    return min(int(text[:12]), most)


def _in_turn(lists: Sequence[Sequence[Track]]) -> Iterator[Track]:
    for row in zip_longest(*lists):
        yield from (track for track in row if track is not None)


def _once(tracks: Iterable[Track]) -> list[Track]:
    return list({track.track_id: track for track in tracks}.values())
