"""A client for threads."""

import os
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import structlog

from tunekin import codec
from tunekin.client.tickets import Result, Ticket, Tickets
from tunekin.errors import DependencyError, InputError, OptionError, SettingsError, TunekinError
from tunekin.messages import Answer, ClipOptions, ClipSubject, ClipSubmitted, Trace, TrackQuery
from tunekin.ports import BlobStore, Bus, Consumer, Producer, Record
from tunekin.topics import INLINE_LIMIT_BYTES

__all__ = ["Client"]

_POLL_S = 0.5
_RECORDS = 100
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 10.0
# Clocks of publishers, brokers and workers are no further apart; what is read twice counts once.
_SKEW_S = 300.0


class Client:
    """Publishes clips and hands out what comes of them; safe to use from many threads, but not across a fork.

    Parameters
    ----------
    bus : Bus
        Where the topics are.
    blobs : BlobStore, optional
        Where sound of more than 2 MiB goes; by default it is refused.
    source : str
        Who publishes, as a URI; with a key it is the clip's name.
    max_in_flight : int
        Most clips without an outcome; with as many, `publish` waits.
    retries : int
        How often a record that was not acknowledged is sent again.

    Raises
    ------
    OptionError
        `max_in_flight` is below 1, or `retries` negative.
    DependencyError
        No broker answers.

    Attributes
    ----------
    tickets : Tickets
        Those whose outcomes have not been handed out.
    """

    def __init__(
        self,
        bus: Bus,
        *,
        blobs: BlobStore | None = None,
        source: str = "/tunekin/client",
        max_in_flight: int = 1000,
        retries: int = 3,
    ) -> None:
        if retries < 0:
            raise OptionError(f"retries is {retries}", hint="0 or more")
        self._bus = bus
        self._blobs = blobs
        self._source = source
        self._retries = retries
        self.tickets = Tickets(max_in_flight)
        self._log: structlog.typing.FilteringBoundLogger = structlog.get_logger()
        # From the present on, so before anything is published.
        consumer = self._listening()
        try:
            self._producer: Producer | None = bus.producer()
        except BaseException:
            self._end(consumer)
            raise
        # Held while the producer is looked up or replaced.
        self._connecting = threading.Lock()
        self._closing = threading.Event()
        self._looks_back = threading.Event()
        # The consumer is the thread's from now on: no other may touch it.
        self._listener = threading.Thread(target=self._listen, args=(consumer,), name="tunekin client", daemon=True)
        self._listener.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def publish(
        self,
        clip: bytes | os.PathLike[str],
        *,
        options: ClipOptions | None = None,
        key: str | None = None,
        attempt: int = 1,
        follow: bool = True,
        timeout_s: float | None = None,
    ) -> Ticket:
        """Publish a clip, and wait until the brokers have acknowledged it.

        Parameters
        ----------
        clip : bytes or path-like
            A sound file, or where it lies.
        options : ClipOptions, optional
            What is asked for.
        key : str, optional
            Name under which the outcome comes back; a new one by default.
        attempt : int
            1, and more for a clip that is published again under its key: of its outcomes that of the highest attempt
            stands.
        follow : bool
            Whether the outcome is wanted; otherwise the ticket can't be waited for.
        timeout_s : float, optional
            Longest wait while `max_in_flight` clips are without an outcome; for ever by default.

        Returns
        -------
        Ticket
            What to `wait` for; it may be kept, and taken up again by `resume`.

        Raises
        ------
        OptionError
            The file can't be read, the key is empty or in use, the attempt is below 1, or the sound needs a blob store.
        DependencyError
            No broker acknowledged it, or there was no room in time.
        """
        data = clip if isinstance(clip, bytes) else _read(Path(clip))
        subject = self._subject(key, options=options, attempt=attempt)
        message = ClipSubmitted(subject=subject, data=data, trace=_now())
        return self._publish(message, follow=follow, timeout_s=timeout_s)

    def publish_query(
        self,
        track_id: str,
        *,
        options: ClipOptions | None = None,
        key: str | None = None,
        follow: bool = True,
        timeout_s: float | None = None,
    ) -> Ticket:
        """Ask for songs like a song of the catalogue, as `publish` does with a clip.

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

        Raises
        ------
        OptionError
            The key is empty or in use.
        DependencyError
            No broker acknowledged it, or there was no room in time.
        """
        subject = self._subject(key, options=options, attempt=1)
        message = TrackQuery(subject=subject, track_id=track_id, trace=_now())
        return self._publish(message, follow=follow, timeout_s=timeout_s)

    def wait(self, ticket: Ticket, *, timeout_s: float | None = None) -> Answer:
        """Wait for the outcome of a ticket; each is handed out once.

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
        OptionError
            No outcome is expected for the ticket, or it was handed out.
        DependencyError
            None came in time (the ticket stays open), or the client has ended.
        """
        outcome = self.tickets.future(ticket)
        try:
            outcome.result(timeout_s)
        except TimeoutError:
            raise self.tickets.late(timeout_s) from None
        return self.tickets.claim(ticket, outcome)

    def results(self, *, timeout_s: float | None = None) -> Iterator[Result]:
        """Hand out outcomes as they come, until none is expected any more.

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
        while True:
            self.tickets.wait(timeout_s=timeout_s)
            # Another thread may have been faster.
            if (result := self.tickets.take()) is not None:
                yield result
            elif not self.tickets:
                return

    def forget(self, ticket: Ticket) -> None:
        """Expect the outcome of a ticket no longer, which makes room for another; who waits for it is told.

        Parameters
        ----------
        ticket : Ticket
            The ticket; one that is not open changes nothing.
        """
        self.tickets.forget(ticket)

    def resume(self, ticket: Ticket) -> None:
        """Expect the outcome of a ticket that another client, perhaps before a crash, got.

        Parameters
        ----------
        ticket : Ticket
            The ticket; outcomes are kept for 7 days.

        Raises
        ------
        OptionError
            Another ticket of its key is waited for.
        DependencyError
            The client has ended.
        """
        self.tickets.reopen(ticket)
        self._looks_back.set()

    def close(self) -> None:
        """Give up what is open, and release the connections."""
        self._closing.set()
        self.tickets.end(_closed())
        self._listener.join()
        with self._connecting:
            producer, self._producer = self._producer, None
        if producer is not None:
            self._end(producer)

    def _subject(self, key: str | None, *, options: ClipOptions | None, attempt: int) -> ClipSubject:
        if key == "":
            raise OptionError("the key is empty", hint="leave it out for a new one")
        if attempt < 1:
            raise OptionError(f"attempt is {attempt}", hint="1, and more for a clip that is published again")
        key = str(uuid.uuid4()) if key is None else key
        return ClipSubject(clip_id=f"{self._source}#{key}", key=key, options=options or ClipOptions(), attempt=attempt)

    def _publish(self, message: ClipSubmitted | TrackQuery, *, follow: bool, timeout_s: float | None) -> Ticket:
        if not follow:
            return self._written(message)
        key = message.subject.key
        self.tickets.open(key, attempt=message.subject.attempt, timeout_s=timeout_s)
        try:
            ticket = self._written(message)
        except BaseException:
            self.tickets.withdraw(key)
            raise
        self.tickets.acknowledge(ticket)
        return ticket

    def _written(self, message: ClipSubmitted | TrackQuery) -> Ticket:
        placed = self._deliver(self._record(message))
        return Ticket(key=message.subject.key, published_ms=placed.timestamp_ms, attempt=message.subject.attempt)

    def _record(self, message: ClipSubmitted | TrackQuery) -> Record:
        record = codec.encode(message)
        size = len(record.value or b"")
        if record.value is None or size <= INLINE_LIMIT_BYTES:
            return record
        if self._blobs is None:
            raise OptionError(
                f"the sound has {size} bytes, more than the {INLINE_LIMIT_BYTES} that a record takes",
                hint="give the client a blob store, or cut out the part that is meant",
            )
        return codec.with_claim(record, self._blobs.put(record.value))

    def _deliver(self, record: Record) -> Record:
        """Send a record until it is acknowledged: under one key, so that of two that arrive one counts."""
        for left in range(self._retries, -1, -1):
            try:
                return self._send(record)
            except DependencyError as error:
                if not left or self._closing.is_set():
                    raise
                self._log.warning("client.sends_again", key=(record.key or b"").decode(), error=error.message)
        raise AssertionError  # pragma: no cover

    def _send(self, record: Record) -> Record:
        producer = self._connected()
        try:
            return producer.send(record).result()
        except DependencyError:
            self._drop(producer)
            raise

    def _connected(self) -> Producer:
        """Find the producer, or make one where the last has failed."""
        with self._connecting:
            if self._closing.is_set():
                raise _closed()
            if self._producer is None:
                self._producer = self._bus.producer()
            return self._producer

    def _drop(self, producer: Producer) -> None:
        """Use a producer no longer: one that has failed is in doubt."""
        with self._connecting:
            if self._producer is not producer:
                return
            self._producer = None
        # Without the lock, since what others have under way is waited for.
        self._end(producer)

    def _listening(self) -> Consumer:
        return self._bus.consumer(["recommendations"], group=None)

    def _listen(self, consumer: Consumer) -> None:
        try:
            self._follow(consumer)
        except Exception as error:  # noqa: BLE001 (whoever waits is told)
            self._log.exception("client.ended")
            ended = DependencyError(f"the client has ended: {error!r}", hint="make another; this is a defect")
            ended.__cause__ = error
            self.tickets.end(ended)

    def _follow(self, consumer: Consumer | None) -> None:
        """Take outcomes in until the client is closed, by one connection after another."""
        pause_s = _FIRST_PAUSE_S
        while not self._closing.is_set():
            try:
                consumer = consumer or self._listening()
                if self._looks_back.is_set():
                    self._looks_back.clear()
                    self._look_back(consumer)
                for record in consumer.poll(timeout_s=_POLL_S, max_records=_RECORDS):
                    self._take(record)
                pause_s = _FIRST_PAUSE_S
            except (DependencyError, SettingsError) as error:
                # A broker that is not up yet may look like one that refuses, and rights may be on their way.
                self._log.warning("client.listens_again", error=error.message)
                if consumer is not None:
                    self._end(consumer)
                consumer = None
                # What comes meanwhile would be missed.
                self._looks_back.set()
                self._closing.wait(pause_s)
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
        if consumer is not None:
            self._end(consumer)

    def _look_back(self, consumer: Consumer) -> None:
        oldest_s = self.tickets.oldest_s()
        if oldest_s is not None:
            consumer.rewind_to(max(0, round((oldest_s - _SKEW_S) * 1000)))

    def _take(self, record: Record) -> None:
        # Most are others', and need not be read.
        if not self.tickets.expects((record.key or b"").decode(errors="replace")):
            return
        try:
            answer = codec.decode(record)
        except InputError as error:
            # No worker's: the topic is open to all.
            self._log.warning(
                "client.unreadable", error=error.message, partition=record.partition, offset=record.offset
            )
            return
        if isinstance(answer, Answer):
            self.tickets.settle(answer)

    def _end(self, connection: Consumer | Producer) -> None:
        try:
            connection.close()
        except TunekinError as error:
            self._log.warning("client.closes", error=error.message)


def _closed() -> DependencyError:
    return DependencyError("the client was closed", hint="wait for outcomes before closing it")


def _now() -> Trace:
    return Trace(published_ms=time.time() * 1000)


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise OptionError(
            f"can't read {file}: {error.strerror}", hint="a sound file that this user may read"
        ) from error
