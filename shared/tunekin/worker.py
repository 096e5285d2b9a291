"""The one worker loop: poll, handle, send, flush, check every delivery, commit.

Every record ends in one of three ways:

- *done*: what its handler returned is delivered;
- *failed*: it can never work. Its publisher gets a failure as the outcome, the operator a dead letter;
- *deferred*: a dependency is down or the record needs a newer worker. Its partition is rewound and pauses; polling goes
  on, and nothing becomes a dead letter.

Only then is it committed. Delivery is at least once: after a crash between sending and committing, the same outputs are
sent again under the same keys. Whatever leaves a client in doubt propagates and ends the process; its supervisor
starts it anew.

Where a service gathers, records wait for those that belong to them, and only what precedes the first one that waits is
committed (see `tunekin.gathering`). Where it batches, records that follow one another are handled at once (see
`tunekin.batching`); if that can't work, each is tried by itself, so that what is wrong with one fails it alone.

A record may kill its worker. Those that a dead worker may have left half done are the first of each partition, so they
are taken one at a time, each counted before it is begun. A record that was begun three times and never ended is a
failure like any other.
"""

import contextlib
import math
import threading
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import msgspec
import structlog

from tunekin import codec
from tunekin.batching import Batching, Item, portions
from tunekin.dead_letters import bury, is_replay
from tunekin.errors import MessageError, TunekinError, UnsupportedVersionError, WorkerKilledError
from tunekin.gathering import Gathered, Group
from tunekin.messages import (
    Answer,
    CatalogueChange,
    Message,
    Partial,
    StageTime,
    Subject,
    Trace,
    TrackOutcome,
)
from tunekin.metrics import WorkerMetrics
from tunekin.outcomes import failure, problem_of
from tunekin.ports import BlobStore, ClaimCheck, Clock, Consumer, Producer, Record
from tunekin.service import Follower, Service
from tunekin.topics import INLINE_LIMIT_BYTES, TOPICS, lane_of
from tunekin.tracing import NO_TRACER, Span, Tracer, during

__all__ = ["Backoff", "Worker"]

# How long `Worker.run` waits in one poll; bounds the time to notice a stop.
_POLL_S = 0.2
# Once may be chance, such as an operator's kill or another process that takes all memory; three times are not.
_MOST_BEGINNINGS = 3
# How often it is told how far the worker is behind.
_TELL_LAG_S = 1.0
# Values behind claim checks of our own, such as the sound of a whole song: an hour of PCM has 159 MB.
_OWN_BLOB_LIMIT_BYTES = 512 * 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Backoff:
    """How long a partition pauses after the n-th deferral in a row.

    Attributes
    ----------
    first_s : float
        Pause after the first deferral.
    factor : float
        Each further pause is longer by this.
    most_s : float
        Longest pause.

    Examples
    --------
    >>> [Backoff().pause_s(n) for n in (1, 2, 3, 10)]
    [0.5, 1.0, 2.0, 10.0]
    """

    first_s: float = 0.5
    factor: float = 2.0
    # Whoever waits for an answer should not wait long for a server that is back already.
    most_s: float = 10.0

    def pause_s(self, deferrals: int) -> float:
        """Pause after so many deferrals in a row.

        Parameters
        ----------
        deferrals : int
            1 and up.

        Returns
        -------
        float
            Seconds.
        """
        # The exponent is bounded, so that a long outage overflows nothing.
        return min(self.first_s * self.factor ** min(deferrals - 1, 32), self.most_s)


@dataclass
class _Deferral:
    """A partition that pauses."""

    count: int
    until_s: float
    reason: str


@dataclass
class _Batch:
    """What one pass over polled records has to deliver, and the partitions whose next record waits."""

    outputs: list[Record] = field(default_factory=list)
    spent: list[ClaimCheck] = field(default_factory=list)
    handled: int = 0
    waiting: set[tuple[str, int]] = field(default_factory=set)
    # Partitions whose groups need a dependency that is down; asking once in a pass is enough.
    down: set[tuple[str, int]] = field(default_factory=set)


class Worker:
    """Runs a service on a consumer and a producer.

    One thread calls `step` or `run`; it alone touches the clients.

    Parameters
    ----------
    service : Service
        Role, topics and handler.
    consumer : Consumer
        Subscribed to the service's topics.
    producer : Producer
        Where outputs go.
    blobs : BlobStore
        For values too large for a record.
    metrics : WorkerMetrics
        Counters of the process.
    clock : Clock
        Time of day in seconds.
    group : str
        Name of the group whose lag it tells; the role unless it is given.
    followers : sequence of (Follower, Consumer)
        Topics that this worker sees in full besides.
    fetch_limit_bytes : int
        Most that is fetched for a published ``ce_dataref``.
    max_records : int
        Most records in one pass: what is repeated after a crash.
    backoff : Backoff
        Pauses while a dependency is down.
    tracer : Tracer
        Told of the work on every record.
    """

    def __init__(
        self,
        service: Service,
        *,
        consumer: Consumer,
        producer: Producer,
        blobs: BlobStore,
        metrics: WorkerMetrics,
        clock: Clock,
        group: str = "",
        followers: Sequence[tuple[Follower, Consumer]] = (),
        fetch_limit_bytes: int = INLINE_LIMIT_BYTES,
        max_records: int = 16,
        backoff: Backoff = Backoff(),
        tracer: Tracer = NO_TRACER,
    ) -> None:
        self._service = service
        self._consumer = consumer
        self._producer = producer
        self._blobs = blobs
        self._metrics = metrics
        self._clock = clock
        self._group = group or service.role
        self._followers = followers
        self._fetch_limit_bytes = fetch_limit_bytes
        self._max_records = max_records
        self._backoff = backoff
        self._tracer = tracer
        self._gathered = None if service.gathering is None else Gathered(service.gathering)
        self._deferred: dict[tuple[str, int], _Deferral] = {}
        # How many more records of a partition may have been in the hands of a worker that died.
        self._suspects: dict[tuple[str, int], int] = {}
        self._pass_began_s: float | None = None
        self._told_lag_s = -math.inf
        self._log: structlog.typing.FilteringBoundLogger = structlog.get_logger(role=service.role)
        metrics.expect(service.role, service.topics)
        metrics.ready.labels(role=service.role).set(1)

    @property
    def deferred(self) -> frozenset[tuple[str, int]]:
        """Partitions, as (topic, number), that wait for a dependency or an upgrade."""
        return frozenset(self._deferred)

    @property
    def waiting(self) -> dict[tuple[str, int], str]:
        """Why each partition that waits does so; another thread may ask."""
        return {place: deferral.reason for place, deferral in self._deferred.copy().items()}

    @property
    def pass_s(self) -> float:
        """Seconds that the pass under way has taken, 0 between passes; another thread may ask."""
        began_s = self._pass_began_s
        return 0.0 if began_s is None else max(self._clock() - began_s, 0.0)

    def run(self, stop: threading.Event) -> None:
        """Work until told to stop, then leave the group.

        Parameters
        ----------
        stop : threading.Event
            Set by whoever wants the worker to end; the pass under way is finished first.
        """
        try:
            while not stop.is_set():
                self.step(timeout_s=_POLL_S)
        finally:
            self.close()

    def close(self) -> None:
        """Leave the groups and release the clients."""
        for _, consumer in self._followers:
            consumer.close()
        self._consumer.close()
        self._producer.close()

    def step(self, *, timeout_s: float) -> int:
        """Make one pass.

        1. Resume the partitions whose pause is over.
        2. Apply what the followed topics bring.
        3. Poll.
        4. Handle each record, several at once where the service batches, or each group that is complete or has waited
           long enough; defer the rest of a partition whose record has to wait, and hold a group that has to. A record
           that may have killed its worker is counted first and has a pass of its own, so that no other is counted with
           it.
        5. Send what came of them, flush, and check every delivery.
        6. Commit.
        7. Delete the blobs that nobody needs any more.

        Parameters
        ----------
        timeout_s : float
            Longest wait for a record.

        Returns
        -------
        int
            Records that are done or failed; 0 where none came or all had to wait.
        """
        self._pass_began_s = self._clock()
        try:
            return self._pass(timeout_s)
        finally:
            self._pass_began_s = None

    def _pass(self, timeout_s: float) -> int:
        # Step 1
        self._resume()
        # Step 2
        self._follow()
        # Step 3
        records = self._consumer.poll(timeout_s=timeout_s, max_records=self._max_records)
        self._tell_lag(records)
        # Step 4
        batch = self._handle_all(records) if self._gathered is None else self._gather_all(records, self._gathered)
        if not records and not batch.handled:
            return 0
        # Step 5
        self._deliver(batch)
        # Step 6
        self._consumer.commit(() if self._gathered is None else self._gathered.held())
        # Step 7
        for claim in batch.spent:
            self._blobs.delete(claim)
        return batch.handled

    def _resume(self) -> None:
        now_s = self._clock()
        over = {place: now_s - deferral.until_s for place, deferral in self._deferred.items()}
        over = {place: overdue_s for place, overdue_s in over.items() if overdue_s >= 0}
        if over:
            self._consumer.resume(list(over))
        for place, overdue_s in over.items():
            # Its record would have come again: another worker has the partition now.
            if overdue_s > self._backoff.most_s:
                del self._deferred[place]
                self._tell_ready()

    def _follow(self) -> None:
        for follower, consumer in self._followers:
            for record in consumer.poll(timeout_s=0, max_records=self._max_records):
                try:
                    follower.apply(codec.decode(record))
                except MessageError as error:
                    self._log.warning("record.unreadable", topic=record.topic, error=error.message)
                except TunekinError as error:
                    if not error.retriable:
                        raise
                    # The next change is read in its place anyway: what follows is read from the catalogue.
                    consumer.rewind(record)
                    self._log.warning("follower.deferred", topic=record.topic, error=error.message)
                    break

    def _handle_all(self, records: Iterable[Record]) -> _Batch:
        batch = _Batch()
        chosen = self._in_turn(records)
        # One that may have killed its worker, which has a pass of its own, is counted before it is so much as read.
        batching = self._service.batching if len(chosen) > 1 else None
        items = (self._item(record, batching, batch.waiting) for record in chosen)
        for portion in portions(items):
            todo = [item for item in portion if _place(item.record) not in batch.waiting]
            with contextlib.ExitStack() as ending:
                spans = [ending.enter_context(during(self._tracer.processing([item.record]))) for item in todo]
                if batching is not None and len(todo) > 1 and self._handle_at_once(batching, todo, spans, batch):
                    continue
                for item, span in zip(todo, spans, strict=True):
                    self._handle_alone(item.record, span, batch)
        self._tell_ready()
        return batch

    def _in_turn(self, records: Iterable[Record]) -> list[Record]:
        """Choose the records of this pass; the others come again in the next one."""
        chosen: list[Record] = []
        rewound: set[tuple[str, int]] = set()
        alone = False
        for record in records:
            place = _place(record)
            if place in rewound:
                continue
            suspect = self._suspects.setdefault(place, self._max_records) > 0
            if chosen and (alone or suspect):
                self._consumer.rewind(record)
                rewound.add(place)
                continue
            alone = suspect
            chosen.append(record)
        return chosen

    def _item(self, record: Record, batching: Batching | None, waiting: Collection[tuple[str, int]]) -> Item:
        """Read a record that may be handled with others; what is wrong with one is told when it is handled alone."""
        if batching is None or _place(record) in waiting:
            return Item(record=record)
        try:
            item = self._read(record)
            return replace(item, key=batching.key(item.message))
        except Exception:  # noqa: BLE001 -- whatever it is, it comes again
            return Item(record=record)

    def _handle_at_once(
        self, batching: Batching, portion: Sequence[Item], spans: Sequence[Span], batch: _Batch
    ) -> bool:
        """Add to a batch what follows from several records; say whether that settles what becomes of them."""
        started_s = self._clock()
        try:
            results = [list(outputs) for outputs in batching.handle([item.message for item in portion])]
        except Exception as error:  # noqa: BLE001 -- each record of it is tried by itself, and tells
            if not (isinstance(error, TunekinError) and error.retriable):
                self._log.warning("batch.failed", records=len(portion), error=problem_of(error).message)
                return False
            for item, span in zip(portion, spans, strict=True):
                self._postpone(item.record, error, span, batch)
            return True
        for item, outputs, span in zip(portion, results, spans, strict=True):
            # Another of its partition may have to wait by now.
            if _place(item.record) in batch.waiting:
                continue
            if is_replay(item.record):
                self._again("replay")
            trace = self._traced(item.record, item.message, started_s, among=len(portion))
            with self._postponing(item.record, span, batch):
                self._succeed(item, outputs, span, batch, trace=trace)
        return True

    def _handle_alone(self, record: Record, span: Span, batch: _Batch) -> None:
        """Add to a batch what follows from a record."""
        if _place(record) in batch.waiting:
            return
        begun = self._consumer.begin(record) if self._suspects[_place(record)] > 0 else 1
        if begun > 1:
            self._again("crash")
        with self._postponing(record, span, batch):
            if begun > _MOST_BEGINNINGS:
                self._conclude(record, self._give_up(record, span), batch)
            else:
                self._handle(record, span, batch)

    @contextlib.contextmanager
    def _postponing(self, record: Record, span: Span, batch: _Batch) -> Iterator[None]:
        """Have a record wait where something that it needs is not there."""
        try:
            yield
        except TunekinError as error:
            if not error.retriable:
                raise
            self._postpone(record, error, span, batch)

    def _postpone(self, record: Record, error: TunekinError, span: Span, batch: _Batch) -> None:
        """Have a record wait, and with it what follows it in its partition."""
        span.fail(error.code, error)
        if _place(record) not in batch.waiting:
            batch.waiting.add(_place(record))
            self._defer(record, error)

    def _succeed(self, item: Item, outputs: Sequence[Message], span: Span, batch: _Batch, *, trace: Trace) -> None:
        """Add to a batch what follows from a record that is done; raise only what is retriable."""
        self._conclude(item.record, self._told(outputs, trace, item.record, span), batch)
        self._count(item.record, "done")
        if item.claim is not None:
            batch.spent.append(item.claim)

    def _conclude(self, record: Record, outputs: Sequence[Record], batch: _Batch) -> None:
        """Add to a batch what follows from a record, which ends by that."""
        batch.outputs.extend(outputs)
        batch.handled += 1
        self._deferred.pop(_place(record), None)
        self._suspects[_place(record)] = max(self._suspects[_place(record)] - 1, 0)

    def _gather_all(self, records: Iterable[Record], gathered: Gathered) -> _Batch:
        """Gather records and handle groups; what only joins others kills no worker, so none is counted."""
        batch = _Batch()
        gathered.keep(self._consumer.owned())
        for record in records:
            if _place(record) in batch.waiting:
                continue
            message: Message | None = None
            try:
                message = codec.decode(record)
            except UnsupportedVersionError as error:
                batch.waiting.add(_place(record))
                self._defer(record, error)
                continue
            except MessageError as error:
                with during(self._tracer.processing([record])) as span:
                    batch.outputs.extend(self._fail(record, None, error, span, started_s=self._clock()))
                batch.handled += 1
            if not gathered.were_given_back(_place(record)):
                self._deferred.pop(_place(record), None)
            if message is None:
                continue
            if gathered.is_done(message):
                self._count(record, "late")
            elif group := gathered.add(record, message, now_s=self._clock()):
                self._handle_group(group, batch, gathered)
        for group in gathered.due(self._clock()):
            self._handle_group(group, batch, gathered)
        self._tell_ready()
        return batch

    def _handle_group(self, group: Group, batch: _Batch, gathered: Gathered) -> None:
        """Add to a batch what follows from a group, or give it back until its partition's pause is over."""
        place = group.place
        if place not in batch.down:
            try:
                with during(self._tracer.processing(group.records)) as span:
                    batch.outputs.extend(self._outputs_of(group, span))
            except TunekinError as error:
                batch.down.add(place)
                self._pause(group.records[-1], error)
        if place in batch.down:
            gathered.give_back(group, due_s=self._deferred[place].until_s)
            return
        batch.handled += len(group.records)
        if not gathered.were_given_back(place):
            self._deferred.pop(place, None)

    def _outputs_of(self, group: Group, span: Span) -> Iterator[Record]:
        started_s = self._clock()
        try:
            outputs = list(self._service.handle(tuple(group.messages)))
        except Exception as error:
            if isinstance(error, TunekinError) and error.retriable:
                raise
            # Each is the operator's to replay; of equal outcomes the first stands.
            for record, message in zip(group.records, group.messages, strict=True):
                yield from self._fail(record, message, error, span, started_s=started_s)
            return
        for record in group.records:
            self._count(record, "done")
        # The one that came last is what all others waited for.
        last = group.records[-1]
        yield from self._told(outputs, self._traced(last, group.messages[-1], started_s), last, span)

    def _tell_lag(self, in_hand: Sequence[Record]) -> None:
        """Say how far the worker is behind, those that it has in its hands included, as the brokers count."""
        now_s = self._clock()
        if now_s - self._told_lag_s < _TELL_LAG_S:
            return
        self._told_lag_s = now_s
        held = Counter(record.topic for record in in_hand)
        behind = self._consumer.behind()
        for topic in self._service.topics:
            self._metrics.lag.labels(group=self._group, topic=topic).set(behind.get(topic, 0) + held[topic])

    def _tell_ready(self) -> None:
        self._metrics.ready.labels(role=self._service.role).set(0 if self._deferred else 1)

    def _deliver(self, batch: _Batch) -> None:
        deliveries = [self._producer.send(output) for output in batch.outputs]
        self._producer.flush()
        for delivery in deliveries:
            delivery.result(0)

    def _handle(self, record: Record, span: Span, batch: _Batch) -> None:
        """Add to a batch what follows from a record; raise only what is retriable."""
        item = Item(record=record)
        started_s = self._clock()
        if is_replay(record):
            self._again("replay")
        try:
            item = self._read(record)
            outputs = list(self._service.handle(item.message))
        except Exception as error:
            if isinstance(error, TunekinError) and error.retriable:
                raise
            self._conclude(record, self._fail(record, item.message, error, span, started_s=started_s), batch)
            return
        self._succeed(item, outputs, span, batch, trace=self._traced(record, item.message, started_s))

    def _read(self, record: Record) -> Item:
        claim = codec.claim_of(record)
        if claim is None:
            return Item(record=record, message=codec.decode(record))
        own = not TOPICS[record.topic].public
        limit = _OWN_BLOB_LIMIT_BYTES if own else self._fetch_limit_bytes
        value = self._blobs.get(claim, max_bytes=limit)
        return Item(record=record, message=codec.decode(codec.with_value(record, value)), claim=claim)

    def _give_up(self, record: Record, span: Span) -> list[Record]:
        error = WorkerKilledError(
            f"the worker died {_MOST_BEGINNINGS} times while it worked on this record",
            hint="the operator finds the record among the dead letters, and the cause in the system's log",
        )
        return self._fail(record, None, error, span, started_s=self._clock())

    def _fail(
        self, record: Record, message: Message | None, error: Exception, span: Span, *, started_s: float
    ) -> list[Record]:
        problem = problem_of(error)
        span.fail(problem.code, error)
        subject: Subject | None = getattr(message, "subject", None) or codec.subject_of(record)
        self._count(record, "failed")
        self._metrics.failures.labels(role=self._service.role, lane=lane_of(record.topic), code=problem.code).inc()
        is_defect = not isinstance(error, TunekinError)
        self._log.warning(
            "record.failed",
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            code=problem.code,
            error=problem.message,
            exc_info=error if is_defect else None,
        )
        letter = bury(
            record,
            problem,
            stage=self._service.role,
            attempt=1 if subject is None else subject.attempt,
            failed_ms=self._clock() * 1000,
        )
        if subject is None:
            return [letter]
        trace = self._traced(record, message, started_s)
        return [*self._told([failure(subject, problem)], trace, record, span), letter]

    def _defer(self, record: Record, error: TunekinError) -> None:
        """Have a record come again after a pause."""
        self._consumer.rewind(record)
        self._pause(record, error)

    def _pause(self, record: Record, error: TunekinError) -> None:
        place = _place(record)
        count = self._deferred[place].count + 1 if place in self._deferred else 1
        pause_s = self._backoff.pause_s(count)
        self._deferred[place] = _Deferral(count, self._clock() + pause_s, error.message)
        self._consumer.pause([place])
        self._count(record, "deferred")
        self._again("upgrade" if isinstance(error, UnsupportedVersionError) else "dependency")
        self._log.warning(
            "record.deferred", topic=record.topic, offset=record.offset, error=error.message, pause_s=pause_s
        )

    def _claim_checked(self, record: Record) -> Record:
        if record.value is None or len(record.value) <= INLINE_LIMIT_BYTES or record.topic not in _WITH_CLAIMS:
            return record
        return codec.with_claim(record, self._blobs.put(record.value))

    def _traced(self, record: Record, message: Message | None, started_s: float, *, among: int = 1) -> Trace:
        """Add a record's share of the work to the way that it has come, and count it."""
        took_s = (self._clock() - started_s) / among
        lane = lane_of(record.topic)
        self._metrics.stage_s.labels(role=self._service.role, lane=lane).observe(max(took_s, 0.0))
        before: Trace = getattr(message, "trace", None) or Trace(published_ms=started_s * 1000)
        stage = StageTime(stage=self._service.role, started_ms=started_s * 1000, took_ms=took_s * 1000)
        return msgspec.structs.replace(before, stages=(*before.stages, stage))

    def _told(self, outputs: Sequence[Message], trace: Trace, record: Record, span: Span) -> list[Record]:
        """Give messages the way that they have come, write them, and count the outcomes among them."""
        written = [self._claim_checked(codec.encode(_stamped(output, trace))) for output in outputs]
        for output in outputs:
            match output:
                case Answer() | TrackOutcome():
                    lane = lane_of(record.topic)
                    took_s = self._clock() - trace.published_ms / 1000
                    self._metrics.outcomes.labels(role=self._service.role, lane=lane, status=output.status).inc()
                    self._metrics.outcome_s.labels(lane=lane).observe(max(took_s, 0.0))
                case CatalogueChange():
                    self._metrics.catalogue_version.set(output.catalogue_version)
                case _:
                    pass
        return [codec.with_traceparent(one, span.traceparent) for one in written]

    def _again(self, reason: str) -> None:
        self._metrics.retries.labels(role=self._service.role, reason=reason).inc()

    def _count(self, record: Record, result: str) -> None:
        self._metrics.records.labels(role=self._service.role, topic=record.topic, result=result).inc()


# Outcomes, changes and partial answers are small by nature: they never travel by claim check.
_WITH_CLAIMS = frozenset(topic.name for topic in TOPICS.values() if not topic.public and Partial not in topic.carries)


def _place(record: Record) -> tuple[str, int]:
    return record.topic, record.partition


def _stamped(message: Message, trace: Trace) -> Message:
    """Give a message the way that it has come."""
    if isinstance(message, Answer):
        return msgspec.structs.replace(message, timeline=trace.timeline())
    if hasattr(message, "trace"):
        return msgspec.structs.replace(message, trace=trace)
    return message
