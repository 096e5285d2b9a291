"""What operators see and do: workers, what waits, what failed. Only for who sends the token.

The token travels in the header ``Authorization``, which a browser adds to no request by itself: no page elsewhere can
have a visitor's browser replay or forget anything.
"""

import time
from collections.abc import Callable
from typing import Annotated, Any, Protocol

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tunekin.dead_letter_office import DeadLetterOffice
from tunekin.dead_letters import Chosen, DeadLetter, document, parse_time
from tunekin.errors import OptionError
from tunekin.kafka import KafkaSettings, arrivals, described, lags
from tunekin_web.problems import MissingError

__all__ = ["KafkaOperations", "Operations", "OperatorsDesk"]

_MOST_LISTED = 500
_LISTED = 100


class Operations(Protocol):
    """A distributed installation, as an operator sees it."""

    @property
    def letters(self) -> DeadLetterOffice:
        """What looks after its dead letters."""

    def status(self) -> dict[str, Any]:
        """Say who works, what waits, and what has come.

        Returns
        -------
        dict
            For JSON.
        """


class KafkaOperations:
    """An installation by what its brokers say.

    Parameters
    ----------
    kafka : KafkaSettings
        The brokers.
    letters : DeadLetterOffice
        What looks after its dead letters.
    """

    def __init__(self, kafka: KafkaSettings, letters: DeadLetterOffice) -> None:
        self._kafka = kafka
        self._letters = letters

    @property
    def letters(self) -> DeadLetterOffice:
        """What looks after its dead letters."""
        return self._letters

    def status(self) -> dict[str, Any]:
        """Say who works, what waits, and what has come.

        Returns
        -------
        dict
            Groups, and the records that came within a minute by topic.

        Raises
        ------
        DependencyError
            No broker answers.
        """
        return described(lags(self._kafka), arrivals(self._kafka))


class _Wanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which letters a request is about, and how they are replayed."""

    letters: Annotated[tuple[str, ...], msgspec.Meta(min_length=1, max_length=_MOST_LISTED)]
    whole: bool = False


class OperatorsDesk:
    """The requests' handlers.

    Parameters
    ----------
    operations : Operations or None
        The installation; none where one process does it all.
    authorize : callable
        Refuses a request that does not send the token.
    """

    def __init__(self, operations: Operations | None, *, authorize: Callable[[Request], None]) -> None:
        self._operations = operations
        self._authorize = authorize

    def routes(self) -> list[Route]:
        """List the routes of the API.

        Returns
        -------
        list of Route
            Paths as the OpenAPI document has them.
        """
        letter = "/ops/dead-letters/{topic}/{partition:int}/{offset:int}"
        return [
            Route("/ops/status", self._status),
            Route("/ops/dead-letters", self._list),
            Route("/ops/dead-letters/replay", self._replay, methods=["POST"]),
            Route("/ops/dead-letters/purge", self._purge, methods=["POST"]),
            Route(letter, self._show),
            Route(f"{letter}/value", self._value),
        ]

    async def _status(self, request: Request) -> Response:
        return _json(await run_in_threadpool(self._open(request).status))

    async def _list(self, request: Request) -> Response:
        office, asked = self._open(request).letters, request.query_params
        chosen = Chosen(
            code=asked.get("error") or None,
            stage=asked.get("stage") or None,
            since_s=_time(asked.get("since")),
            until_s=_time(asked.get("until")),
        )
        limit = asked.get("limit", str(_LISTED))
        if not (limit.isascii() and limit.isdecimal() and 1 <= int(limit[:6]) <= _MOST_LISTED):
            raise OptionError(f"limit is {limit[:40]!r}", hint=f"it is a whole number from 1 to {_MOST_LISTED}")
        found = await run_in_threadpool(office.recent, chosen, most=int(limit))
        return _json(
            {
                "letters": [document(letter) for letter in found.letters],
                "more": found.more,
                "errors": dict(found.codes.most_common()),
                "stages": dict(found.stages.most_common()),
            }
        )

    async def _show(self, request: Request) -> Response:
        return _json(document(await self._letter(request)))

    async def _value(self, request: Request) -> Response:
        letter = await self._letter(request)
        headers = {
            "Content-Disposition": f'attachment; filename="{letter.key.replace("/", "-")}.bin"',
            "Cache-Control": "no-store",
        }
        return Response(letter.original.value or b"", media_type="application/octet-stream", headers=headers)

    async def _replay(self, request: Request) -> Response:
        office = self._open(request).letters
        wanted = await _wanted(request)
        replay = office.replay_whole if wanted.whole else office.replay
        return _json({"replayed": await run_in_threadpool(replay, Chosen(keys=wanted.letters))})

    async def _purge(self, request: Request) -> Response:
        office = self._open(request).letters
        wanted = await _wanted(request)
        return _json({"purged": await run_in_threadpool(office.purge, Chosen(keys=wanted.letters))})

    async def _letter(self, request: Request) -> DeadLetter:
        office, place = self._open(request).letters, request.path_params
        name = f"{place['topic']}/{place['partition']}/{place['offset']}"
        (letter,) = await run_in_threadpool(lambda: list(office.letters(Chosen(keys=(name,)))))
        return letter

    def _open(self, request: Request) -> Operations:
        self._authorize(request)
        if self._operations is None:
            raise MissingError("one process does it all here", hint="run `tunekin serve --kafka` in front of workers")
        return self._operations


async def _wanted(request: Request) -> _Wanted:
    try:
        return msgspec.json.decode(await request.body(), type=_Wanted)
    except msgspec.DecodeError as error:
        raise OptionError(
            f"the request does not say which letters it is about: {error}",
            hint='send JSON such as {"letters": ["clips/3/42"]}',
        ) from error


def _time(text: str | None) -> float | None:
    return parse_time(text, now_s=time.time) if text else None


def _json(content: object) -> Response:
    return JSONResponse(content, headers={"Cache-Control": "no-store"})
