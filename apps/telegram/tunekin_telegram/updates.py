"""What Telegram has for the bot: taken, worked on side by side, and confirmed when it is done.

Telegram keeps an update until a request names a higher number. So the number that is named is that of the first update
which is not done yet: what a process that dies was working on comes again to the next one.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

__all__ = ["Ledger", "Numbered", "attend"]

# Telegram holds a request for so long while there is nothing new.
_LONG_POLL_S = 30
# While something is under way it shows that at once, so new updates are looked for this often.
_LOOK_AGAIN_S = 0.5
# How long what is under way may take at the end.
_LAST_S = 30.0


class Numbered(Protocol):
    """What has a number that rises."""

    @property
    def update_id(self) -> int:
        """The number."""


U = TypeVar("U", bound=Numbered)


class Ledger:
    """Which updates are under way, and which are done."""

    def __init__(self) -> None:
        self._next = 0
        self._open: set[int] = set()
        self._done: set[int] = set()

    @property
    def offset(self) -> int:
        """Number of the first update that is not done; all below are."""
        return min(self._open, default=self._next)

    def take(self, number: int) -> bool:
        """Begin an update.

        Parameters
        ----------
        number : int
            Its number.

        Returns
        -------
        bool
            Whether it is new.
        """
        if number < self.offset or number in self._open or number in self._done:
            return False
        self._open.add(number)
        self._next = max(self._next, number + 1)
        return True

    def done(self, number: int) -> None:
        """End an update.

        Parameters
        ----------
        number : int
            Its number.
        """
        self._open.remove(number)
        self._done.add(number)
        self._done = {one for one in self._done if one >= self.offset}


async def attend(
    fetch: Callable[[int, int], Awaitable[Sequence[U]]],
    handle: Callable[[U], Awaitable[None]],
    *,
    most: int,
    stop: asyncio.Event,
) -> None:
    """Handle updates until told to stop; what is under way then is finished, and confirmed.

    Parameters
    ----------
    fetch : callable
        Given an offset and how long to wait in seconds, gives the updates from there on.
    handle : callable
        Handles one, and raises nothing.
    most : int
        How many are under way at a time.
    stop : asyncio.Event
        Set when it is time.
    """
    ledger = Ledger()
    under_way: set[asyncio.Task[None]] = set()

    async def one(update: U) -> None:
        await handle(update)
        ledger.done(update.update_id)

    stopping = asyncio.create_task(stop.wait())
    try:
        while not stop.is_set():
            fetching = asyncio.ensure_future(fetch(ledger.offset, 0 if under_way else _LONG_POLL_S))
            await asyncio.wait({fetching, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not fetching.done():
                fetching.cancel()
                await asyncio.wait({fetching})
                break
            for update in fetching.result():
                if len(under_way) < most and ledger.take(update.update_id):
                    task = asyncio.create_task(one(update))
                    under_way.add(task)
                    task.add_done_callback(under_way.discard)
            if under_way:
                await asyncio.wait(
                    {*under_way, stopping},
                    timeout=_LOOK_AGAIN_S if len(under_way) < most else None,
                    return_when=asyncio.FIRST_COMPLETED,
                )
    finally:
        stopping.cancel()
        if under_way:
            _, late = await asyncio.wait(set(under_way), timeout=_LAST_S)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late)
        # Telegram repeats what is not confirmed to the next process, so a failure here loses nothing.
        with contextlib.suppress(Exception):
            async with asyncio.timeout(_LAST_S):
                await fetch(ledger.offset, 0)
