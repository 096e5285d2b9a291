"""A server that speaks as much of the Subsonic protocol as an import asks for, over files of the tests' own."""

import contextlib
import hashlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

USER, PASSWORD, API_KEY = "kim", "sesame 봄", "key-7"
Sent = dict[str, str]


@dataclass(kw_only=True)
class Song:
    """A song of the server's library, and what the server is to do wrong with it."""

    id: str | int
    path: Path
    album: str = "one"
    tags: dict[str, Any] = field(default_factory=dict)
    failure: int | None = None
    status: int = 200
    media_type: str = "audio/flac"


@dataclass(kw_only=True)
class Library:
    """What the server has, how it behaves, and what it was asked."""

    songs: list[Song] = field(default_factory=list)
    page: int = 500
    takes: tuple[str, ...] = ("token", "password", "apiKey")
    may_download: bool = True
    busy: int = 0
    lands_at: str = ""
    addresses: list[str] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)

    def song(self, song_id: str) -> Song | None:
        return next((song for song in self.songs if str(song.id) == song_id), None)


def application(library: Library) -> Starlette:
    """Serve a library under ``/rest``."""

    async def answer(request: Request) -> Response:
        library.addresses.append(str(request.url))
        call = request.path_params["call"].removesuffix(".view")
        library.calls.append(call)
        if library.lands_at:
            return RedirectResponse(library.lands_at)
        if library.busy:
            library.busy -= 1
            return Response("later", status_code=503)
        sent = dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))
        problem = _login(library, sent)
        return _failed(problem) if problem else _answer(library, call, sent)

    return Starlette(routes=[Route("/rest/{call}", answer, methods=["GET", "POST"])])


@contextlib.contextmanager
def serving(library: Library) -> Iterator[str]:
    """Run the server, on a free port of this machine."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        config = uvicorn.Config(application(library), log_config=None, access_log=False, lifespan="off")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def _answer(library: Library, call: str, sent: Sent) -> Response:
    match call:
        case "ping":
            return _ok({})
        case "getAlbumList2":
            return _ok({"albumList2": {"album": _page(library, sent)}})
        case "getAlbum":
            songs = [_child(song) for song in library.songs if song.album == sent["id"]]
            return _ok({"album": {"id": sent["id"], "name": sent["id"], "song": songs}}) if songs else _failed(70)
        case "download" | "stream":
            return _sound(library, call, sent)
    return _failed(0)


def _login(library: Library, sent: Sent) -> int:
    if "apiKey" in sent:
        if "apiKey" not in library.takes:
            return 42
        return 0 if sent["apiKey"] == API_KEY else 44
    if "p" in sent:
        if "password" not in library.takes:
            return 42
        given = bytes.fromhex(sent["p"].removeprefix("enc:")).decode() if sent["p"].startswith("enc:") else sent["p"]
        return 0 if (sent["u"], given) == (USER, PASSWORD) else 40
    if "token" not in library.takes:
        return 41
    token = hashlib.md5((PASSWORD + sent["s"]).encode()).hexdigest()
    return 0 if (sent["u"], sent["t"]) == (USER, token) else 40


def _page(library: Library, sent: Sent) -> list[dict[str, Any]]:
    names = sorted({song.album for song in library.songs})
    start, size = int(sent["offset"]), min(int(sent["size"]), library.page)
    return [
        {"id": name, "name": name, "songCount": sum(song.album == name for song in library.songs)}
        for name in names[start : start + size]
    ]


def _child(song: Song) -> dict[str, Any]:
    size = song.path.stat().st_size if song.path.exists() else -1
    return {"id": song.id, "title": song.path.stem, "isDir": False, "size": size, "album": song.album} | song.tags


def _sound(library: Library, call: str, sent: Sent) -> Response:
    song = library.song(sent["id"])
    if song is None:
        return _failed(70)
    if call == "download" and not library.may_download:
        return _failed(50)
    if song.status != 200:
        return Response("broken", status_code=song.status)
    if song.failure is not None:
        return _failed(song.failure)
    library.fetched.append(sent["id"])
    return Response(song.path.read_bytes(), media_type=song.media_type)


def _ok(content: dict[str, Any]) -> Response:
    return JSONResponse({"subsonic-response": {"status": "ok", "version": "1.16.1", **content}})


def _failed(code: int) -> Response:
    error = {"code": code, "message": f"number {code}"}
    return JSONResponse({"subsonic-response": {"status": "failed", "version": "1.16.1", "error": error}})
