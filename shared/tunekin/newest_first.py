"""Read a log from its end, although what keeps it reads forwards only."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator

from tunekin.ports import Record

__all__ = ["newest_first"]


def newest_first(read: Callable[[int, int], Iterable[Record]], *, start: int, end: int, most: int) -> Iterator[Record]:
    """Read the records of a partition, the newest first.

    Parameters
    ----------
    read : callable
        Reads from an offset to before another, forwards. Offsets may be missing, as compaction leaves them.
    start, end : int
        First offset, and the one after the last.
    most : int
        Most records that are held at a time.

    Yields
    ------
    Record
        By falling offset.

    Examples
    --------
    >>> log = [Record(topic="clips", key=None, value=None, offset=offset) for offset in (0, 1, 5, 6, 7)]
    >>> read = lambda begin, end: (one for one in log if begin <= one.offset < end)
    >>> [one.offset for one in newest_first(read, start=1, end=8, most=2)]
    [7, 6, 5, 1]
    """
    span = most
    while end > start:
        begin = max(end - span, start)
        # Of a span that turns out to hold more than that, the newest ones; the rest of it is next.
        held: deque[Record] = deque(maxlen=most)
        count = 0
        for record in read(begin, end):
            held.append(record)
            count += 1
        yield from reversed(held)
        end = held[0].offset if count > most else begin
        # Where compaction has taken most, spans grow until they hold something.
        span = most if count > most else 2 * span if 2 * count < most else span
