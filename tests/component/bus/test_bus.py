"""What the worker loop relies on, of every bus.

The cases run on the bus in memory; a real broker has to pass the same ones.
"""

import threading
from collections.abc import Callable

import pytest

from tunekin.local import LocalBus, LocalConsumer
from tunekin.ports import Consumer, Record

TOPIC = "clips"


@pytest.fixture
def bus() -> LocalBus:
    return LocalBus(partitions=4)


def write(bus: LocalBus, *keys: str, topic: str = TOPIC) -> list[Record]:
    producer = bus.producer()
    deliveries = [producer.send(Record(topic=topic, key=key.encode(), value=key.encode())) for key in keys]
    producer.flush()
    return [delivery.result(0) for delivery in deliveries]


def read(consumer: Consumer, *, most: int = 100) -> list[str]:
    return [(record.key or b"").decode() for record in consumer.poll(timeout_s=0, max_records=most)]


def test_a_record_comes_out_as_it_went_in(bus: LocalBus) -> None:
    consumer = bus.consumer([TOPIC], group="g")
    sent = Record(topic=TOPIC, key=b"k", value=b"\x00\xff", headers=(("a", b"1"), ("a", b"2")))
    bus.producer().send(sent)
    (got,) = consumer.poll(timeout_s=1, max_records=10)
    assert (got.key, got.value, got.headers) == (sent.key, sent.value, sent.headers)
    assert got.offset == 0
    assert got.timestamp_ms > 0


def test_records_of_one_key_keep_their_order(bus: LocalBus) -> None:
    producer = bus.producer()
    for number in range(20):
        producer.send(Record(topic=TOPIC, key=b"same", value=str(number).encode()))
    consumer = bus.consumer([TOPIC], group="g")
    values = [int(record.value or b"") for record in consumer.poll(timeout_s=0, max_records=100)]
    assert values == list(range(20))


def test_a_group_begins_at_the_earliest_record(bus: LocalBus) -> None:
    write(bus, "before")
    assert read(bus.consumer([TOPIC], group="g")) == ["before"]


def test_a_follower_without_group_begins_at_the_present(bus: LocalBus) -> None:
    write(bus, "before")
    follower = bus.consumer([TOPIC], group=None)
    write(bus, "after")
    assert read(follower) == ["after"]


def test_two_groups_both_see_every_record(bus: LocalBus) -> None:
    first, second = bus.consumer([TOPIC], group="g"), bus.consumer([TOPIC], group="h")
    write(bus, "a", "b")
    assert sorted(read(first)) == sorted(read(second)) == ["a", "b"]


def test_two_members_of_a_group_share_the_records(bus: LocalBus) -> None:
    members = [bus.consumer([TOPIC], group="g") for _ in range(2)]
    keys = [f"k{number}" for number in range(40)]
    write(bus, *keys)
    shares = [read(member) for member in members]
    assert all(shares)
    assert sorted(shares[0] + shares[1]) == sorted(keys)


def test_what_was_not_committed_goes_to_the_next_member(bus: LocalBus) -> None:
    write(bus, "a")
    first = bus.consumer([TOPIC], group="g")
    assert read(first) == ["a"]
    first.close()
    assert read(bus.consumer([TOPIC], group="g")) == ["a"]


def test_what_was_committed_is_not_read_again(bus: LocalBus) -> None:
    write(bus, "a")
    first = bus.consumer([TOPIC], group="g")
    read(first)
    first.commit()
    first.close()
    assert read(bus.consumer([TOPIC], group="g")) == []


def test_a_member_takes_over_from_one_that_left(bus: LocalBus) -> None:
    stays, leaves = bus.consumer([TOPIC], group="g"), bus.consumer([TOPIC], group="g")
    keys = [f"k{number}" for number in range(40)]
    write(bus, *keys)
    done = read(stays)
    stays.commit()
    read(leaves)
    leaves.close()
    assert sorted(done + read(stays)) == sorted(keys)


def test_a_rewound_record_comes_again_and_is_not_committed(bus: LocalBus) -> None:
    producer = bus.producer()
    for value in (b"1", b"2", b"3"):
        producer.send(Record(topic=TOPIC, key=b"same", value=value))
    consumer = bus.consumer([TOPIC], group="g")
    records = consumer.poll(timeout_s=0, max_records=10)
    consumer.rewind(records[1])
    consumer.commit()
    assert [record.value for record in consumer.poll(timeout_s=0, max_records=10)] == [b"2", b"3"]
    consumer.close()
    again = bus.consumer([TOPIC], group="g").poll(timeout_s=0, max_records=10)
    assert [record.value for record in again] == [b"2", b"3"]


def test_a_paused_partition_rests_while_the_others_go_on(bus: LocalBus) -> None:
    placed = write(bus, *[f"k{number}" for number in range(20)])
    paused = (TOPIC, placed[0].partition)
    consumer = bus.consumer([TOPIC], group="g")
    consumer.pause([paused])
    others = consumer.poll(timeout_s=0, max_records=100)
    assert {record.partition for record in others} == {record.partition for record in placed} - {paused[1]}
    consumer.resume([paused])
    resumed = consumer.poll(timeout_s=0, max_records=100)
    assert {record.partition for record in resumed} == {paused[1]}


def test_a_poll_returns_no_more_than_asked_for_and_starves_no_partition(bus: LocalBus) -> None:
    write(bus, *[f"k{number}" for number in range(40)])
    consumer = bus.consumer([TOPIC], group="g")
    seen: list[str] = []
    for _ in range(10):
        batch = read(consumer, most=4)
        assert len(batch) == 4
        seen += batch
    assert len(set(seen)) == 40


def test_a_waiting_poll_wakes_when_a_record_comes(bus: LocalBus) -> None:
    consumer = bus.consumer([TOPIC], group="g")
    timer = threading.Timer(0.05, write, (bus, "late"))
    timer.start()
    records = consumer.poll(timeout_s=30, max_records=1)
    timer.join()
    assert [record.key for record in records] == [b"late"]


# --- what only the bus in memory promises ----------------------------------------------------------------------------


def fill(bus: LocalBus, topic: str, count: int, done: Callable[[], None]) -> threading.Thread:
    def run() -> None:
        producer = bus.producer()
        for _ in range(count):
            producer.send(Record(topic=topic, key=b"k", value=b"x" * 10))
        done()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


def test_a_producer_waits_while_too_much_is_under_way() -> None:
    bus = LocalBus(partitions=1, backlog_bytes=25)
    consumer = bus.consumer(["tracks.audio"], group="g")
    finished = threading.Event()
    thread = fill(bus, "tracks.audio", 5, finished.set)
    got = 0
    while got < 5:
        records = consumer.poll(timeout_s=5, max_records=10)
        assert 1 <= len(records) <= 2, "25 bytes hold two records of 10"
        got += len(records)
        consumer.commit()
    thread.join(5)
    assert finished.is_set()


def test_a_value_above_the_limit_passes_alone() -> None:
    bus = LocalBus(partitions=1, backlog_bytes=5)
    consumer = bus.consumer(["tracks.audio"], group="g")
    bus.producer().send(Record(topic="tracks.audio", key=b"k", value=b"x" * 10))
    assert len(consumer.poll(timeout_s=0, max_records=10)) == 1


def test_a_closed_bus_releases_a_waiting_producer() -> None:
    bus = LocalBus(partitions=1, backlog_bytes=5)
    producer = bus.producer()
    bus.consumer(["tracks.audio"], group="g")
    producer.send(Record(topic="tracks.audio", key=b"k", value=b"x" * 10))
    threading.Timer(0.05, bus.close).start()
    with pytest.raises(RuntimeError, match="the bus is closed"):
        producer.send(Record(topic="tracks.audio", key=b"k", value=b"x" * 10))


def test_what_every_group_has_committed_is_forgotten() -> None:
    bus = LocalBus(partitions=1)
    members: list[LocalConsumer] = [bus.consumer([TOPIC], group=name) for name in ("g", "h")]
    write(bus, "a", "b")
    for member in members:
        read(member)
        member.commit()
    assert read(bus.consumer([TOPIC], group="late")) == []


def test_an_unknown_topic_is_refused(bus: LocalBus) -> None:
    with pytest.raises(ValueError, match="unknown topics"):
        bus.consumer(["clip"], group="g")
