"""The bus in one process: topics with partitions, offsets and consumer groups, as Kafka has them, in memory.

Codecs, headers and commits are the same as on Kafka; only the transport differs. A record is kept until every group
that reads its topic has committed it; a topic that nobody reads keeps everything. Nothing outlives the process.

A producer waits while the uncommitted bytes of a topic exceed a limit, so that a bulk load holds only so much sound in
memory.
"""

import threading
import time
import zlib
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace

from tunekin.ports import Clock, Record, first_held
from tunekin.topics import TOPICS

__all__ = ["LocalBus", "LocalConsumer", "LocalProducer"]


@dataclass
class _Partition:
    """A log whose committed head has been dropped."""

    records: list[Record] = field(default_factory=list)
    start: int = 0

    @property
    def end(self) -> int:
        return self.start + len(self.records)


@dataclass
class _Group:
    """Members and committed offsets of a consumer group."""

    topics: tuple[str, ...]
    members: list["LocalConsumer"] = field(default_factory=list)
    committed: dict[tuple[str, int], int] = field(default_factory=dict)
    # Offset of the record that work has begun on, and how often.
    begun: dict[tuple[str, int], tuple[int, int]] = field(default_factory=dict)
    generation: int = 0


class _Broker:
    """What the producers and consumers of one bus share; the condition's lock guards all of it."""

    def __init__(self, *, clock: Clock, partitions: int | None, backlog_bytes: int | None) -> None:
        self.clock = clock
        self.backlog_bytes = backlog_bytes
        self.changed = threading.Condition()
        self.closed = False
        self.groups: dict[str, _Group] = {}
        self.counts = {topic.name: partitions or topic.partitions for topic in TOPICS.values()}
        self.logs = {(name, number): _Partition() for name, count in self.counts.items() for number in range(count)}
        self.held_bytes = dict.fromkeys(TOPICS, 0)

    def append(self, record: Record) -> Record:
        """Place a record, once there is room for it."""
        size = len(record.value or b"")
        limit = None if TOPICS[record.topic].public else self.backlog_bytes
        with self.changed:
            if limit is not None:
                held = self.held_bytes
                # A single record above the limit may pass once nothing else is held.
                self.changed.wait_for(
                    lambda: self.closed or not held[record.topic] or held[record.topic] + size <= limit
                )
            if self.closed:
                msg = "the bus is closed"
                raise RuntimeError(msg)
            number = zlib.crc32(record.key or b"") % self.counts[record.topic]
            log = self.logs[record.topic, number]
            placed = replace(record, partition=number, offset=log.end, timestamp_ms=round(self.clock() * 1000))
            log.records.append(placed)
            self.held_bytes[record.topic] += size
            self.changed.notify_all()
            return placed

    def assignment(self, group: _Group, consumer: "LocalConsumer") -> dict[tuple[str, int], int]:
        """Partitions of a member with the group's committed offsets; call with the lock held."""
        rank, size = group.members.index(consumer), len(group.members)
        return {
            place: group.committed.get(place, log.start)
            for place, log in self.logs.items()
            if place[0] in group.topics and place[1] % size == rank
        }

    def drop_committed(self, places: Iterable[tuple[str, int]]) -> None:
        """Forget what every group of the topic has committed; call with the lock held."""
        for place in places:
            log = self.logs[place]
            readers = [group for group in self.groups.values() if place[0] in group.topics]
            done = min(group.committed.get(place, log.start) for group in readers)
            dropped = log.records[: done - log.start]
            del log.records[: len(dropped)]
            log.start += len(dropped)
            self.held_bytes[place[0]] -= sum(len(record.value or b"") for record in dropped)
        self.changed.notify_all()


class LocalBus:
    """Topics in memory.

    Parameters
    ----------
    clock : Clock
        Time of day in seconds, for the records' timestamps.
    partitions : int or None
        Partitions of each topic; unset means what the table of topics says.
    backlog_bytes : int or None
        Uncommitted bytes of one internal topic from which on a producer waits; unset means never. A program whose one
        thread both writes and reads must leave it unset. Public topics hold small records, and never wait.
    """

    def __init__(
        self, *, clock: Clock = time.time, partitions: int | None = None, backlog_bytes: int | None = None
    ) -> None:
        self._broker = _Broker(clock=clock, partitions=partitions, backlog_bytes=backlog_bytes)

    def producer(self) -> "LocalProducer":
        """Make a producer.

        Returns
        -------
        LocalProducer
            Its records are visible once `LocalProducer.send` returns.
        """
        return LocalProducer(self._broker)

    def consumer(self, topics: Sequence[str], *, group: str | None) -> "LocalConsumer":
        """Make a consumer.

        Parameters
        ----------
        topics : sequence of str
            Topics to read.
        group : str or None
            Group whose members share the partitions and begin where it last committed, at first at the earliest
            record. None reads all partitions, from the present on, and commits nothing.

        Returns
        -------
        LocalConsumer
            A member of the group.

        Raises
        ------
        ValueError
            There is no such topic, or the group reads others.
        """
        unknown = [topic for topic in topics if topic not in TOPICS]
        if unknown:
            msg = f"unknown topics {unknown}; there are {', '.join(TOPICS)}"
            raise ValueError(msg)
        broker = self._broker
        with broker.changed:
            if group is None:
                present = {place: log.end for place, log in broker.logs.items() if place[0] in topics}
                return LocalConsumer(broker, group=None, positions=present)
            joined = broker.groups.setdefault(group, _Group(tuple(topics)))
            if joined.topics != tuple(topics):
                msg = f"the members of group {group!r} read {joined.topics}, not {tuple(topics)}"
                raise ValueError(msg)
            consumer = LocalConsumer(broker, group=joined, positions={})
            joined.members.append(consumer)
            joined.generation += 1
            return consumer

    def close(self) -> None:
        """Wake every producer and consumer that waits; producers fail from now on."""
        with self._broker.changed:
            self._broker.closed = True
            self._broker.changed.notify_all()


class LocalProducer:
    """Writes to a `LocalBus`; made by `LocalBus.producer`.

    Parameters
    ----------
    broker : object
        What the bus shares.
    """

    def __init__(self, broker: _Broker) -> None:
        self._broker = broker

    def send(self, record: Record) -> "Future[Record]":
        """Append a record; waits while the topic's backlog is at its limit.

        Parameters
        ----------
        record : Record
            What to write.

        Returns
        -------
        concurrent.futures.Future
            Already done: the record with its place.
        """
        future: Future[Record] = Future()
        future.set_result(self._broker.append(record))
        return future

    def flush(self) -> None:
        """Do nothing: `send` has delivered already."""

    def close(self) -> None:
        """Do nothing: there is no connection."""


class LocalConsumer:
    """Reads from a `LocalBus`; made by `LocalBus.consumer`.

    Parameters
    ----------
    broker : object
        What the bus shares.
    group : object or None
        Consumer group, or none.
    positions : dict of (str, int) to int
        Offsets to begin at, for a member of no group.
    """

    def __init__(self, broker: _Broker, *, group: _Group | None, positions: dict[tuple[str, int], int]) -> None:
        self._broker = broker
        self._group = group
        self._generation = 0
        self._positions = positions
        self._paused: set[tuple[str, int]] = set()
        self._polled: set[tuple[str, int]] = set()

    def poll(self, *, timeout_s: float, max_records: int) -> list[Record]:
        """Return the next records of this member's partitions.

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
        """
        with self._broker.changed:
            self._broker.changed.wait_for(lambda: self._broker.closed or self._has_next(), timeout_s)
            polled: list[Record] = []
            for place, position in self._positions.items():
                if place in self._paused or len(polled) >= max_records:
                    continue
                log = self._broker.logs[place]
                begin = max(position, log.start) - log.start
                records = log.records[begin : begin + max_records - len(polled)]
                self._positions[place] = log.start + begin + len(records)
                polled.extend(records)
            self._polled.update((record.topic, record.partition) for record in polled)
            # The partition served first goes last next time, so that none starves.
            if polled:
                first = (polled[0].topic, polled[0].partition)
                self._positions[first] = self._positions.pop(first)
            return polled

    def rewind(self, record: Record) -> None:
        """Make a record the next one of its partition.

        Parameters
        ----------
        record : Record
            A record that `poll` returned.
        """
        with self._broker.changed:
            if (record.topic, record.partition) in self._positions:
                self._positions[record.topic, record.partition] = record.offset

    def rewind_to(self, timestamp_ms: int) -> None:
        """Make the first record of each partition since a time the next one; for a member of no group.

        Parameters
        ----------
        timestamp_ms : int
            Time of day in milliseconds since 1970.
        """
        with self._broker.changed:
            for place in self._positions:
                log = self._broker.logs[place]
                earlier = sum(record.timestamp_ms < timestamp_ms for record in log.records)
                self._positions[place] = log.start + earlier

    def pause(self, partitions: Sequence[tuple[str, int]]) -> None:
        """Return no records of these partitions until they are resumed.

        Parameters
        ----------
        partitions : sequence of (str, int)
            Topic and number of each.
        """
        self._paused.update(partitions)

    def resume(self, partitions: Sequence[tuple[str, int]]) -> None:
        """Take paused partitions up again.

        Parameters
        ----------
        partitions : sequence of (str, int)
            Topic and number of each.
        """
        self._paused.difference_update(partitions)

    def begin(self, record: Record) -> int:
        """Note for the group that what precedes a record is done and that work on it begins.

        Parameters
        ----------
        record : Record
            A record that `poll` returned.

        Returns
        -------
        int
            How often work on it has begun, this time included; 1 for a member of no group.
        """
        group, place = self._group, (record.topic, record.partition)
        if group is None:
            return 1
        with self._broker.changed:
            if self._generation != group.generation:
                return 1
            offset, times = group.begun.get(place, (record.offset, 0))
            times = times + 1 if offset == record.offset else 1
            group.begun[place] = record.offset, times
            group.committed[place] = record.offset
            self._broker.drop_committed([place])
            return times

    def commit(self, held: Iterable[Record] = ()) -> None:
        """Store the positions for the group; a member of none commits nothing.

        Parameters
        ----------
        held : iterable of Record
            Records that are not done: of their partitions only what precedes the first is.
        """
        group = self._group
        if group is None:
            return
        first = first_held(held)
        with self._broker.changed:
            if self._generation == group.generation:
                moved = {
                    place: min(offset, first.get(place, offset))
                    for place, offset in self._positions.items()
                    if place in self._polled
                }
                group.committed.update(moved)
                for place in moved:
                    group.begun.pop(place, None)
                self._broker.drop_committed(moved)
            self._polled = set(first)

    def owned(self) -> set[tuple[str, int]]:
        """List the partitions that this member has at present.

        Returns
        -------
        set of (str, int)
            Topic and number of each.
        """
        return set(self._positions)

    def behind(self) -> dict[str, int]:
        """Count what waits on the partitions that this member has at present.

        Returns
        -------
        dict of str to int
            Records by topic that `poll` has not returned yet.
        """
        with self._broker.changed:
            waiting: dict[str, int] = {}
            for (topic, number), position in self._positions.items():
                log = self._broker.logs[topic, number]
                waiting[topic] = waiting.get(topic, 0) + log.end - max(position, log.start)
            return waiting

    def close(self) -> None:
        """Leave the group; what was polled and not committed goes to the other members."""
        group = self._group
        if group is None:
            return
        with self._broker.changed:
            if self in group.members:
                group.members.remove(self)
                group.generation += 1
                self._broker.changed.notify_all()

    def _has_next(self) -> bool:
        """Whether a record waits, after joining the group's newest generation; call with the lock held."""
        if self._group is not None and self._generation != self._group.generation:
            self._generation = self._group.generation
            self._positions = self._broker.assignment(self._group, self)
        return any(
            position < self._broker.logs[place].end
            for place, position in self._positions.items()
            if place not in self._paused
        )
