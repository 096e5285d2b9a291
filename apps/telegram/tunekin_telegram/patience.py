"""Requests of Telegram, made until something comes of them."""

import asyncio
import math
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

import structlog
from telegram.error import BadRequest, Conflict, NetworkError, RetryAfter, TelegramError

__all__ = ["Patience"]

_log = structlog.get_logger("tunekin.telegram")

T = TypeVar("T")

_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 30.0
# How long Telegram may hold a chat up until what is for that chat is given up.
_HELD_UP_S = 120.0


class Patience:
    """Makes a request again where that helps: after the wait that Telegram names, or when it can be reached again.

    Parameters
    ----------
    pause : callable
        Waits so many seconds.
    outage_s : float
        How long Telegram may be out of reach, in seconds; without end unless it is given.
    """

    def __init__(
        self, pause: Callable[[float], Awaitable[object]] = asyncio.sleep, *, outage_s: float = math.inf
    ) -> None:
        self._pause = pause
        self._outage_s = outage_s

    async def __call__(self, request: Callable[[], Awaitable[T]]) -> T:
        """Make a request.

        Parameters
        ----------
        request : callable
            Makes it once. Made again after an error whose outcome is in doubt, it may come twice.

        Returns
        -------
        object
            What it gives.

        Raises
        ------
        TelegramError
            Telegram refuses it, holds it up for longer than two minutes, or is out of reach for too long.
        """
        held_up_s = outage_s = 0.0
        next_pause_s = _FIRST_PAUSE_S
        while True:
            try:
                return await request()
            except RetryAfter as error:
                pause_s = _seconds(error.retry_after)
                held_up_s += pause_s
                if held_up_s > _HELD_UP_S:
                    raise
                _log.warning("telegram.held_up", again_in_s=pause_s)
            except TelegramError as error:
                if not _may_pass(error) or outage_s > self._outage_s:
                    raise
                pause_s, next_pause_s = next_pause_s, min(2 * next_pause_s, _LONGEST_PAUSE_S)
                outage_s += pause_s
                _log.warning("telegram.unreachable", error=type(error).__name__, again_in_s=pause_s)
            await self._pause(pause_s)


def _seconds(wait: float | timedelta) -> float:
    return wait.total_seconds() if isinstance(wait, timedelta) else float(wait)


def _may_pass(error: TelegramError) -> bool:
    """Whether the error is of the way there and not of the request; what is no JSON comes as a plain error."""
    if isinstance(error, BadRequest):
        return False
    return isinstance(error, NetworkError | Conflict) or type(error) is TelegramError
