"""What the worker loop relies on, of every bus: the same cases in this process and on a real broker."""

import threading
import time
from collections.abc import Callable

import pytest

from tunekin.local import LocalBus, LocalConsumer
from tunekin.ports import Bus, Consumer, Record

TOPIC = "clips"
# Far above what a broker takes for a rebalance.
PATIENCE_S = 30.0


def write(bus: Bus, *keys: str, topic: str = TOPIC) -> list[Record]:
    producer = bus.producer()
    deliveries = [producer.send(Record(topic=topic, key=key.encode(), value=key.encode())) for key in keys]
    producer.flush()
    return [delivery.result(0) for delivery in deliveries]


def take(consumer: Consumer, count: int, *, most: int = 100) -> list[Record]:
    """Poll until so many records have come; a bus that brings more has them counted as well."""
    records: list[Record] = []
    give_up = time.monotonic() + PATIENCE_S
    while len(records) < count and time.monotonic() < give_up:
        records += consumer.poll(timeout_s=0.2, max_records=most)
    return records


def keys_of(records: list[Record]) -> list[str]:
    return [(record.key or b"").decode() for record in records]


def place_of(record: Record) -> tuple[int, int]:
    return record.partition, record.offset


def read(consumer: Consumer, count: int) -> list[str]:
    return keys_of(take(consumer, count))


def two_members(bus: Bus) -> tuple[Consumer, Consumer]:
    """Two members of the group ``g`` that both have partitions, with nothing left to read."""
    members = bus.consumer([TOPIC], group="g"), bus.consumer([TOPIC], group="g")
    give_up = time.monotonic() + PATIENCE_S
    while time.monotonic() < give_up:
        owned = [member.owned() for member in members]
        # Some in every partition: what a member reads again after a rebalance comes before them.
        missing = {place_of(record) for record in write(bus, *map(str, range(20)))}
        while missing and time.monotonic() < give_up:
            for member in members:
                missing -= {place_of(record) for record in member.poll(timeout_s=0.1, max_records=100)}
                member.commit()
        if all(owned) and owned == [member.owned() for member in members]:
            return members
    pytest.fail(f"the group did not settle in {PATIENCE_S} s")


def test_a_record_comes_out_as_it_went_in(bus: Bus) -> None:
    consumer = bus.consumer([TOPIC], group="g")
    sent = Record(topic=TOPIC, key=b"k", value=b"\x00\xff", headers=(("a", b"1"), ("a", b"2")))
    bus.producer().send(sent)
    (got,) = take(consumer, 1)
    assert (got.topic, got.key, got.value, got.headers) == (sent.topic, sent.key, sent.value, sent.headers)
    assert got.offset == 0
    assert got.timestamp_ms > 0


def test_a_tombstone_stays_one(bus: Bus) -> None:
    bus.producer().send(Record(topic=TOPIC, key=b"k", value=None))
    (got,) = take(bus.consumer([TOPIC], group="g"), 1)
    assert got.value is None


def test_a_delivery_says_where_its_record_is(bus: Bus) -> None:
    (placed,) = write(bus, "k")
    (got,) = take(bus.consumer([TOPIC], group="g"), 1)
    assert (got.partition, got.offset, got.timestamp_ms) == (placed.partition, placed.offset, placed.timestamp_ms)


def test_records_of_one_key_keep_their_order(bus: Bus) -> None:
    producer = bus.producer()
    for number in range(20):
        producer.send(Record(topic=TOPIC, key=b"same", value=str(number).encode()))
    values = [int(record.value or b"") for record in take(bus.consumer([TOPIC], group="g"), 20)]
    assert values == list(range(20))


def test_a_group_begins_at_the_earliest_record(bus: Bus) -> None:
    write(bus, "before")
    assert read(bus.consumer([TOPIC], group="g"), 1) == ["before"]


def behind(consumer: Consumer, count: int, *, polling: bool = True) -> bool:
    """Whether a consumer comes to say that so many records wait for it."""
    give_up = time.monotonic() + PATIENCE_S
    while consumer.behind().get(TOPIC, 0) != count and time.monotonic() < give_up:
        if polling:
            assert consumer.poll(timeout_s=0.1, max_records=1) == []
    return consumer.behind().get(TOPIC, 0) == count


def test_a_member_knows_how_far_behind_it_is(bus: Bus) -> None:
    consumer = bus.consumer([TOPIC], group="g")
    write(bus, *"abcde")
    # One at a time: the others wait, wherever the client has them already.
    taken = take(consumer, 1, most=1)
    while len(taken) < 5:
        assert consumer.behind()[TOPIC] <= 5 - len(taken)
        taken += take(consumer, 1, most=1)
    assert behind(consumer, 0)
    consumer.rewind(taken[-1])
    assert consumer.behind()[TOPIC] == 1


def test_what_waits_on_a_paused_partition_is_counted_too(bus: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tunekin.kafka.bus._ASK_ENDS_S", 0.1)
    consumer = bus.consumer([TOPIC], group="g")
    (placed,) = write(bus, "a")
    take(consumer, 1)
    consumer.pause([(TOPIC, placed.partition)])
    write(bus, "a", "a")
    assert behind(consumer, 2)


def test_a_follower_without_group_begins_at_the_present(bus: Bus) -> None:
    write(bus, "before")
    follower = bus.consumer([TOPIC], group=None)
    write(bus, "after")
    assert read(follower, 1) == ["after"]


def test_a_follower_goes_back_to_a_time(bus: Bus) -> None:
    follower = bus.consumer([TOPIC], group=None)
    early = write(bus, *"abcd")
    assert sorted(read(follower, 4)) == list("abcd")
    while time.time() * 1000 <= max(record.timestamp_ms for record in early) + 1:
        time.sleep(0.001)
    late = write(bus, *"efgh")
    follower.rewind_to(min(record.timestamp_ms for record in late))
    assert sorted(read(follower, 4)) == list("efgh")
    follower.rewind_to(0)
    assert sorted(read(follower, 8)) == list("abcdefgh")
    # No record is that young: what comes from now on is next.
    follower.rewind_to(round(time.time() * 1000) + 3_600_000)
    write(bus, "i")
    assert read(follower, 1) == ["i"]


def test_a_follower_commits_nothing(bus: Bus) -> None:
    follower = bus.consumer([TOPIC], group=None)
    write(bus, "a")
    assert read(follower, 1) == ["a"]
    follower.commit()
    assert read(bus.consumer([TOPIC], group="g"), 1) == ["a"]


def test_two_groups_both_see_every_record(bus: Bus) -> None:
    first, second = bus.consumer([TOPIC], group="g"), bus.consumer([TOPIC], group="h")
    write(bus, "a", "b")
    assert sorted(read(first, 2)) == sorted(read(second, 2)) == ["a", "b"]


def test_two_members_of_a_group_share_the_records(bus: Bus) -> None:
    members = two_members(bus)
    keys = [f"k{number}" for number in range(40)]
    write(bus, *keys)
    shares: list[list[str]] = [[], []]
    give_up = time.monotonic() + PATIENCE_S
    while sum(map(len, shares)) < len(keys) and time.monotonic() < give_up:
        for number, member in enumerate(members):
            shares[number] += keys_of(list(member.poll(timeout_s=0.1, max_records=100)))
    assert all(shares)
    assert sorted(shares[0] + shares[1]) == sorted(keys)


def test_what_was_not_committed_goes_to_the_next_member(bus: Bus) -> None:
    write(bus, "a")
    first = bus.consumer([TOPIC], group="g")
    assert read(first, 1) == ["a"]
    first.close()
    assert read(bus.consumer([TOPIC], group="g"), 1) == ["a"]


def test_what_was_committed_is_not_read_again(bus: Bus) -> None:
    write(bus, "a")
    first = bus.consumer([TOPIC], group="g")
    assert read(first, 1) == ["a"]
    first.commit()
    first.close()
    write(bus, "b")
    assert read(bus.consumer([TOPIC], group="g"), 1) == ["b"]


def test_a_member_takes_over_from_one_that_left(bus: Bus) -> None:
    stays, leaves = two_members(bus)
    keys = [f"k{number}" for number in range(40)]
    write(bus, *keys)
    done = read(stays, 1)
    stays.commit()
    assert read(leaves, 1)
    leaves.close()
    assert sorted(done + read(stays, len(keys) - len(done))) == sorted(keys)


def test_a_rewound_record_comes_again_and_is_not_committed(bus: Bus) -> None:
    producer = bus.producer()
    for value in (b"1", b"2", b"3"):
        producer.send(Record(topic=TOPIC, key=b"same", value=value))
    consumer = bus.consumer([TOPIC], group="g")
    records = take(consumer, 3)
    consumer.rewind(records[1])
    consumer.commit()
    assert [record.value for record in take(consumer, 2)] == [b"2", b"3"]
    consumer.close()
    assert [record.value for record in take(bus.consumer([TOPIC], group="g"), 2)] == [b"2", b"3"]


def test_what_is_held_and_all_after_it_comes_again(bus: Bus) -> None:
    producer = bus.producer()
    for value in (b"1", b"2", b"3"):
        producer.send(Record(topic=TOPIC, key=b"same", value=value))
    consumer = bus.consumer([TOPIC], group="g")
    records = take(consumer, 3)
    consumer.commit(held=records[1:])
    consumer.close()
    assert [record.value for record in take(bus.consumer([TOPIC], group="g"), 2)] == [b"2", b"3"]


def test_what_was_held_is_committed_once_it_is_done_though_nothing_new_came(bus: Bus) -> None:
    write(bus, "a")
    consumer = bus.consumer([TOPIC], group="g")
    consumer.commit(held=take(consumer, 1))
    consumer.commit()
    consumer.close()
    write(bus, "b")
    assert read(bus.consumer([TOPIC], group="g"), 1) == ["b"]


def test_a_member_knows_which_partitions_it_has(bus: Bus) -> None:
    members = two_members(bus)
    owned = [set(member.owned()) for member in members]
    assert all(owned)
    assert owned[0].isdisjoint(owned[1])
    (placed,) = write(bus, "k")
    holder = owned[0] if (placed.topic, placed.partition) in owned[0] else owned[1]
    assert (placed.topic, placed.partition) in holder


def begin_again(bus: Bus) -> int:
    """How often the first record has been begun, by a member that then goes without a commit."""
    member = bus.consumer([TOPIC], group="g")
    times = member.begin(take(member, 1)[0])
    member.close()
    return times


def test_the_beginnings_of_a_record_are_counted_across_members(bus: Bus) -> None:
    write(bus, "a", "b")
    assert [begin_again(bus) for _ in range(3)] == [1, 2, 3]


def test_a_beginning_says_that_what_precedes_it_is_done(bus: Bus) -> None:
    write(bus, "same", "same")
    first = bus.consumer([TOPIC], group="g")
    _, second = take(first, 2)
    assert first.begin(second) == 1
    first.close()
    (next_,) = take(bus.consumer([TOPIC], group="g"), 1)
    assert next_ == second


def test_a_commit_forgets_the_beginnings(bus: Bus) -> None:
    write(bus, "a")
    assert [begin_again(bus) for _ in range(2)] == [1, 2]
    member = bus.consumer([TOPIC], group="g")
    (record,) = take(member, 1)
    member.rewind(record)
    member.commit()
    member.close()
    assert begin_again(bus) == 1


def test_a_commit_elsewhere_keeps_the_beginnings(bus: Bus) -> None:
    member = bus.consumer([TOPIC], group="g")
    placed = {record.partition: record for record in write(bus, *[f"k{number}" for number in range(20)])}
    one, other = list(placed)[:2]
    record = next(record for record in take(member, 20) if record.partition == one)
    member.begin(record)
    member.close()
    again = bus.consumer([TOPIC], group="g")
    again.pause([(TOPIC, number) for number in placed if number != other])
    take(again, 1)
    again.commit()
    again.resume([(TOPIC, one)])
    first = next(record for record in take(again, 2) if record.partition == one)
    assert again.begin(first) == 2


def test_a_follower_counts_no_beginnings(bus: Bus) -> None:
    follower = bus.consumer([TOPIC], group=None)
    write(bus, "a")
    (record,) = take(follower, 1)
    assert [follower.begin(record) for _ in range(2)] == [1, 1]


def test_a_paused_partition_rests_while_the_others_go_on(bus: Bus) -> None:
    placed = write(bus, *[f"k{number}" for number in range(20)])
    paused = (TOPIC, placed[0].partition)
    resting = [record for record in placed if record.partition == paused[1]]
    consumer = bus.consumer([TOPIC], group="g")
    consumer.pause([paused])
    others = take(consumer, len(placed) - len(resting))
    others += consumer.poll(timeout_s=0.2, max_records=100)
    assert {record.partition for record in others} == {record.partition for record in placed} - {paused[1]}
    consumer.resume([paused])
    assert sorted(keys_of(take(consumer, len(resting)))) == sorted(keys_of(resting))


def test_a_poll_returns_no_more_than_asked_for_and_in_the_end_everything(bus: Bus) -> None:
    write(bus, *[f"k{number}" for number in range(40)])
    consumer = bus.consumer([TOPIC], group="g")
    seen: list[str] = []
    give_up = time.monotonic() + PATIENCE_S
    while len(seen) < 40 and time.monotonic() < give_up:
        batch = keys_of(list(consumer.poll(timeout_s=0.2, max_records=4)))
        assert len(batch) <= 4
        seen += batch
    assert len(set(seen)) == len(seen) == 40


def test_a_waiting_poll_wakes_when_a_record_comes(bus: Bus) -> None:
    consumer = bus.consumer([TOPIC], group="g")
    timer = threading.Timer(0.05, write, (bus, "late"))
    timer.start()
    records = consumer.poll(timeout_s=30, max_records=1)
    timer.join()
    assert keys_of(list(records)) == ["late"]


# --- what only the bus in memory promises ----------------------------------------------------------------------------


def test_a_full_poll_starves_no_partition() -> None:
    bus = LocalBus(partitions=4)
    write(bus, *[f"k{number}" for number in range(40)])
    consumer = bus.consumer([TOPIC], group="g")
    batches = [consumer.poll(timeout_s=0, max_records=4) for _ in range(10)]
    assert {len(batch) for batch in batches} == {4}
    assert {record.partition for batch in batches[:4] for record in batch} == {0, 1, 2, 3}


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
        assert len(member.poll(timeout_s=0, max_records=10)) == 2
        member.commit()
    assert bus.consumer([TOPIC], group="late").poll(timeout_s=0, max_records=10) == []


def test_an_unknown_topic_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown topics"):
        LocalBus().consumer(["clip"], group="g")
