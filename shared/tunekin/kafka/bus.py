"""Producers and consumers on kafka-python.

What kafka-python 3.0.12 gets wrong is met here: no deserializers, since one that raises makes `poll` spin; no
auto-commit, and commits of the client's own positions, so that rewinds count; no rebalance listener, since blocking
calls in one fail; `flush` only logs what failed, so every delivery has to be asked.
`tunekin.kafka.connections` meets what is wrong with TLS and logins.

A rebalance happens inside `poll` only. What was polled before it and not committed is polled again by whoever has the
partition next, so a commit that comes too late is no error.
"""

import contextlib
import functools
import math
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import kafka
import structlog
from kafka import errors

from tunekin.codec import with_traceparent
from tunekin.errors import DependencyError, MessageError, TunekinError
from tunekin.kafka.failures import connecting, speaking
from tunekin.kafka.settings import KafkaSettings
from tunekin.newest_first import newest_first
from tunekin.ports import Record, first_held
from tunekin.topics import TOPICS
from tunekin.tracing import NO_TRACER, Span, Tracer, during

__all__ = ["KafkaBus", "KafkaConsumer", "KafkaProducer"]

_LARGEST_RECORD_BYTES = max(topic.max_record_bytes for topic in TOPICS.values())
# Sound of a few clips from each of several partitions; it bounds what a worker holds.
_FETCH_BYTES = 8 * _LARGEST_RECORD_BYTES


# New partitions, and whatever a member has missed, are seen within this.
_METADATA_AGE_MS = 30_000
# How far partitions that pause are behind: how often that is asked for, and how long the answer may take.
_ASK_ENDS_S = 10.0
_ASK_ENDS_MS = 1_000
_NO_WAIT_MS = 1
_HISTORY_POLL_S = 1.0
# What is held at a time of a log that is read from its end: records of 2 MiB at the most.
_HISTORY_RECORDS = 50


class KafkaBus:
    """Makes clients of a cluster, as `tunekin.local.LocalBus` does of one process.

    Parameters
    ----------
    settings : KafkaSettings
        How to reach the brokers.
    tracer : Tracer
        Told of every record that is sent.
    """

    def __init__(self, settings: KafkaSettings, *, tracer: Tracer = NO_TRACER) -> None:
        self._settings = settings
        self._tracer = tracer

    def producer(self) -> "KafkaProducer":
        """Connect a producer.

        Returns
        -------
        KafkaProducer
            Idempotent; every record is acknowledged by all replicas in sync.

        Raises
        ------
        SettingsError
            A broker refuses the client.
        DependencyError
            None answers.
        """
        settings = self._settings
        with connecting(settings) as options:
            client = kafka.KafkaProducer(
                **options,
                metrics_enabled=False,
                acks="all",
                enable_idempotence=True,
                compression_type=None if settings.compression == "none" else settings.compression,
                max_request_size=_LARGEST_RECORD_BYTES,
                delivery_timeout_ms=round(settings.delivery_timeout_s * 1000),
                max_block_ms=round(settings.delivery_timeout_s * 1000),
                allow_auto_create_topics=False,
            )
        return KafkaProducer(client, settings, tracer=self._tracer)

    def consumer(self, topics: Sequence[str], *, group: str | None) -> "KafkaConsumer":
        """Connect a consumer.

        Parameters
        ----------
        topics : sequence of str
            Topics to read.
        group : str or None
            Group whose members share the partitions and begin where it last committed, at first at the earliest
            record. None reads all partitions, from the present on, and commits nothing.

        Returns
        -------
        KafkaConsumer
            A member of the group once it polls.

        Raises
        ------
        SettingsError
            A broker refuses the client.
        DependencyError
            None answers, or a topic is missing.
        """
        settings = self._settings
        names = [settings.prefix + topic for topic in topics]
        with connecting(settings) as options:
            client = kafka.KafkaConsumer(
                **options,
                metrics_enabled=False,
                group_id=None if group is None else settings.prefix + group,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                max_partition_fetch_bytes=_LARGEST_RECORD_BYTES,
                fetch_max_bytes=_FETCH_BYTES,
                session_timeout_ms=round(settings.session_timeout_s * 1000),
                heartbeat_interval_ms=round(settings.session_timeout_s * 1000 / 5),
                metadata_max_age_ms=_METADATA_AGE_MS,
                max_poll_interval_ms=round(settings.max_pass_s * 1000),
                allow_auto_create_topics=False,
            )
        consumer = KafkaConsumer(client, settings)
        try:
            with speaking(settings):
                if group is None:
                    _follow_from_now(client, names)
                else:
                    client.subscribe(names)
                    # A member that joins before it knows its topics is given no partition of them, and as the group's
                    # leader gives none to anybody, until metadata are asked for again.
                    _partitions(client, names)
        except BaseException:
            consumer.close()
            raise
        return consumer

    def history(self, topic: str, *, since: Mapping[tuple[str, int], int] | None = None) -> Iterator[Record]:
        """Read all that a topic holds at present.

        Parameters
        ----------
        topic : str
            The topic.
        since : mapping of (str, int) to int, optional
            Offset to begin at, by topic and partition; the first record where none is given.

        Yields
        ------
        Record
            In order within each partition.

        Raises
        ------
        SettingsError
            A broker refuses the client.
        DependencyError
            None answers, or the topic is missing.
        """
        with contextlib.closing(self.consumer([topic], group=None)) as consumer:
            yield from consumer.since(since or {})

    def newest_first(self, topic: str, *, since_ms: int | None = None) -> Iterator[Record]:
        """Read what a topic holds at present from its end.

        Parameters
        ----------
        topic : str
            The topic.
        since_ms : int or None
            Time of day in milliseconds since 1970; only the first record that was written since then, and what follows
            it, is read.

        Yields
        ------
        Record
            By falling offset within each partition.

        Raises
        ------
        SettingsError
            A broker refuses the client.
        DependencyError
            None answers, or the topic is missing.
        """
        with contextlib.closing(self.consumer([topic], group=None)) as consumer:
            yield from consumer.newest_first(since_ms=since_ms)


def _partitions(client: kafka.KafkaConsumer, names: Sequence[str]) -> dict[str, set[int]]:
    """Ask for the partitions of topics, and wait for the answer."""
    numbers = {name: client.partitions_for_topic(name) for name in names}
    missing = [name for name, found in numbers.items() if not found]
    if missing:
        raise DependencyError(
            f"Kafka has no topic {', '.join(missing)}",
            hint="create the topics, correct TUNEKIN_KAFKA_PREFIX, or grant the user the right to read them",
        )
    return numbers


def _follow_from_now(client: kafka.KafkaConsumer, names: Sequence[str]) -> None:
    numbers = _partitions(client, names)
    places = [kafka.TopicPartition(name, number) for name, found in numbers.items() for number in found]
    client.assign(places)
    # Asked for now: the client's own seek to the end would happen at its first poll, and miss what comes until then.
    for place, offset in client.end_offsets(places).items():
        client.seek(place, offset)


class _Delivery:
    """Promise of a record's delivery."""

    def __init__(self, future: "kafka.future.Future", record: Record, producer: "KafkaProducer", *, span: Span) -> None:
        self._future = future
        self._record = record
        self._producer = producer
        self._span = span

    def result(self, timeout: float | None = None) -> Record:
        with during(self._span), self._producer.speaking():
            placed = self._future.get(self._producer.patience_s if timeout is None else timeout)
        return replace(
            self._record, partition=placed.partition, offset=placed.offset, timestamp_ms=int(placed.timestamp)
        )


class KafkaProducer:
    """Writes to a cluster; made by `KafkaBus.producer`.

    Parameters
    ----------
    client : kafka.KafkaProducer
        Belongs to this object from now on.
    settings : KafkaSettings
        How it was made.
    tracer : Tracer
        Told of every record.

    Attributes
    ----------
    patience_s : float
        How long anything may take. Each record has a deadline of its own; this one is for a client whose thread has
        died.
    """

    def __init__(self, client: kafka.KafkaProducer, settings: KafkaSettings, *, tracer: Tracer) -> None:
        self._client = client
        self._settings = settings
        self._tracer = tracer
        self._closed = False
        self.patience_s = settings.delivery_timeout_s + settings.request_timeout_s

    def send(self, record: Record) -> _Delivery:
        """Hand a record over; it is delivered once its future says so.

        Parameters
        ----------
        record : Record
            What to write.

        Returns
        -------
        Delivery
            Its future; the result is the record with its place.

        Raises
        ------
        MessageError
            The record is larger than its topic takes.
        DependencyError
            The topic is missing, no broker answers, or the producer was closed.
        """
        limit = TOPICS[record.topic].max_record_bytes
        parts = (record.key or b"", record.value or b"", *(name.encode() + value for name, value in record.headers))
        size = sum(map(len, parts))
        if size > limit:
            raise MessageError(
                f"the record for {record.topic} has {size} bytes, more than the {limit} that the topic takes",
                hint="send a reference to the sound instead (ce_dataref)",
            )
        span = self._tracer.sending(record)
        record = with_traceparent(record, span.traceparent)
        try:
            with self.speaking():
                future = self._client.send(
                    self._settings.prefix + record.topic,
                    key=record.key,
                    value=record.value,
                    headers=list(record.headers),
                )
        except TunekinError as error:
            span.fail(error.code, error)
            span.end()
            raise
        return _Delivery(future, record, self, span=span)

    def flush(self) -> None:
        """Wait until nothing is under way; what failed is in the futures."""
        with self.speaking():
            self._client.flush(self.patience_s)

    def close(self) -> None:
        """Release the connection; what is not acknowledged in the time of a request has failed."""
        self._closed = True
        timeout_s = self._settings.request_timeout_s
        with speaking(self._settings):
            try:
                self._client.close(timeout=timeout_s)
            except errors.KafkaTimeoutError:
                # It stays open where records are under way, and has no public way to give them up.
                self._client._sender.force_close()  # noqa: SLF001 -- see above
                self._client._sender.join(timeout_s)  # noqa: SLF001 -- see above
                self._client.close(timeout=timeout_s)

    @contextlib.contextmanager
    def speaking(self) -> Iterator[None]:
        """Turn what the client raises into Tunekin's errors; that others have closed it is one of them.

        Yields
        ------
        None
            While the client is used.

        Raises
        ------
        SettingsError
            A broker refuses the user.
        DependencyError
            Anything else but defects.
        """
        try:
            with speaking(self._settings):
                yield
        except errors.IllegalStateError as error:
            if not self._closed:
                raise
            raise DependencyError(f"the producer for Kafka at {self._settings.bootstrap_servers} was closed") from error


class KafkaConsumer:
    """Reads from a cluster; made by `KafkaBus.consumer`.

    Parameters
    ----------
    client : kafka.KafkaConsumer
        Belongs to this object from now on.
    settings : KafkaSettings
        How it was made.
    """

    def __init__(self, client: kafka.KafkaConsumer, settings: KafkaSettings) -> None:
        self._client = client
        self._settings = settings
        self._paused: set[tuple[str, int]] = set()
        self._polled: set[tuple[str, int]] = set()
        self._ends: dict[kafka.TopicPartition, int] = {}
        self._asked_s = -math.inf
        self._log: structlog.typing.FilteringBoundLogger = structlog.get_logger()

    def poll(self, *, timeout_s: float, max_records: int) -> list[Record]:
        """Return the next records of this member's partitions; joins and rejoins the group as needed.

        Parameters
        ----------
        timeout_s : float
            Longest wait for the first one.
        max_records : int
            Most that are returned.

        Returns
        -------
        list of Record
            In order within each partition; empty when the time is up.

        Raises
        ------
        SettingsError
            A broker refuses the client.
        DependencyError
            The client is in doubt, and has to be made anew.
        """
        with speaking(self._settings):
            if self._client.config["group_id"] is None:
                self._follow_new_partitions()
            polled = self._client.poll(timeout_ms=round(timeout_s * 1000), max_records=max_records)
        records: list[Record] = []
        for place, found in polled.items():
            if self._name(place) in self._paused:
                # The client forgets pauses in a rebalance.
                self._client.seek(place, found[0].offset)
                self._client.pause(place)
                continue
            self._polled.add(self._name(place))
            records.extend(
                Record(
                    topic=place.topic.removeprefix(self._settings.prefix),
                    key=one.key,
                    value=one.value,
                    headers=tuple((name, value or b"") for name, value in one.headers),
                    partition=one.partition,
                    offset=one.offset,
                    timestamp_ms=one.timestamp,
                )
                for one in found
            )
        return records

    def since(self, offsets: Mapping[tuple[str, int], int]) -> Iterator[Record]:
        """Read the partitions of a member of no group to their present ends.

        Parameters
        ----------
        offsets : mapping of (str, int) to int
            Where to begin, by topic and partition; at the first record where that is later, or none is given.

        Yields
        ------
        Record
            In order within each partition.

        Raises
        ------
        SettingsError
            A broker refuses the client.
        DependencyError
            The client is in doubt, and has to be made anew.
        """
        with speaking(self._settings):
            places = list(self._client.assignment())
            ends = self._client.end_offsets(places)
            # Asked for and not sought by the client's own means, for the reason that `_follow_from_now` has.
            for place, offset in self._client.beginning_offsets(places).items():
                topic = place.topic.removeprefix(self._settings.prefix)
                self._client.seek(place, max(offset, offsets.get((topic, place.partition), 0)))
        while any(self._client.position(place) < end for place, end in ends.items()):
            for record in self.poll(timeout_s=_HISTORY_POLL_S, max_records=_HISTORY_RECORDS):
                if record.offset < ends[kafka.TopicPartition(self._settings.prefix + record.topic, record.partition)]:
                    yield record

    def newest_first(self, *, since_ms: int | None = None) -> Iterator[Record]:
        """Read the partitions of a member of no group from their present ends.

        Parameters
        ----------
        since_ms : int or None
            Time of day in milliseconds since 1970; only the first record that was written since then, and what follows
            it, is read.

        Yields
        ------
        Record
            By falling offset within each partition.

        Raises
        ------
        SettingsError
            A broker refuses the client.
        DependencyError
            The client is in doubt, and has to be made anew.
        """
        with speaking(self._settings):
            places = sorted(self._client.assignment())
            ends = self._client.end_offsets(places)
            starts = self._client.beginning_offsets(places)
            if since_ms is not None:
                found = self._client.offsets_for_times(dict.fromkeys(places, since_ms))
                starts = {place: ends[place] if found.get(place) is None else found[place].offset for place in places}
        for place in places:
            self._client.pause(*places)
            self._client.resume(place)
            read = functools.partial(self._between, place)
            yield from newest_first(read, start=starts[place], end=ends[place], most=_HISTORY_RECORDS)

    def _between(self, place: kafka.TopicPartition, begin: int, end: int) -> Iterator[Record]:
        """Read a partition from an offset to before another."""
        self._client.seek(place, begin)
        while self._client.position(place) < end:
            for record in self.poll(timeout_s=_HISTORY_POLL_S, max_records=_HISTORY_RECORDS):
                if record.partition == place.partition and record.offset < end:
                    yield record

    def rewind(self, record: Record) -> None:
        """Make a record the next one of its partition.

        Parameters
        ----------
        record : Record
            A record that `poll` returned.
        """
        for place in self._assigned([(record.topic, record.partition)]):
            self._client.seek(place, record.offset)

    def rewind_to(self, timestamp_ms: int) -> None:
        """Make the first record of each partition since a time the next one; for a member of no group.

        Parameters
        ----------
        timestamp_ms : int
            Time of day in milliseconds since 1970.

        Raises
        ------
        DependencyError
            The client is in doubt, and has to be made anew.
        """
        with speaking(self._settings):
            places = list(self._client.assignment())
            # The ends first: a record that comes between the two questions has to be read.
            ends = self._client.end_offsets(places)
            found = self._client.offsets_for_times(dict.fromkeys(places, timestamp_ms))
            for place in places:
                since = found.get(place)
                self._client.seek(place, ends[place] if since is None else since.offset)

    def pause(self, partitions: Sequence[tuple[str, int]]) -> None:
        """Return no records of these partitions until they are resumed.

        Parameters
        ----------
        partitions : sequence of (str, int)
            Topic and number of each.
        """
        self._paused.update(partitions)
        self._client.pause(*self._assigned(partitions))

    def resume(self, partitions: Sequence[tuple[str, int]]) -> None:
        """Take paused partitions up again.

        Parameters
        ----------
        partitions : sequence of (str, int)
            Topic and number of each.
        """
        self._paused.difference_update(partitions)
        self._client.resume(*self._assigned(partitions))

    def begin(self, record: Record) -> int:
        """Note for the group that what precedes a record is done and that work on it begins.

        The count is the metadata of the committed offset.

        Parameters
        ----------
        record : Record
            A record that `poll` returned.

        Returns
        -------
        int
            How often work on it has begun, this time included; 1 for a member of no group.

        Raises
        ------
        DependencyError
            The group's broker does not answer.
        """
        places = self._assigned([(record.topic, record.partition)])
        if self._client.config["group_id"] is None or not places:
            return 1
        with speaking(self._settings):
            before = self._client.committed(
                places[0], metadata=True, timeout_ms=round(self._settings.request_timeout_s * 1000)
            )
        is_same = before is not None and before.offset == record.offset and before.metadata.isdecimal()
        times = int(before.metadata) + 1 if is_same else 1
        self._commit({places[0]: kafka.OffsetAndMetadata(record.offset, str(times), -1)})
        return times

    def commit(self, held: Iterable[Record] = ()) -> None:
        """Store the positions for the group; a member of none commits nothing.

        Parameters
        ----------
        held : iterable of Record
            Records that are not done: of their partitions only what precedes the first is.

        Raises
        ------
        DependencyError
            The group's broker does not answer.
        """
        first = first_held(held)
        if self._client.config["group_id"] is not None:
            # Only what moved: the count of a record that killed its worker stands beside the offset of a partition
            # that has not been polled yet.
            positions = {place: self._client.position(place) for place in self._assigned(list(self._polled))}
            # A partition whose position the client is looking up has nothing to commit.
            known = {
                place: min(offset, first.get(self._name(place), offset))
                for place, offset in positions.items()
                if offset is not None
            }
            self._commit({place: kafka.OffsetAndMetadata(offset, "", -1) for place, offset in known.items()})
        # They may be done while their partitions bring nothing new.
        self._polled = set(first)

    def owned(self) -> set[tuple[str, int]]:
        """List the partitions that this member has at present.

        Returns
        -------
        set of (str, int)
            Topic and number of each.
        """
        return {self._name(place) for place in self._client.assignment()}

    def behind(self) -> dict[str, int]:
        """Count what waits on the partitions that this member has at present.

        Brokers tell the ends of partitions with what is fetched. Those that pause are not fetched, so theirs are asked
        for now and then.

        Returns
        -------
        dict of str to int
            Records by topic that `poll` has not returned yet; those of partitions that were not fetched yet are not
            known.
        """
        waiting: dict[str, int] = {}
        # Work goes on without it; a client that is in doubt says so where it matters.
        with contextlib.suppress(errors.KafkaError):
            asked = self._ends_of_paused()
            for place in self._client.assignment():
                end = max(filter(None, (self._client.highwater(place), asked.get(place))), default=None)
                if end is None:
                    continue
                position = self._client.position(place, timeout_ms=_NO_WAIT_MS)
                if position is not None:
                    topic, _ = self._name(place)
                    waiting[topic] = waiting.get(topic, 0) + max(end - position, 0)
        return waiting

    def _ends_of_paused(self) -> "dict[kafka.TopicPartition, int]":
        paused = self._assigned(list(self._paused))
        now_s = time.monotonic()
        if paused and now_s - self._asked_s > _ASK_ENDS_S:
            self._asked_s = now_s
            self._ends = self._client.end_offsets(paused, timeout_ms=_ASK_ENDS_MS)
        return self._ends if paused else {}

    def _commit(self, offsets: "dict[kafka.TopicPartition, kafka.OffsetAndMetadata]") -> None:
        with speaking(self._settings):
            try:
                self._client.commit(offsets, timeout_ms=round(self._settings.request_timeout_s * 1000))
            except errors.CommitFailedError as error:
                # Others have the partitions now: they do the same records again, and readers take the first outcome.
                self._log.warning("commit.too_late", error=str(error))

    def close(self) -> None:
        """Leave the group; what was polled and not committed goes to the other members."""
        with speaking(self._settings):
            self._client.close(autocommit=False, timeout_ms=round(self._settings.request_timeout_s * 1000))

    def _follow_new_partitions(self) -> None:
        """Read partitions that a topic was given since from their beginning; a group is told of them by its broker."""
        followed = self._client.assignment()
        there = {
            kafka.TopicPartition(name, number)
            for name in {place.topic for place in followed}
            for number in self._client.partitions_for_topic(name)
        }
        if not there <= followed:
            self._client.assign(sorted(followed | there))

    def _assigned(self, partitions: Sequence[tuple[str, int]]) -> list[kafka.TopicPartition]:
        """Those of the partitions that this member has at present."""
        wanted = {kafka.TopicPartition(self._settings.prefix + topic, number) for topic, number in partitions}
        return sorted(wanted & self._client.assignment())

    def _name(self, place: kafka.TopicPartition) -> tuple[str, int]:
        return place.topic.removeprefix(self._settings.prefix), place.partition
