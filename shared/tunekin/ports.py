"""What the worker loop and the handlers need of the outside world, as protocols.

Kafka, Redis, MySQL, a folder or this very process stand behind them; which, is decided in a composition root.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

__all__ = [
    "BlobStore",
    "Bus",
    "Cache",
    "ClaimCheck",
    "Clock",
    "Consumer",
    "Delivery",
    "Producer",
    "Record",
    "first_held",
]

# Seconds since 1970; time.time in production.
Clock = Callable[[], float]


@dataclass(frozen=True, kw_only=True)
class Record:
    """A record of a topic, as Kafka sees it.

    Attributes
    ----------
    topic : str
        Name of the topic.
    key : bytes or None
        Key; records of one key keep their order.
    value : bytes or None
        Value; ``None`` is a tombstone.
    headers : tuple of (str, bytes)
        Headers, in order.
    partition, offset : int
        Place in the topic; -1 before it is written.
    timestamp_ms : int
        When it was written; 0 before.
    """

    topic: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()
    partition: int = -1
    offset: int = -1
    timestamp_ms: int = 0


def first_held(held: Iterable[Record]) -> dict[tuple[str, int], int]:
    """Find the first record of each partition that is not done.

    Parameters
    ----------
    held : iterable of Record
        Records that are not done.

    Returns
    -------
    dict of (str, int) to int
        Smallest offset by topic and partition.

    Examples
    --------
    >>> at = lambda offset: Record(topic="clips", key=None, value=None, partition=3, offset=offset)
    >>> first_held([at(8), at(5)])
    {('clips', 3): 5}
    """
    first: dict[tuple[str, int], int] = {}
    for record in held:
        place = record.topic, record.partition
        first[place] = min(record.offset, first.get(place, record.offset))
    return first


class Delivery(Protocol):
    """Promise of a record's delivery."""

    def result(self, timeout: float | None = None) -> Record:
        """Wait until the record is acknowledged; raise what kept it from that.

        Parameters
        ----------
        timeout : float or None
            Longest wait in seconds; for ever unless it is given.

        Returns
        -------
        Record
            The record with its place.
        """


class Producer(Protocol):
    """Writes records."""

    def send(self, record: Record) -> Delivery:
        """Hand a record over; it is delivered once its future says so.

        Parameters
        ----------
        record : Record
            What to write.

        Returns
        -------
        Delivery
            Its future.
        """

    def flush(self) -> None:
        """Wait until nothing is under way; what failed is in the futures."""

    def close(self) -> None:
        """Release the connection."""


class Consumer(Protocol):
    """Reads records as one member of a group."""

    def poll(self, *, timeout_s: float, max_records: int) -> Sequence[Record]:
        """Return the next records, none when the time is up.

        Parameters
        ----------
        timeout_s : float
            Longest wait for the first one.
        max_records : int
            Most that are returned.

        Returns
        -------
        sequence of Record
            In order within each partition.
        """

    def rewind(self, record: Record) -> None:
        """Make a record the next one of its partition, and what `commit` says end before it.

        Parameters
        ----------
        record : Record
            A record that `poll` returned.
        """

    def rewind_to(self, timestamp_ms: int) -> None:
        """Make the first record of each partition since a time the next one; for a member of no group.

        Parameters
        ----------
        timestamp_ms : int
            Time of day in milliseconds since 1970.
        """

    def pause(self, partitions: Sequence[tuple[str, int]]) -> None:
        """Return no records of these partitions until they are resumed.

        Parameters
        ----------
        partitions : sequence of (str, int)
            Topic and number of each.
        """

    def resume(self, partitions: Sequence[tuple[str, int]]) -> None:
        """Take paused partitions up again.

        Parameters
        ----------
        partitions : sequence of (str, int)
            Topic and number of each.
        """

    def begin(self, record: Record) -> int:
        """Note for the group, as a commit does, that what precedes a record is done and that work on it begins.

        The count is of this record as the first that is not done, and `commit` forgets it.

        Parameters
        ----------
        record : Record
            A record that `poll` returned, with nothing before it in its partition left to do.

        Returns
        -------
        int
            How often work on it has begun, this time included; 1 for a member of no group.
        """

    def commit(self, held: Iterable[Record] = ()) -> None:
        """Store for the group that everything polled, and not rewound, is done.

        Parameters
        ----------
        held : iterable of Record
            Records that `poll` returned and that are not done: of their partitions only what precedes the first is.
        """

    def owned(self) -> Collection[tuple[str, int]]:
        """List the partitions that this member has at present; what it holds of others is others' by now.

        Returns
        -------
        collection of (str, int)
            Topic and number of each.
        """

    def behind(self) -> Mapping[str, int]:
        """Count what waits on the partitions that this member has at present, without waiting for the answer.

        Returns
        -------
        mapping of str to int
            Records by topic that `poll` has not returned yet, as far as is known.
        """

    def close(self) -> None:
        """Leave the group."""


class Bus(Protocol):
    """Makes producers and consumers of the same topics."""

    def producer(self) -> Producer:
        """Connect a producer.

        Returns
        -------
        Producer
            A new one.
        """

    def consumer(self, topics: Sequence[str], *, group: str | None) -> Consumer:
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
        Consumer
            A new one.
        """


class Cache(Protocol):
    """Forgetful store of bytes by key; losing an entry, or all, is harmless."""

    def get(self, key: str) -> bytes | None:
        """Return what was stored.

        Parameters
        ----------
        key : str
            Its name.

        Returns
        -------
        bytes or None
            None where it is not, or no longer, there.
        """

    def join(self, key: str) -> bytes | None:
        """Return what was stored; where somebody is making it this moment, wait for that a while.

        Parameters
        ----------
        key : str
            Its name.

        Returns
        -------
        bytes or None
            None makes it the caller's turn, whom others now wait for: it calls `set`, or `leave` where it fails.
        """

    def leave(self, key: str) -> None:
        """Let nobody wait for a value any longer.

        Parameters
        ----------
        key : str
            Its name.
        """

    def set(self, key: str, value: bytes) -> None:
        """Store a value; it may be gone at any time.

        Parameters
        ----------
        key : str
            Its name.
        value : bytes
            What to keep.
        """


@dataclass(frozen=True, kw_only=True)
class ClaimCheck:
    """What stands in a record for a value too large for it.

    Attributes
    ----------
    uri : str
        Where the value lies.
    sha256 : str
        Hash of the value; empty where the publisher did not say.
    size_bytes : int or None
        Length of the value; unset where the publisher did not say.
    """

    uri: str
    sha256: str = ""
    size_bytes: int | None = None


class BlobStore(Protocol):
    """Keeps values that are too large for a record."""

    def put(self, value: bytes) -> ClaimCheck:
        """Store a value under a new name.

        Parameters
        ----------
        value : bytes
            What to keep.

        Returns
        -------
        ClaimCheck
            Where it is, its hash and its size.
        """

    def get(self, claim: ClaimCheck, *, max_bytes: int) -> bytes:
        """Fetch a value and check it against the claim.

        Parameters
        ----------
        claim : ClaimCheck
            Which value.
        max_bytes : int
            Most that is read.

        Returns
        -------
        bytes
            The value.
        """

    def delete(self, claim: ClaimCheck) -> None:
        """Forget a value that this store made; others are left alone.

        Parameters
        ----------
        claim : ClaimCheck
            Which value.
        """
