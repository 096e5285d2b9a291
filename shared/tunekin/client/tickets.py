"""What a client is waiting for."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field

from tunekin.errors import DependencyError, OptionError
from tunekin.messages import Answer

__all__ = ["Result", "Ticket", "Tickets"]


@dataclass(frozen=True, kw_only=True)
class Ticket:
    """A clip or query that the brokers have acknowledged.

    Attributes
    ----------
    key : str
        Key of its record, and of its outcome's.
    published_ms : int
        When it was written, in milliseconds since 1970.
    attempt : int
        Least attempt whose outcome counts.
    """

    key: str
    published_ms: int
    attempt: int = 1


@dataclass(frozen=True, kw_only=True)
class Result:
    """A ticket and what came of it.

    Attributes
    ----------
    ticket : Ticket
        As `publish` gave it.
    answer : Answer
        Its status is ``answered``, or ``failed`` with an error.
    """

    ticket: Ticket
    answer: Answer


@dataclass(kw_only=True)
class _Open:
    """A ticket whose outcome nobody has taken yet."""

    attempt: int
    opened_s: float
    ticket: Ticket | None = None
    answer: "Future[Answer]" = field(default_factory=Future)


class Tickets:
    """Tickets whose outcomes have not been taken; safe to use from many threads.

    Parameters
    ----------
    max_in_flight : int
        Most that may be without an outcome.

    Raises
    ------
    OptionError
        There may be none.
    """

    def __init__(self, max_in_flight: int) -> None:
        if max_in_flight < 1:
            raise OptionError(f"max_in_flight is {max_in_flight}", hint="a count of at least 1")
        self._max_in_flight = max_in_flight
        self._changed = threading.Condition()
        self._open: dict[str, _Open] = {}
        self._unanswered = 0
        self._arrived: dict[str, None] = {}
        self._ended: Exception | None = None
        self._watchers: list[Callable[[], None]] = []

    def open(self, key: str, *, attempt: int, timeout_s: float | None) -> None:
        """Expect an outcome, once there is room for it.

        Parameters
        ----------
        key : str
            Key of the record.
        attempt : int
            Least attempt whose outcome counts.
        timeout_s : float or None
            Longest wait for room; for ever unless it is given.

        Raises
        ------
        OptionError
            The key is waited for already.
        DependencyError
            There was no room in time, or the client has ended.
        """
        with self._changed:
            has_room = self._changed.wait_for(
                lambda: self._ended is not None or self._unanswered < self._max_in_flight, timeout_s
            )
            self._check()
            if not has_room:
                raise DependencyError(
                    self._late(timeout_s),
                    hint="start more workers, publish more slowly, or raise max_in_flight",
                )
            if key in self._open:
                raise _in_use(key)
            self._open[key] = _Open(attempt=attempt, opened_s=time.time())
            self._unanswered += 1

    def withdraw(self, key: str) -> None:
        """Expect no outcome of a record that was not written.

        Parameters
        ----------
        key : str
            One that was opened, and not acknowledged.
        """
        with self._changed:
            self._drop(key)

    def acknowledge(self, ticket: Ticket) -> None:
        """Note that a record is written: from now on its ticket is known, and may be waited for.

        Parameters
        ----------
        ticket : Ticket
            Its key was opened.
        """
        with self._changed:
            one = self._open[ticket.key]
            one.ticket = ticket
            if one.answer.done():
                self._arrived[ticket.key] = None
            self._tell()

    def forget(self, ticket: Ticket) -> None:
        """Expect an outcome no longer; who waits for it is told.

        Parameters
        ----------
        ticket : Ticket
            One that is not open changes nothing, though another one of its key be open.
        """
        with self._changed:
            one = self._open.get(ticket.key)
            if one is None or one.ticket != ticket:
                return
            self._drop(ticket.key)
            if not one.answer.done():
                one.answer.set_exception(_unexpected(ticket))

    def expects(self, key: str) -> bool:
        """Say whether an outcome is wanted.

        Parameters
        ----------
        key : str
            Key of its record.

        Returns
        -------
        bool
            Whether a ticket of that key is without one.
        """
        with self._changed:
            one = self._open.get(key)
            return one is not None and not one.answer.done()

    def settle(self, answer: Answer) -> None:
        """Take an outcome in; the first of an attempt counts, and others' are passed over.

        Parameters
        ----------
        answer : Answer
            The outcome.
        """
        with self._changed:
            one = self._open.get(answer.key)
            if one is None or one.answer.done() or answer.attempt < one.attempt:
                return
            one.answer.set_result(answer)
            self._unanswered -= 1
            if one.ticket is not None:
                self._arrived[answer.key] = None
            self._tell()

    def future(self, ticket: Ticket) -> "Future[Answer]":
        """Find what will hold an outcome.

        Parameters
        ----------
        ticket : Ticket
            The ticket.

        Returns
        -------
        concurrent.futures.Future
            Of the outcome.

        Raises
        ------
        OptionError
            No outcome is expected for it.
        DependencyError
            The client has ended.
        """
        with self._changed:
            one = self._open.get(ticket.key)
            if one is None or one.ticket != ticket:
                self._check()
                raise _unexpected(ticket)
            return one.answer

    def claim(self, ticket: Ticket, outcome: "Future[Answer]") -> Answer:
        """Take an outcome that has come.

        Parameters
        ----------
        ticket : Ticket
            The ticket.
        outcome : concurrent.futures.Future
            What `future` gave for it, done.

        Returns
        -------
        Answer
            For this caller alone.

        Raises
        ------
        OptionError
            Somebody else was faster.
        """
        answer = outcome.result(0)
        with self._changed:
            one = self._open.get(ticket.key)
            if one is None or one.answer is not outcome:
                raise _unexpected(ticket)
            self._drop(ticket.key)
            return answer

    def wait(self, *, timeout_s: float | None) -> None:
        """Wait until `take` has something to say.

        Parameters
        ----------
        timeout_s : float or None
            Longest wait; for ever unless it is given.

        Raises
        ------
        DependencyError
            No outcome came in time.
        """
        with self._changed:
            has_come = self._changed.wait_for(
                lambda: self._arrived or not self._open or self._ended is not None, timeout_s
            )
            if not has_come:
                raise self.late(timeout_s)

    def take(self) -> Result | None:
        """Take the outcome that has waited longest.

        Returns
        -------
        Result or None
            None where none has come.

        Raises
        ------
        DependencyError
            The client has ended.
        """
        with self._changed:
            if not self._arrived:
                self._check()
                return None
            key = next(iter(self._arrived))
            one = self._open[key]
            assert one.ticket is not None  # noqa: S101 (only acknowledged ones arrive)
            result = Result(ticket=one.ticket, answer=one.answer.result(0))
            del self._arrived[key], self._open[key]
            return result

    def late(self, timeout_s: float | None) -> DependencyError:
        """Make the error for outcomes that did not come in time.

        Parameters
        ----------
        timeout_s : float or None
            How long was waited.

        Returns
        -------
        DependencyError
            With the number of those without an outcome.
        """
        return DependencyError(
            self._late(timeout_s), hint="they are answered once workers run; `tunekin status` shows what waits"
        )

    def __len__(self) -> int:
        """Count the tickets whose outcomes have not been taken."""
        return len(self._open)

    @contextlib.contextmanager
    def watched(self, tell: Callable[[], None]) -> Iterator[None]:
        """Have every change told.

        Parameters
        ----------
        tell : callable
            Called with a lock held, from any thread; must return at once.

        Yields
        ------
        None
            While changes are told.
        """
        with self._changed:
            self._watchers.append(tell)
        try:
            yield
        finally:
            with self._changed:
                self._watchers.remove(tell)

    def oldest_s(self) -> float | None:
        """Say since when the oldest ticket without an outcome has been open.

        Returns
        -------
        float or None
            In seconds since 1970; None where there is none.
        """
        with self._changed:
            return min((one.opened_s for one in self._open.values() if not one.answer.done()), default=None)

    def reopen(self, ticket: Ticket) -> None:
        """Expect the outcome of a ticket of before.

        Parameters
        ----------
        ticket : Ticket
            The ticket; one that is open already stays so.

        Raises
        ------
        OptionError
            Another ticket of its key is waited for.
        DependencyError
            The client has ended.
        """
        with self._changed:
            self._check()
            one = self._open.get(ticket.key)
            if one is None:
                opened_s = ticket.published_ms / 1000
                self._open[ticket.key] = _Open(attempt=ticket.attempt, opened_s=opened_s, ticket=ticket)
                self._unanswered += 1
            elif one.ticket != ticket:
                raise _in_use(ticket.key)

    def end(self, error: Exception) -> None:
        """Let nobody wait any longer.

        Parameters
        ----------
        error : Exception
            Why.
        """
        with self._changed:
            self._ended = self._ended or error
            for one in self._open.values():
                if not one.answer.done():
                    one.answer.set_exception(error)
            self._tell()

    def _late(self, timeout_s: float | None) -> str:
        count = self._unanswered
        return f"{count} {'clip is' if count == 1 else 'clips are'} without an outcome after {timeout_s:g} s"

    def _drop(self, key: str) -> None:
        """Forget an open ticket; call with the lock held."""
        one = self._open.pop(key)
        self._unanswered -= not one.answer.done()
        self._arrived.pop(key, None)
        self._tell()

    def _tell(self) -> None:
        self._changed.notify_all()
        for tell in self._watchers:
            tell()

    def _check(self) -> None:
        if self._ended is not None:
            raise self._ended


def _in_use(key: str) -> OptionError:
    return OptionError(
        f"the key {key!r} is waited for already", hint="give each clip a key of its own, or forget the ticket before"
    )


def _unexpected(ticket: Ticket) -> OptionError:
    return OptionError(
        f"no outcome is expected for the key {ticket.key!r}",
        hint="each is given once, by wait or by results, and none for what was not followed or was forgotten",
    )
