"""What visitors like and dislike: each one's own, by a secret that their browser holds from the first like on."""

import re
import secrets
import time
from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tunekin.catalogue.tastes import Tastes, Verdict, newest
from tunekin.errors import OptionError
from tunekin.messages import ClipOptions
from tunekin_web.collection import Collection
from tunekin_web.limits import RateLimit
from tunekin_web.problems import ForbiddenError

__all__ = ["COOKIE", "Opinions"]

COOKIE = "tunekin_listener"
# As long as browsers keep any; anew with each opinion.
_COOKIE_S = 400 * 86_400
_COOKIE_PATH = "/api/v1"
_SECRET = re.compile(r"[A-Za-z0-9_-]{43}")
_LONGEST_BODY = 1_000
_FILE = 'attachment; filename="tunekin-taste.json"'


class _Said(msgspec.Struct):
    """Body of a request."""

    verdict: Verdict


_said = msgspec.json.Decoder(_Said)


class Opinions:
    """Handlers of ``/taste``, and what an answer is to follow.

    Parameters
    ----------
    tastes : Tastes
        Where opinions are kept.
    collection : Collection
        The catalogue.
    per_minute : int
        Most opinions of one address in a minute; 0 sets no limit.
    """

    def __init__(self, tastes: Tastes, collection: Collection, *, per_minute: int) -> None:
        self._tastes = tastes
        self._collection = collection
        self._rate = RateLimit(per_minute, clock=time.monotonic)

    def routes(self) -> list[Route]:
        """List the routes.

        Returns
        -------
        list of Route
            Paths as the OpenAPI document has them.
        """
        return [
            Route("/taste", self._get, methods=["GET"]),
            Route("/taste", self._forget, methods=["DELETE"]),
            Route("/taste/{track_id}", self._put, methods=["PUT"]),
            Route("/taste/{track_id}", self._remove, methods=["DELETE"]),
        ]

    async def followed(self, request: Request, options: ClipOptions) -> ClipOptions:
        """Add what the visitor likes and dislikes to what they ask for.

        Parameters
        ----------
        request : Request
            Whose cookie counts, unless it says ``taste=none``.
        options : ClipOptions
            What is asked for; its own likes and dislikes take the place of the visitor's.

        Returns
        -------
        ClipOptions
            With as many of them as a question may bring, the newest.

        Raises
        ------
        OptionError
            ``taste`` is something else.
        """
        wanted = request.query_params.get("taste", "mine")
        if wanted not in {"mine", "none"}:
            raise OptionError(f"taste is {wanted!r}", hint="it is mine or none")
        listener = _listener(request)
        if wanted == "none" or listener is None or options.likes or options.dislikes:
            return options
        likes, dislikes = newest(await run_in_threadpool(self._tastes.of, listener))
        return msgspec.structs.replace(options, likes=likes, dislikes=dislikes)

    async def _get(self, request: Request) -> Response:
        listener = _listener(request)
        opinions = [] if listener is None else await run_in_threadpool(self._tastes.of, listener)
        told = await run_in_threadpool(self._collection.taste, opinions)
        headers = {"Cache-Control": "no-store"}
        if "download" in request.query_params:
            headers["Content-Disposition"] = _FILE
        return JSONResponse(told, headers=headers)

    async def _put(self, request: Request) -> Response:
        _refuse_others(request)
        self._rate.take(request.client.host if request.client else "")
        verdict = await _verdict(request)
        listener = _listener(request) or secrets.token_urlsafe(32)
        opinion = await run_in_threadpool(self._tastes.put, listener, request.path_params["track_id"], verdict)
        response = JSONResponse(
            {"track_id": opinion.track_id, "verdict": opinion.verdict, "at_ms": opinion.at_ms},
            headers={"Cache-Control": "no-store"},
        )
        response.set_cookie(COOKIE, listener, max_age=_COOKIE_S, **_kept(request))
        return response

    async def _remove(self, request: Request) -> Response:
        _refuse_others(request)
        listener = _listener(request)
        track_id = request.path_params["track_id"]
        forgotten = listener is not None and await run_in_threadpool(self._tastes.remove, listener, track_id)
        return JSONResponse({"forgotten": int(forgotten)}, headers={"Cache-Control": "no-store"})

    async def _forget(self, request: Request) -> Response:
        _refuse_others(request)
        listener = _listener(request)
        forgotten = 0 if listener is None else await run_in_threadpool(self._tastes.forget, listener)
        response = JSONResponse({"forgotten": forgotten}, headers={"Cache-Control": "no-store"})
        response.delete_cookie(COOKIE, **_kept(request))
        return response


def _listener(request: Request) -> str | None:
    """Find the visitor's secret; what is none that was given here counts for nothing."""
    held = request.cookies.get(COOKIE, "")
    return held if _SECRET.fullmatch(held) else None


def _kept(request: Request) -> dict[str, Any]:
    """How the cookie is kept: no script reads it, and no other site's request brings it along."""
    return {"path": _COOKIE_PATH, "httponly": True, "samesite": "lax", "secure": request.url.scheme == "https"}


def _refuse_others(request: Request) -> None:
    """Refuse what a page of another site asks in a visitor's name."""
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        raise ForbiddenError("another site's page asks in your name", hint="use the page of this server")


async def _verdict(request: Request) -> Verdict:
    # A form of another site can send no JSON without being asked for leave.
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise OptionError("the body is not application/json", hint='send {"verdict": "like"} as JSON')
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > _LONGEST_BODY:
            raise OptionError(f"the body has more than {_LONGEST_BODY} bytes", hint='{"verdict": "like"} is enough')
    try:
        return _said.decode(body).verdict
    except (msgspec.DecodeError, UnicodeError) as error:
        raise OptionError(
            f"the body is {bytes(body[:40])!r}", hint='it is {"verdict": "like"} or {"verdict": "dislike"}'
        ) from error
