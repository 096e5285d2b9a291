"""Every acknowledged clip has its outcome, whatever dies on the way."""

import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from kafka.admin import KafkaAdminClient

from tunekin import codec
from tunekin.kafka import KafkaBus, KafkaSettings, create_missing
from tunekin.messages import Answer
from tunekin.ports import Record
from tunekin.topics import DEAD_LETTERS, TOPICS

WORKER = Path(__file__).with_name("answering_worker.py")
PATIENCE_S = 60.0
Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def settings(kafka_server) -> KafkaSettings:
    """A real broker with topics of this test only."""
    made = KafkaSettings(bootstrap_servers=kafka_server.address, prefix=f"{uuid.uuid4().hex[:8]}.")
    needed = [replace(TOPICS[name], partitions=2) for name in ("clips", "recommendations")]
    create_missing(made, [*needed, TOPICS[DEAD_LETTERS]])
    return made


@pytest.fixture
def start(settings: KafkaSettings) -> Iterator[Start]:
    """Starts worker processes, and ends those that still run afterwards."""
    started = []
    environment = os.environ | {
        "TUNEKIN_KAFKA_BOOTSTRAP_SERVERS": settings.bootstrap_servers,
        "TUNEKIN_KAFKA_PREFIX": settings.prefix,
        "TUNEKIN_KAFKA_SESSION_TIMEOUT_S": "6",
    }

    def begin(*arguments: str) -> "subprocess.Popen[bytes]":
        process = subprocess.Popen([sys.executable, str(WORKER), *arguments], env=environment)
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.wait()


@contextmanager
def supervised(start: Start) -> Iterator[None]:
    """Starts a worker, and another one whenever it has ended: one that was sending when its broker went is in doubt."""
    over = threading.Event()

    def keep() -> None:
        worker = start()
        while not over.wait(0.2):
            if worker.poll() is not None:
                worker = start()

    supervisor = threading.Thread(target=keep)
    supervisor.start()
    try:
        yield
    finally:
        over.set()
        supervisor.join()


def publish(settings: KafkaSettings, *keys: str) -> None:
    producer = KafkaBus(settings).producer()
    deliveries = [producer.send(Record(topic="clips", key=key.encode(), value=b"sound")) for key in keys]
    producer.flush()
    for delivery in deliveries:
        delivery.result(0)
    producer.close()


def outcomes(settings: KafkaSettings, count: int) -> Counter[str]:
    """Answers by clip, once so many clips have one."""
    return Counter(answer.key for answer in answers(settings, count) if answer.status == "answered")


def answers(settings: KafkaSettings, count: int) -> list[Answer]:
    """All outcomes, once so many clips have one."""
    consumer = KafkaBus(settings).consumer(["recommendations"], group=uuid.uuid4().hex)
    seen: list[Answer] = []
    give_up = time.monotonic() + PATIENCE_S
    while len({answer.key for answer in seen}) < count and time.monotonic() < give_up:
        for record in consumer.poll(timeout_s=0.5, max_records=100):
            message = codec.decode(record)
            assert isinstance(message, Answer)
            seen.append(message)
    consumer.close()
    return seen


def committed(settings: KafkaSettings) -> int:
    """Sum of the group's committed offsets."""
    admin = KafkaAdminClient(bootstrap_servers=settings.bootstrap_servers)
    group = f"{settings.prefix}answer"
    offsets = admin.list_group_offsets({group: None})[group]
    admin.close()
    return sum(one.offset for one in offsets.values())


def test_a_worker_killed_between_sending_and_committing_loses_no_clip(settings, start):
    clips = [f"clip {number}" for number in range(20)]
    publish(settings, *clips)
    assert start("die").wait(PATIENCE_S) == -signal.SIGKILL
    assert committed(settings) < len(clips)
    second = start()
    seen = outcomes(settings, len(clips))
    assert set(seen) == set(clips)
    second.send_signal(signal.SIGTERM)
    assert second.wait(PATIENCE_S) == 0
    assert committed(settings) == len(clips)


def test_a_clip_that_kills_its_workers_fails_after_three_and_its_neighbours_are_answered(settings, start):
    publish(settings, "before", "deadly", "after", "later")
    for _ in range(3):
        assert start().wait(PATIENCE_S) == -signal.SIGKILL
    start()
    found = answers(settings, 4)
    # Delivery is at least once: an outcome may come again, another one may not.
    assert sorted({(answer.key, answer.status) for answer in found}) == [
        ("after", "answered"),
        ("before", "answered"),
        ("deadly", "failed"),
        ("later", "answered"),
    ]
    assert {answer.error.code for answer in found if answer.error} == {"record.killed_worker"}


def test_a_worker_told_to_end_finishes_commits_and_leaves(settings, start):
    publish(settings, "a")
    worker = start()
    assert outcomes(settings, 1) == {"a": 1}
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(PATIENCE_S) == 0
    publish(settings, "b")
    start()
    assert outcomes(settings, 2) == {"a": 1, "b": 1}


def test_a_broker_that_goes_and_comes_back_loses_nothing(settings, start, kafka_server):
    with supervised(start):
        before, after = [f"before {number}" for number in range(10)], [f"after {number}" for number in range(10)]
        publish(settings, *before)
        kafka_server.restart()
        publish(settings, *after)
        assert set(outcomes(settings, 20)) == {*before, *after}
