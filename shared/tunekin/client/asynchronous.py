"""A client for asyncio."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Self

from tunekin.client.synchronous import Client
from tunekin.client.tickets import Result, Ticket
from tunekin.messages import Answer, ClipOptions

__all__ = ["AsyncClient"]

# Records on their way at once; more wait their turn.
_THREADS = 8


class AsyncClient:
    """What `Client` does, without holding up the event loop.

    Parameters
    ----------
    client : Client
        Belongs to this object from now on.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._publishers = ThreadPoolExecutor(_THREADS, thread_name_prefix="tunekin publish")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self.close()

    async def publish(
        self,
        clip: bytes | os.PathLike[str],
        *,
        options: ClipOptions | None = None,
        key: str | None = None,
        attempt: int = 1,
        follow: bool = True,
        timeout_s: float | None = None,
    ) -> Ticket:
        """Publish a clip, see `Client.publish`.

        Where this is cancelled, the clip may be published even so; its outcome is not waited for.

        Parameters
        ----------
        clip : bytes or path-like
            A sound file, or where it lies.
        options : ClipOptions, optional
            What is asked for.
        key : str, optional
            Name under which the outcome comes back; a new one by default.
        attempt : int
            1, and more for a clip that is published again under its key.
        follow : bool
            Whether the outcome is wanted.
        timeout_s : float, optional
            Longest wait for room; for ever by default.

        Returns
        -------
        Ticket
            What to `wait` for.
        """
        return await self._in_thread(
            lambda: self._client.publish(
                clip, options=options, key=key, attempt=attempt, follow=follow, timeout_s=timeout_s
            )
        )

    async def publish_query(
        self,
        track_id: str,
        *,
        options: ClipOptions | None = None,
        key: str | None = None,
        follow: bool = True,
        timeout_s: float | None = None,
    ) -> Ticket:
        """Ask for songs like a song of the catalogue, see `Client.publish_query`.

        Parameters
        ----------
        track_id : str
            The song.
        options : ClipOptions, optional
            What is asked for.
        key : str, optional
            Name under which the outcome comes back; a new one by default.
        follow : bool
            Whether the outcome is wanted.
        timeout_s : float, optional
            Longest wait for room; for ever by default.

        Returns
        -------
        Ticket
            What to `wait` for.
        """
        return await self._in_thread(
            lambda: self._client.publish_query(track_id, options=options, key=key, follow=follow, timeout_s=timeout_s)
        )

    async def wait(self, ticket: Ticket, *, timeout_s: float | None = None) -> Answer:
        """Wait for the outcome of a ticket, see `Client.wait`.

        Parameters
        ----------
        ticket : Ticket
            As `publish` gave it.
        timeout_s : float, optional
            Longest wait; for ever by default.

        Returns
        -------
        Answer
            Its status is ``answered``, or ``failed`` with an error.

        Raises
        ------
        DependencyError
            None came in time (the ticket stays open), or the client has ended.
        OptionError
            No outcome is expected for the ticket, or it was handed out.
        """
        outcome = self._client.tickets.future(ticket)
        try:
            # Shielded: whoever gives up waiting leaves the ticket open.
            await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(outcome)), timeout_s)
        except TimeoutError:
            raise self._client.tickets.late(timeout_s) from None
        return self._client.tickets.claim(ticket, outcome)

    async def results(self, *, timeout_s: float | None = None) -> AsyncIterator[Result]:
        """Hand out outcomes as they come, see `Client.results`.

        Parameters
        ----------
        timeout_s : float, optional
            Longest wait for the next one; for ever by default.

        Yields
        ------
        Result
            A ticket and its outcome.

        Raises
        ------
        DependencyError
            None came in time (their tickets stay open), or the client has ended.
        """
        tickets, loop, changed = self._client.tickets, asyncio.get_running_loop(), asyncio.Event()

        def tell() -> None:
            # Whoever left the loop behind is not told.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(changed.set)

        with tickets.watched(tell):
            while True:
                if (result := tickets.take()) is not None:
                    yield result
                elif not tickets:
                    return
                else:
                    await self._changing(changed, timeout_s)

    def forget(self, ticket: Ticket) -> None:
        """Expect the outcome of a ticket no longer, see `Client.forget`.

        Parameters
        ----------
        ticket : Ticket
            The ticket.
        """
        self._client.forget(ticket)

    async def resume(self, ticket: Ticket) -> None:
        """Expect the outcome of a ticket of before, see `Client.resume`.

        Parameters
        ----------
        ticket : Ticket
            The ticket.
        """
        self._client.resume(ticket)

    async def close(self) -> None:
        """Give up what is open, and release the connections."""
        await asyncio.to_thread(self._client.close)
        await asyncio.to_thread(self._publishers.shutdown)

    async def _in_thread(self, publish: Callable[[], Ticket]) -> Ticket:
        published = self._publishers.submit(publish)
        try:
            return await asyncio.wrap_future(published)
        except asyncio.CancelledError:
            # Its ticket reaches nobody, and would take up room for ever.
            published.add_done_callback(self._forget_published)
            raise

    def _forget_published(self, published: "Future[Ticket]") -> None:
        if not published.cancelled() and published.exception() is None:
            self._client.forget(published.result())

    async def _changing(self, changed: asyncio.Event, timeout_s: float | None) -> None:
        """Wait for a change; that it was one of the tickets' own is for the caller to see."""
        try:
            await asyncio.wait_for(changed.wait(), timeout_s)
        except TimeoutError:
            raise self._client.tickets.late(timeout_s) from None
        changed.clear()
