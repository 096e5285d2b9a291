"""The gateway as an ASGI application: the REST API under ``/api/v1``, and the page."""

import asyncio
import contextlib
import hmac
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

import tunekin
from tunekin import messages
from tunekin.codec import answer_json, check_taste, read_weights
from tunekin.errors import AudioTooLargeError, EmptyAudioError, OptionError, TunekinError
from tunekin.filters import NAMES, read_filters
from tunekin.messages import Answer, ClipOptions
from tunekin_ranker.kin import balanced
from tunekin_web import playlist
from tunekin_web.backend import Backend
from tunekin_web.collection import Collection, Order
from tunekin_web.desk import Desk, Question, Ticket
from tunekin_web.limits import RateLimit
from tunekin_web.openapi import document
from tunekin_web.operations import Operations, OperatorsDesk
from tunekin_web.opinions import Opinions
from tunekin_web.problems import ForbiddenError, MissingError, RefusedError, TooSlowError, UnauthorizedError, status_of
from tunekin_web.settings import WebSettings
from tunekin_web.subsonic.api import SubsonicApi
from tunekin_web.subsonic.login import Logins
from tunekin_web.subsonic.songs import Songs

__all__ = ["Gateway", "application"]

T = TypeVar("T")

_STATIC = Path(__file__).parent / "static"
_PAGES = ("/", "/moods", "/search", "/map", "/taste")
# Nothing but the page's own files, no inline script or style, and no other page around it.
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self' blob:; "
        "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
# Of one address; a quarter of them may come at once.
_WRONG_TOKENS_PER_MINUTE = 40
# Songs in one list, of search and of moods.
_MOST_LISTED = 100


class Gateway:
    """The requests' handlers.

    Parameters
    ----------
    collection : Collection
        The catalogue.
    desk : Desk
        Where clips wait.
    opinions : Opinions
        What visitors like and dislike.
    settings : WebSettings
        Limits and token.
    operations : Operations or None
        The workers, where they are other processes.
    """

    def __init__(
        self,
        collection: Collection,
        desk: Desk,
        opinions: Opinions,
        *,
        settings: WebSettings,
        operations: Operations | None = None,
    ) -> None:
        self._collection = collection
        self._desk = desk
        self._opinions = opinions
        self._settings = settings
        self._operators = OperatorsDesk(operations, authorize=self._authorize)
        self._wrong_tokens = RateLimit(_WRONG_TOKENS_PER_MINUTE, clock=time.monotonic)
        self._rate = RateLimit(settings.clips_per_minute, clock=time.monotonic)

    def routes(self) -> list[Route]:
        """List the routes of the API.

        Returns
        -------
        list of Route
            Paths as the OpenAPI document has them.
        """
        return [
            Route("/openapi.json", self._openapi),
            Route("/status", self._status),
            Route("/clips", self._post_clip, methods=["POST"]),
            Route("/clips/{ticket}", self._get_ticket),
            Route("/clips/{ticket}/events", self._get_events),
            Route("/clips/{ticket}/playlist.{kind}", self._get_playlist_of_answer),
            Route("/moods", self._get_moods),
            Route("/moods/{mood:int}/tracks", self._get_songs_of_mood),
            Route("/moods/{mood:int}/playlist.{kind}", self._get_playlist_of_mood),
            Route("/search", self._search),
            Route("/map", self._map),
            Route("/tracks/{track_id}", self._get_track, methods=["GET"]),
            Route("/tracks/{track_id}", self._delete_track, methods=["DELETE"]),
            Route("/tracks/{track_id}/similar", self._post_similar, methods=["POST"]),
            Route("/tracks/{track_id}/audio", self._get_audio),
            *self._opinions.routes(),
            *self._operators.routes(),
        ]

    # --- clips ---

    async def _post_clip(self, request: Request) -> Response:
        options = _options(request)
        self._rate.take(_address(request))
        options = await self._opinions.followed(request, options)
        most = self._settings.max_clip_bytes
        declared = request.headers.get("content-length", "")
        size = int(declared) if declared.isdecimal() else most
        if size > most:
            raise _too_large(most)
        with self._desk.place(size) as place:
            try:
                async with asyncio.timeout(self._settings.upload_s):
                    data = await _read(request, most=size)
            except TimeoutError as error:
                raise TooSlowError(
                    f"the clip did not come within {self._settings.upload_s:g} s", hint="send a shorter part of it"
                ) from error
            return _accepted(place.take(Question(options=options, data=data)))

    async def _post_similar(self, request: Request) -> Response:
        options = _options(request)
        self._rate.take(_address(request))
        options = await self._opinions.followed(request, options)
        track_id = request.path_params["track_id"]
        await run_in_threadpool(self._collection.song, track_id)
        with self._desk.place(0) as place:
            return _accepted(place.take(Question(options=options, track_id=track_id)))

    async def answer_track(self, request: Request, track_id: str, options: ClipOptions) -> Answer:
        """Have a song of the catalogue answered, and wait for it.

        Parameters
        ----------
        request : Request
            Whose address counts.
        track_id : str
            The song.
        options : ClipOptions
            What is asked for.

        Returns
        -------
        Answer
            An answer, or a failure with its reason.

        Raises
        ------
        RefusedError
            Too much waits, or the address asks too often.
        """
        self._rate.take(_address(request))
        with self._desk.place(0) as place:
            ticket = place.take(Question(options=options, track_id=track_id))
        return await ticket.done()

    async def _get_ticket(self, request: Request) -> Response:
        ticket = self._desk.ticket(request.path_params["ticket"])
        return _json(_state(ticket))

    async def _get_events(self, request: Request) -> Response:
        ticket = self._desk.ticket(request.path_params["ticket"])

        async def events() -> AsyncIterator[bytes]:
            told = 0
            async for count, answer in ticket.watch():
                for stage in ticket.stages[told:count]:
                    yield _event("stage", {"stage": stage})
                told = count
                if answer is not None:
                    yield b"event: answer\ndata: " + answer_json(answer) + b"\n\n"

        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(events(), media_type="text/event-stream", headers=headers)

    # --- catalogue ---

    async def _status(self, _: Request) -> Response:
        facts = await run_in_threadpool(self._collection.facts)
        limits = {"max_clip_bytes": self._settings.max_clip_bytes, "waiting": self._desk.waiting}
        return _json(facts | limits | {"version": tunekin.__version__})

    async def _get_moods(self, _: Request) -> Response:
        return _json({"moods": await run_in_threadpool(self._collection.moods)})

    async def _get_songs_of_mood(self, request: Request) -> Response:
        order: Order = _choice(request, "order", ("typical", "surprise"))
        songs = await run_in_threadpool(
            self._collection.songs_of_mood,
            request.path_params["mood"],
            order=order,
            limit=_whole(request, "limit", default=20, least=1, most=_MOST_LISTED),
            seed=_whole(request, "seed", default=0, least=0, most=2**53),
        )
        return _json({"tracks": songs})

    async def _get_playlist_of_answer(self, request: Request) -> Response:
        answer = self._desk.ticket(request.path_params["ticket"]).answer
        if answer is None or answer.status == "failed":
            raise MissingError("this ticket has no songs", hint="a playlist is there once the clip is answered")
        songs = await run_in_threadpool(self._collection.songs, [match.track_id for match in answer.matches])
        return _playlist(request, "Tunekin", songs)

    async def _get_playlist_of_mood(self, request: Request) -> Response:
        mood = await run_in_threadpool(self._collection.mood, request.path_params["mood"])
        limit = _whole(request, "limit", default=20, least=1, most=_MOST_LISTED)
        songs = await run_in_threadpool(
            self._collection.songs_of_mood, mood["id"], order="typical", limit=limit, seed=0
        )
        return _playlist(request, mood["label"]["en"], songs)

    async def _search(self, request: Request) -> Response:
        text = request.query_params.get("q", "")
        limit = _whole(request, "limit", default=20, least=1, most=_MOST_LISTED)
        return _json({"tracks": await run_in_threadpool(self._collection.search, text, limit=limit)})

    async def _map(self, _: Request) -> Response:
        return _json(await run_in_threadpool(self._collection.chart))

    async def _get_track(self, request: Request) -> Response:
        return _json(await run_in_threadpool(self._collection.song, request.path_params["track_id"]))

    async def _delete_track(self, request: Request) -> Response:
        self._authorize(request)
        version = await run_in_threadpool(self._collection.remove, request.path_params["track_id"])
        return _json({"catalogue": version}, status=200 if version is not None else 202)

    async def _get_audio(self, request: Request) -> Response:
        path, media_type = await run_in_threadpool(self._collection.sound, request.path_params["track_id"])
        return FileResponse(path, media_type=media_type, headers={"Cache-Control": "private, max-age=3600"})

    async def _openapi(self, _: Request) -> Response:
        return _json(document(self._settings))

    def _authorize(self, request: Request) -> None:
        token = self._settings.token.get_secret_value()
        if not token:
            raise ForbiddenError("nobody may do this here", hint="set TUNEKIN_WEB_TOKEN at the server")
        address, sent = _address(request), request.headers.get("authorization", "")
        self._wrong_tokens.check(address)
        if not hmac.compare_digest(sent.encode("latin-1"), f"Bearer {token}".encode()):
            if sent:
                self._wrong_tokens.take(address)
            raise UnauthorizedError("the token is missing or wrong", hint="send Authorization: Bearer TOKEN")


def application(backend: Backend, *, settings: WebSettings) -> Starlette:
    """Put the gateway together.

    Parameters
    ----------
    backend : Backend
        Catalogue, and what answers; outlives the application.
    settings : WebSettings
        Limits and token.

    Returns
    -------
    Starlette
        The application; it answers clips while its lifespan lasts.
    """
    desk = Desk(
        backend.answering,
        answerers=backend.answerers,
        clock=time.monotonic,
        max_clips=settings.max_clips,
        max_bytes=settings.max_waiting_bytes,
        keep_s=settings.keep_s,
    )
    collection = Collection(backend, playback=settings.playback)
    opinions = Opinions(backend.tastes, collection, per_minute=settings.clips_per_minute)
    gateway = Gateway(collection, desk, opinions, settings=settings, operations=backend.operations)
    is_operated = backend.operations is not None and bool(settings.token.get_secret_value())
    pages = (*_PAGES, "/ops") if is_operated else _PAGES

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with desk.open():
            yield

    return Starlette(
        routes=[
            Mount("/api/v1", routes=gateway.routes()),
            *_subsonic(backend, collection, gateway, settings=settings),
            *(Route(path, _page) for path in pages),
            Mount("/static", StaticFiles(directory=_STATIC)),
        ],
        middleware=[Middleware(_Hardened), Middleware(GZipMiddleware, minimum_size=1_000)],
        exception_handlers={TunekinError: _failed, RefusedError: _refused, HTTPException: _wrong},
        lifespan=lifespan,
    )


def _subsonic(backend: Backend, collection: Collection, gateway: Gateway, *, settings: WebSettings) -> list[Mount]:
    """Routes for Subsonic clients, where any may ask."""
    logins = Logins.of(settings)
    if logins is None:
        return []
    songs = Songs(backend.reader, collection, server=settings.subsonic_library)
    api = SubsonicApi(songs, backend.reader, logins=logins, ask=gateway.answer_track, sound=collection.sound)
    return [Mount("/rest", routes=api.routes())]


class _Hardened:
    """Puts the headers that keep a page safe on every response."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                # The page's files are asked for again each time, so that none is older than the others.
                for name, value in (_HEADERS | {"Cache-Control": "no-cache"}).items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, sending)


async def _page(_: Request) -> Response:
    return FileResponse(_STATIC / "index.html", headers={"Cache-Control": "no-cache"})


async def _failed(_: Request, error: Exception) -> Response:
    assert isinstance(error, TunekinError)  # noqa: S101 - registered for these alone
    return _problem(error.code, error.message, error.hint, status=status_of(error))


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, RefusedError)  # noqa: S101 - registered for these alone
    headers = {"Retry-After": str(error.retry_after_s)} if error.retry_after_s else {}
    return _problem(error.code, error.message, error.hint, status=error.status, headers=headers)


async def _wrong(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for these alone
    return _problem(
        "gateway.http", error.detail, "GET /api/v1/openapi.json says what there is", status=error.status_code
    )


def _problem(code: str, message: str, hint: str, *, status: int, headers: dict[str, str] | None = None) -> Response:
    return _json({"error": {"code": code, "message": message, "hint": hint}}, status=status, headers=headers)


def _json(content: object, *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse(content, status_code=status, headers={"Cache-Control": "no-store"} | (headers or {}))


def _accepted(ticket: Ticket) -> Response:
    place = f"/api/v1/clips/{ticket.name}"
    said = {"ticket": ticket.name, "answer": place, "events": f"{place}/events"}
    return _json(said, status=202, headers={"Location": place})


def _state(ticket: Ticket) -> dict[str, Any]:
    done = None if ticket.answer is None else msgspec.json.decode(answer_json(ticket.answer))
    return {"status": "waiting" if done is None else "done", "stages": ticket.stages, "answer": done}


def _event(name: str, data: object) -> bytes:
    return f"event: {name}\ndata: ".encode() + msgspec.json.encode(data) + b"\n\n"


def _playlist(request: Request, title: str, songs: list[dict[str, Any]]) -> Response:
    kind = playlist.KINDS.get(request.path_params["kind"])
    if kind is None:
        raise MissingError("there is no such playlist", hint="it is playlist.m3u8 or playlist.xspf")
    root = str(request.base_url).rstrip("/").removesuffix("/api/v1")
    entries = [
        playlist.Entry(
            location=f"{root}/api/v1/tracks/{quote(song['track_id'], safe='')}/audio",
            title=song["title"],
            artist=song["artist"],
            album=song["album"],
            duration_s=song["duration_s"],
            musicbrainz_id=song["musicbrainz_id"],
        )
        for song in songs
    ]
    headers = {"Content-Disposition": f'attachment; filename="tunekin.{kind}"', "Cache-Control": "no-store"}
    return Response(playlist.write(kind, title, entries), media_type=playlist.MEDIA_TYPES[kind], headers=headers)


async def _read(request: Request, *, most: int) -> bytes:
    """Read a body as it comes, so that one who sends more than was said is stopped at the limit."""
    data = bytearray()
    async for part in request.stream():
        data += part
        if len(data) > most:
            raise _too_large(most)
    if not data:
        raise EmptyAudioError("there are no bytes of sound", hint="send a sound file as the body")
    return bytes(data)


def _too_large(most: int) -> AudioTooLargeError:
    return AudioTooLargeError(
        f"the clip has more than {most} bytes", hint="send the few seconds that matter, not the whole song"
    )


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def _options(request: Request) -> ClipOptions:
    wanted = request.query_params
    scope: messages.Scope = _choice(request, "scope", ("all", "mood"))
    mode: messages.Mode = _choice(request, "mode", ("certified", "shortlist"))
    artists: messages.Artists = _choice(request, "artists", ("one", "any"))
    versions: messages.Versioning = _choice(request, "versions", ("one", "any"))
    weights = read_weights("weights", wanted["weights"]) if wanted.get("weights") else ()
    # Refused before anything is heard.
    balanced(dict(weights))
    options = ClipOptions(
        k=_whole(request, "k", default=5, least=1, most=100),
        scope=scope,
        mode=mode,
        start_s=_seconds(request, "start"),
        duration_s=_seconds(request, "duration"),
        artists=artists,
        versions=versions,
        weights=weights,
        filters=read_filters({name: wanted[name] for name in NAMES if name in wanted}),
        likes=tuple(dict.fromkeys(wanted.getlist("like"))),
        dislikes=tuple(dict.fromkeys(wanted.getlist("dislike"))),
    )
    return check_taste(options)


def _choice(request: Request, name: str, choices: tuple[T, ...]) -> T:
    """Read one of some words; the first is meant where none is said."""
    text = request.query_params.get(name)
    if text is None:
        return choices[0]
    for choice in choices:
        if choice == text:
            return choice
    raise OptionError(f"{name} is {text!r}", hint=f"it is {' or '.join(map(str, choices))}")


def _whole(request: Request, name: str, *, default: int, least: int, most: int) -> int:
    text = request.query_params.get(name)
    if text is None:
        return default
    # Decimal digits of other scripts are none that a program sends.
    if not (text.isascii() and text.isdecimal() and len(text) <= len(str(most)) and least <= int(text) <= most):
        raise OptionError(f"{name} is {text!r}", hint=f"it is a whole number from {least} to {most}")
    return int(text)


def _seconds(request: Request, name: str) -> float | None:
    text = request.query_params.get(name)
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise OptionError(f"{name} is {text!r}", hint="it is a number of seconds, 0 or more")
    return value
