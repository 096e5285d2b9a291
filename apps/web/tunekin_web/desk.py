"""Where clips wait for their answers: threads answer them in turn, and whoever asked is told how far it is."""

import asyncio
import contextlib
import queue
import secrets
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from tunekin.messages import Answer, ClipOptions
from tunekin.outcomes import problem_of
from tunekin.ports import Clock
from tunekin_web.problems import MissingError, TooBusyError

__all__ = ["Answering", "Desk", "Question", "Ticket"]

# Answers take a tenth of a second, more on a large catalogue: by then some of those that wait are done.
_RETRY_AFTER_S = 2
# Beside the time, a bound on what finished tickets may hold.
_MOST_FINISHED = 2_000


class Answering(Protocol):
    """What answers, one clip at a time; `tunekin_embedded.clip_lane.ClipLane` is one."""

    def answer(self, data: bytes, *, options: ClipOptions, name: str | None, heard: Callable[[str], None]) -> Answer:
        """Answer a clip.

        Parameters
        ----------
        data : bytes
            An encoded sound file.
        options : ClipOptions
            What is asked for.
        name : str or None
            Name of the clip.
        heard : callable
            Told the name of each stage when it is done.

        Returns
        -------
        Answer
            An answer, or a failure with its reason.
        """

    def answer_track(
        self, track_id: str, *, options: ClipOptions, name: str | None, heard: Callable[[str], None]
    ) -> Answer:
        """Answer a track of the catalogue.

        Parameters
        ----------
        track_id : str
            The track.
        options : ClipOptions
            What is asked for.
        name : str or None
            Name of the query.
        heard : callable
            Told the name of each stage when it is done.

        Returns
        -------
        Answer
            An answer, or a failure with its reason.
        """

    def close(self) -> None:
        """Release what it holds."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """What somebody asks: about a clip's sound, or about a track of the catalogue.

    Attributes
    ----------
    options : ClipOptions
        What is asked for.
    data : bytes
        The encoded sound file; empty for a track.
    track_id : str or None
        The track.
    """

    options: ClipOptions
    data: bytes = b""
    track_id: str | None = None


@dataclass(eq=False)
class Ticket:
    """A question under way; touched by the event loop's thread alone.

    Attributes
    ----------
    name : str
        Nobody guesses it, so whoever has it may see the answer.
    stages : list of str
        Stages that are done, in order; a stage may come twice.
    answer : Answer or None
        Set at the end.
    done_s : float
        When that was.
    changed : asyncio.Event
        Set at each change, for whoever watches.
    """

    name: str
    stages: list[str] = field(default_factory=list)
    answer: Answer | None = None
    done_s: float = 0.0
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def tell(self) -> None:
        """Wake those that watch."""
        self.changed.set()
        self.changed = asyncio.Event()

    async def watch(self) -> AsyncIterator[tuple[int, Answer | None]]:
        """Follow the ticket.

        Yields
        ------
        tuple of (int, Answer or None)
            How many stages are done, and the answer at the end.
        """
        while True:
            # Whoever watches may take its time with what it is given: what comes meanwhile is the next turn's.
            changed, answer = self.changed, self.answer
            yield len(self.stages), answer
            if answer is not None:
                return
            await changed.wait()

    async def done(self) -> Answer:
        """Wait for the end.

        Returns
        -------
        Answer
            An answer, or a failure with its reason.
        """
        async for _, answer in self.watch():
            if answer is not None:
                return answer
        raise AssertionError("a ticket was watched to its end, and had none")


class Desk:
    """Takes questions, and answers them in turn in threads of its own; a context manager for one event loop.

    No question that was taken is lost: where it can't be answered, that is its answer.

    Parameters
    ----------
    answering : callable
        Makes what answers; called in the thread that then uses it.
    answerers : int
        How many threads there are.
    clock : Clock
        Time in seconds.
    max_clips : int
        Most that wait.
    max_bytes : int
        Most bytes that wait.
    keep_s : float
        How long an answer is kept.
    """

    def __init__(
        self,
        answering: Callable[[], Answering],
        *,
        answerers: int = 1,
        clock: Clock,
        max_clips: int,
        max_bytes: int,
        keep_s: float,
    ) -> None:
        self._answering = answering
        self._answerers = answerers
        self._clock = clock
        self._max_clips = max_clips
        self._max_bytes = max_bytes
        self._keep_s = keep_s
        self._clips = 0
        self._bytes = 0
        self._tickets: dict[str, Ticket] = {}
        self._questions: queue.SimpleQueue[tuple[Ticket, Question] | None] = queue.SimpleQueue()
        self._loop: asyncio.AbstractEventLoop | None = None

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator["Desk"]:
        """Answer until the block ends; what waits then is answered first.

        Yields
        ------
        Desk
            This one.
        """
        self._loop = asyncio.get_running_loop()
        threads = [
            threading.Thread(target=self._run, args=(self._loop,), name=f"clips {number}", daemon=True)
            for number in range(self._answerers)
        ]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            for _ in threads:
                self._questions.put(None)
            for thread in threads:
                await asyncio.to_thread(thread.join)

    @property
    def waiting(self) -> int:
        """How many questions have no answer yet."""
        return self._clips

    @contextlib.contextmanager
    def place(self, size: int) -> Iterator["Place"]:
        """Keep a place for a clip while it is read, so that more are never read than may wait.

        Parameters
        ----------
        size : int
            Bytes that it has at the most.

        Yields
        ------
        Place
            Takes the question; left without one, the place is free again.

        Raises
        ------
        TooBusyError
            No place is free.
        """
        if self._clips >= self._max_clips or (self._clips and self._bytes + size > self._max_bytes):
            raise TooBusyError(
                f"{self._clips} clips wait for their answers already",
                hint=f"try again in {_RETRY_AFTER_S} s",
                retry_after_s=_RETRY_AFTER_S,
            )
        self._clips += 1
        self._bytes += size
        place = Place(self, size)
        try:
            yield place
        finally:
            if not place.taken:
                self._free(size)

    def ticket(self, name: str) -> Ticket:
        """Look a ticket up.

        Parameters
        ----------
        name : str
            Its name.

        Returns
        -------
        Ticket
            Under way, or answered not long ago.

        Raises
        ------
        MissingError
            There is none.
        """
        self._forget_old()
        try:
            return self._tickets[name]
        except KeyError:
            raise MissingError(
                "there is no such ticket", hint=f"an answer is kept for {self._keep_s:.0f} s; ask again"
            ) from None

    def _take(self, question: Question, size: int) -> Ticket:
        self._forget_old()
        ticket = Ticket(name=secrets.token_urlsafe(18))
        self._tickets[ticket.name] = ticket
        # Its place was kept for what it might have; it waits with what it has.
        self._bytes += len(question.data) - size
        self._questions.put((ticket, question))
        return ticket

    def _free(self, size: int) -> None:
        self._clips -= 1
        self._bytes -= size

    def _forget_old(self) -> None:
        finished = [ticket for ticket in self._tickets.values() if ticket.answer is not None]
        finished.sort(key=lambda ticket: ticket.done_s)
        oldest_s = self._clock() - self._keep_s
        for number, ticket in enumerate(finished):
            if ticket.done_s < oldest_s or number < len(finished) - _MOST_FINISHED:
                del self._tickets[ticket.name]

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        answering: Answering | None = None
        while (waiting := self._questions.get()) is not None:
            ticket, question = waiting
            try:
                # Made anew after an error, which may have left it in doubt.
                answering = answering or self._answering()
                answer = _answered(answering, question, ticket, loop)
            except Exception as error:  # noqa: BLE001 - whatever it is, whoever asked is told
                answer = Answer(clip_id=f"/tunekin/web#{ticket.name}", status="failed", error=problem_of(error))
                with contextlib.suppress(Exception):
                    if answering is not None:
                        answering.close()
                answering = None
            loop.call_soon_threadsafe(self._finish, ticket, answer, len(question.data))
        if answering is not None:
            answering.close()

    def _finish(self, ticket: Ticket, answer: Answer, size: int) -> None:
        self._free(size)
        ticket.answer = answer
        ticket.done_s = self._clock()
        ticket.tell()


class Place:
    """A place at a desk; made by `Desk.place`.

    Parameters
    ----------
    desk : Desk
        Whose.
    size : int
        Bytes that are kept free.

    Attributes
    ----------
    taken : bool
        Whether a question has it.
    """

    def __init__(self, desk: Desk, size: int) -> None:
        self._desk = desk
        self._size = size
        self.taken = False

    def take(self, question: Question) -> Ticket:
        """Hand the question over.

        Parameters
        ----------
        question : Question
            What is asked.

        Returns
        -------
        Ticket
            To follow it by.
        """
        self.taken = True
        return self._desk._take(question, self._size)  # noqa: SLF001 - a part of the desk


def _answered(answering: Answering, question: Question, ticket: Ticket, loop: asyncio.AbstractEventLoop) -> Answer:
    def note(stage: str) -> None:
        ticket.stages.append(stage)
        ticket.tell()

    asked: dict[str, Any] = {
        "options": question.options,
        "name": ticket.name,
        "heard": lambda stage: loop.call_soon_threadsafe(note, stage),
    }
    if question.track_id is not None:
        return answering.answer_track(question.track_id, **asked)
    return answering.answer(question.data, **asked)
