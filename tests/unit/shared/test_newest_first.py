"""A log is read from its end, a bounded part of it at a time."""

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from tunekin.newest_first import newest_first
from tunekin.ports import Record


@given(offsets=st.sets(st.integers(0, 5_000), max_size=80), most=st.integers(1, 9), start=st.integers(0, 100))
def test_every_record_comes_once_by_falling_offset(offsets, most, start):
    log = sorted(offsets)

    def read(begin: int, end: int) -> Iterator[Record]:
        found = (offset for offset in log if begin <= offset < end)
        yield from (Record(topic="dead-letters", key=None, value=None, offset=offset) for offset in found)

    told = [record.offset for record in newest_first(read, start=start, end=5_001, most=most)]
    assert told == [offset for offset in reversed(log) if offset >= start]


def test_what_nobody_asks_for_is_not_read():
    reads = []

    def read(begin: int, end: int) -> Iterator[Record]:
        reads.append((begin, end))
        yield from (Record(topic="dead-letters", key=None, value=None, offset=offset) for offset in range(begin, end))

    records = newest_first(read, start=0, end=1_000_000, most=10)
    assert [next(records).offset for _ in range(15)] == list(range(999_999, 999_984, -1))
    assert reads == [(999_990, 1_000_000), (999_980, 999_990)]
