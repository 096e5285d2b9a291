"""What Kafka adds to the bus: topics held against the table, and clear words where something is wrong."""

import contextlib
import gc
import socket
import time
from dataclasses import replace

import pytest

from tunekin.errors import DependencyError, MessageError, SettingsError
from tunekin.kafka import KafkaBus, KafkaSettings, arrivals, check, create_missing, drift, existing, lags
from tunekin.kafka.failures import administering
from tunekin.ports import Consumer, Record
from tunekin.topics import DEAD_LETTERS, TOPICS

SMALL = [replace(TOPICS["clips"], partitions=1), TOPICS[DEAD_LETTERS]]


def poll_one(consumer: Consumer) -> Record:
    give_up = time.monotonic() + 30
    while time.monotonic() < give_up:
        for record in consumer.poll(timeout_s=0.5, max_records=1):
            return record
    pytest.fail("no record came in 30 s")


def test_topics_are_created_as_the_table_says(kafka_settings):
    assert create_missing(kafka_settings, SMALL) == ["clips", DEAD_LETTERS]
    assert drift(kafka_settings, SMALL) == []
    check(kafka_settings, SMALL)


def test_topics_that_are_there_are_left_alone(kafka_settings):
    create_missing(kafka_settings, SMALL)
    assert create_missing(kafka_settings, [TOPICS["clips"], *SMALL[1:]]) == []


def test_drift_from_the_table_is_told_in_words(kafka_settings):
    create_missing(kafka_settings, [replace(SMALL[0], cleanup="compact", retention_ms=None, max_record_bytes=1_000)])
    name = f"{kafka_settings.prefix}clips"
    assert drift(kafka_settings, [TOPICS["clips"], TOPICS[DEAD_LETTERS]]) == [
        f"{name} has partitions=1, not 12",
        f"{name} has cleanup.policy=compact, not delete",
        f"{name} has retention.ms=-1, not 604800000",
        f"{name} has max.message.bytes=1000, not {TOPICS['clips'].max_record_bytes}",
        f"{kafka_settings.prefix}{DEAD_LETTERS} is missing",
    ]


def test_a_missing_topic_stops_the_start_by_name(kafka_settings):
    create_missing(kafka_settings, SMALL[:1])
    with pytest.raises(DependencyError, match=f"(?m)has no topic {kafka_settings.prefix}{DEAD_LETTERS}$"):
        check(kafka_settings, SMALL)


def test_an_unreachable_broker_is_named():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(DependencyError, match=f"Kafka at {address} is out of reach") as caught:
            check(KafkaSettings(bootstrap_servers=address, connect_timeout_s=0.5))
    assert "TUNEKIN_KAFKA_BOOTSTRAP_SERVERS" in caught.value.hint


# kafka-python leaves the sockets of refused connections to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_broker_that_refuses_a_user_is_told_from_one_that_is_away(kafka_settings):
    refused = KafkaSettings(
        bootstrap_servers=kafka_settings.bootstrap_servers,
        security_protocol="SASL_PLAINTEXT",
        user="ann",
        password="secret",
        connect_timeout_s=1,
    )
    with pytest.raises(SettingsError, match="refuses the user 'ann'") as caught:
        check(refused)
    assert "secret" not in caught.value.message + caught.value.hint
    del caught
    gc.collect()


def test_a_peer_that_says_nothing_while_tls_begins_is_given_up_in_time():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        settings = KafkaSettings(bootstrap_servers=address, security_protocol="SSL", connect_timeout_s=0.5)
        with pytest.raises(DependencyError, match=r"gives no answer in 0\.5 s; .*no end of TLS's handshake") as caught:
            check(settings)
    assert "TUNEKIN_KAFKA_SECURITY_PROTOCOL=SSL" in caught.value.hint
    # No socket is left to the garbage collector, who would warn.
    del caught
    gc.collect()


def test_a_record_too_large_for_its_topic_is_refused_before_it_is_sent(kafka_settings):
    create_missing(kafka_settings, SMALL)
    producer = KafkaBus(kafka_settings).producer()
    limit = SMALL[0].max_record_bytes
    with pytest.raises(MessageError, match=f"has {limit + 1} bytes, more than the {limit}"):
        producer.send(Record(topic="clips", key=b"k", value=bytes(limit)))
    producer.close()


@pytest.mark.parametrize("topic", ["clips", DEAD_LETTERS])
@pytest.mark.parametrize("compression", ["none", "lz4", "zstd"])
def test_the_largest_record_that_a_topic_takes_goes_through(kafka_settings, topic, compression):
    settings = kafka_settings.model_copy(update={"compression": compression})
    create_missing(settings, SMALL)
    bus = KafkaBus(settings)
    producer, consumer = bus.producer(), bus.consumer([topic], group="g")
    value = bytes(TOPICS[topic].max_record_bytes - 64 * 1024)
    delivery = producer.send(Record(topic=topic, key=b"k", value=value, headers=(("h", b"x" * 32 * 1024),)))
    producer.flush()
    delivery.result(0)
    assert poll_one(consumer).value == value
    consumer.close()
    producer.close()


def test_sending_to_a_missing_topic_fails(kafka_settings):
    producer = KafkaBus(
        kafka_settings.model_copy(update={"delivery_timeout_s": 2.0, "request_timeout_s": 2.0})
    ).producer()
    with pytest.raises(DependencyError):
        producer.send(Record(topic="clips", key=b"k", value=b"v")).result(5)
    producer.close()


@pytest.mark.parametrize("group", [None, "g"])
def test_a_missing_topic_cannot_be_read(kafka_settings, group):
    with pytest.raises(DependencyError, match=f"(?m)has no topic {kafka_settings.prefix}clips$"):
        KafkaBus(kafka_settings).consumer(["clips"], group=group)


def test_installations_with_other_prefixes_do_not_meet(kafka_settings):
    other = kafka_settings.model_copy(update={"prefix": f"other.{kafka_settings.prefix}"})
    for settings in (kafka_settings, other):
        create_missing(settings, SMALL)
        producer = KafkaBus(settings).producer()
        producer.send(Record(topic="clips", key=settings.prefix.encode(), value=b"")).result(5)
        producer.close()
    for settings in (kafka_settings, other):
        consumer = KafkaBus(settings).consumer(["clips"], group="g")
        assert poll_one(consumer).key == settings.prefix.encode()
        consumer.commit()
        consumer.close()


def test_a_commit_that_comes_too_late_moves_nothing(kafka_settings):
    create_missing(kafka_settings, SMALL)
    slow = KafkaBus(kafka_settings.model_copy(update={"session_timeout_s": 6.0, "max_pass_s": 6.0}))
    producer, first = slow.producer(), slow.consumer(["clips"], group="g")
    producer.send(Record(topic="clips", key=b"k", value=b"v")).result(5)
    record = poll_one(first)
    second = KafkaBus(kafka_settings).consumer(["clips"], group="g")
    assert poll_one(second) == record, "the pass of the first took longer than it may"
    first.commit()
    second.close()
    third = KafkaBus(kafka_settings).consumer(["clips"], group="g")
    assert poll_one(third) == record
    for client in (third, first, producer):
        client.close()


def send(settings: KafkaSettings, *values: bytes) -> None:
    producer = KafkaBus(settings).producer()
    deliveries = [producer.send(Record(topic="clips", key=value, value=value)) for value in values]
    producer.flush()
    for delivery in deliveries:
        delivery.result(0)
    producer.close()


def test_the_topics_of_an_installation_are_told_by_their_own_names(kafka_settings):
    create_missing(kafka_settings, SMALL)
    assert existing(kafka_settings) == ["clips", DEAD_LETTERS]
    assert existing(kafka_settings.model_copy(update={"prefix": f"{kafka_settings.prefix}x."})) == []


def test_all_that_a_topic_holds_can_be_read_at_any_time(kafka_settings):
    create_missing(kafka_settings, [replace(TOPICS["clips"], partitions=3), TOPICS[DEAD_LETTERS]])
    bus = KafkaBus(kafka_settings)
    assert list(bus.history("clips")) == []
    values = [str(number).encode() for number in range(250)]
    send(kafka_settings, *values)
    assert {record.value for record in bus.history("clips")} == set(values)
    assert len(list(bus.history("clips"))) == len(values)


def test_what_waits_for_a_group_is_what_it_has_not_committed(kafka_settings):
    create_missing(kafka_settings, SMALL)
    send(kafka_settings, b"1", b"2", b"3")
    assert lags(kafka_settings) == []
    consumer = KafkaBus(kafka_settings).consumer(["clips"], group="reader")
    poll_one(consumer)
    consumer.commit()
    (lag,) = lags(kafka_settings)
    assert (lag.group, lag.members, lag.behind) == ("reader", 1, {"clips": 2})
    consumer.close()
    (lag,) = lags(kafka_settings)
    assert (lag.members, lag.behind) == (0, {"clips": 2})


def test_what_waits_for_a_worker_that_has_done_nothing_yet_is_counted_and_what_has_come_lately(kafka_settings):
    create_missing(kafka_settings, SMALL)
    send(kafka_settings, b"1", b"2", b"3")
    with contextlib.closing(KafkaBus(kafka_settings).consumer(["clips"], group="reader")) as consumer:
        poll_one(consumer)
        (lag,) = lags(kafka_settings)
        assert (lag.group, lag.members, lag.behind, lag.hosts) == ("reader", 1, {"clips": 3}, ("127.0.0.1",))
    assert arrivals(kafka_settings, clock=lambda: time.time() - 3_600) == {"clips": 3, DEAD_LETTERS: 0}
    assert arrivals(kafka_settings, clock=lambda: time.time() + 3_600) == {"clips": 0, DEAD_LETTERS: 0}


def test_a_follower_sees_what_is_written_to_partitions_that_its_topic_is_given(kafka_settings, monkeypatch):
    monkeypatch.setattr("tunekin.kafka.bus._METADATA_AGE_MS", 200)
    create_missing(kafka_settings, [replace(TOPICS["clips"], partitions=1)])
    bus = KafkaBus(kafka_settings)
    with contextlib.closing(bus.consumer(["clips"], group=None)) as follower:
        with administering(kafka_settings) as admin:
            admin.create_partitions({f"{kafka_settings.prefix}clips": 8})
        with contextlib.closing(bus.producer()) as producer:
            wanted = {bytes([65 + number]) for number in range(16)}
            deliveries = [producer.send(Record(topic="clips", key=key, value=b"")) for key in wanted]
            assert len({delivery.result().partition for delivery in deliveries}) > 1
        give_up = time.monotonic() + 30
        seen: set[bytes | None] = set()
        while seen < wanted and time.monotonic() < give_up:
            seen.update(record.key for record in follower.poll(timeout_s=0.2, max_records=100))
    assert seen == wanted


def test_letters_are_read_from_the_newest_on_in_parts_and_from_a_time_on(kafka_settings, monkeypatch):
    monkeypatch.setattr("tunekin.kafka.bus._HISTORY_RECORDS", 4)
    create_missing(kafka_settings, SMALL)
    bus = KafkaBus(kafka_settings)
    places = []
    with contextlib.closing(bus.producer()) as producer:
        for number in range(30):
            letter = Record(topic=DEAD_LETTERS, key=b"%d" % (number % 20), value=b"%d" % number if number % 7 else None)
            places.append(producer.send(letter).result())
    read = [record.value for record in bus.newest_first(DEAD_LETTERS)]
    assert read == [place.value for place in reversed(places)]
    since_ms = places[17].timestamp_ms
    young = [record.offset for record in bus.newest_first(DEAD_LETTERS, since_ms=since_ms)]
    assert young == [place.offset for place in reversed(places) if place.timestamp_ms >= since_ms]
    assert list(bus.newest_first(DEAD_LETTERS, since_ms=places[-1].timestamp_ms + 60_000)) == []
